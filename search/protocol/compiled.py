"""What an interactive session has defined: no file holds it, so its compiled code is digested."""

from __future__ import annotations

from collections.abc import Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any


def compiled(trainable: Any, module: ModuleType) -> list[Any]:
    """Return everything of a module that a trainable reaches by name, as JSON can hold it.

    Parameters
    ----------
    trainable
        A function, a class, or a partial of one.
    module
        Where it was defined.
    """
    todo: list[Any] = [getattr(trainable, "func", trainable)]
    seen: set[int] = set()
    found: list[Any] = []
    while todo:
        value = todo.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        for code in _codes(value, module):
            found.append(_written(code))
            todo += [vars(module)[name] for name in _names(code) if name in vars(module)]
        if isinstance(value, str | int | float | bool | tuple):
            found.append(repr(value))
    return found


def _codes(value: Any, module: ModuleType) -> Iterator[CodeType]:
    """Yield the code of a function, or of all that a class defines, if it is the module's own."""
    if getattr(value, "__module__", None) != module.__name__:
        return
    if isinstance(value, FunctionType):
        yield value.__code__
    elif isinstance(value, type):
        for name in sorted(vars(value)):
            inner = getattr(vars(value)[name], "__func__", vars(value)[name])
            if isinstance(inner, FunctionType):
                yield inner.__code__


def _names(code: CodeType) -> set[str]:
    inner = [_names(value) for value in code.co_consts if isinstance(value, CodeType)]
    return set(code.co_names).union(*inner)


def _written(code: CodeType) -> list[Any]:
    """Return code without where it stood: the same cell run again is the same code."""
    values = [
        _written(value) if isinstance(value, CodeType) else repr(value) for value in code.co_consts
    ]
    return [code.co_code.hex(), values, list(code.co_names), list(code.co_varnames)]
