"""A digest of the code that a trainable's numbers come from.

Comments and layout do not count, docstrings neither: the syntax tree is digested, of the
trainable's module and of every module of the user's own that it imports, directly or not. Installed
packages are told apart by their versions, which are stored beside every run. Of the trainable's
own module only what it reaches by name counts, so that a study in the same file may change.
"""

from __future__ import annotations

import ast
import functools
import re
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from search.configuration import digest
from search.protocol.compiled import compiled

PLATFORM = "search"


def code_digests(trainable: Any) -> dict[str, str]:
    """Return the digest of each of the user's modules that a trainable depends on, by name."""
    root = _module_of(trainable)
    if root is not None and getattr(root, "__file__", None) is None:
        return {root.__name__: digest(compiled(trainable, root))}
    todo: list[ModuleType | None] = [root]
    found: dict[str, str] = {}
    while todo:
        module = todo.pop()
        if module is None or module.__name__ in found or not _is_own(module):
            continue
        tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
        if module is root:
            tree = _reached(tree, _name_of(trainable))
        found[module.__name__] = digest(ast.dump(_without_docstrings(tree)))
        todo += [sys.modules.get(name) for name in _imports(tree, module)]
    return dict(sorted(found.items()))


def code_digest(trainable: Any) -> str:
    """Return one digest of all of them."""
    fixed = []
    if isinstance(trainable, functools.partial):  # what it fixes moves numbers as code does
        given = repr((trainable.args, sorted(trainable.keywords.items())))
        fixed = [re.sub(r" at 0x[0-9a-f]+", "", given)]  # an address is another one every time
    return digest([*sorted(code_digests(trainable).values()), *fixed])


def _name_of(trainable: Any) -> str:
    inner = getattr(trainable, "func", trainable)  # functools.partial
    return str(getattr(inner, "__name__", type(inner).__name__))


def _reached(tree: ast.Module, name: str) -> ast.Module:
    """Return the top-level statements that `name` reaches, in their order."""
    defined = [(_defines(node), node) for node in tree.body]
    wanted, kept = {name}, set[int]()
    grown = True
    while grown:
        grown = False
        for place, (names, node) in enumerate(defined):
            if place not in kept and names & wanted:
                kept.add(place)
                wanted |= {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
                grown = True
    if not kept:  # a lambda has no name: whatever the module says counts
        return tree
    return ast.Module([tree.body[place] for place in sorted(kept)], [])


def _defines(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name.split(".")[0] for alias in node.names}
    stores = (n for n in ast.walk(node) if isinstance(n, ast.Name))
    return {n.id for n in stores if isinstance(n.ctx, ast.Store)}


def _module_of(trainable: Any) -> ModuleType | None:
    inner = getattr(trainable, "func", trainable)  # functools.partial
    name = getattr(inner, "__module__", type(inner).__module__)
    return sys.modules.get(name)


def _is_own(module: ModuleType) -> bool:
    file = getattr(module, "__file__", None)
    if not file or not str(file).endswith(".py") or module.__name__.split(".")[0] == PLATFORM:
        return False
    path = Path(file).resolve()
    paths = sysconfig.get_paths()
    foreign = {Path(paths[key]).resolve() for key in ("stdlib", "platstdlib", "purelib", "platlib")}
    return not any(path.is_relative_to(folder) for folder in foreign)


def _imports(tree: ast.Module, module: ModuleType) -> Iterator[str]:
    package = module.__name__ if hasattr(module, "__path__") else module.__name__.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*parts, node.module or ""]).strip(".") if node.level else node.module
            yield str(base)
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        first = node.body[0] if node.body else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
            node.body = node.body[1:] or [ast.Pass()]
    return tree
