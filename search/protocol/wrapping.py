"""A trainable that behaves as before, while somebody looks on.

What it is given as its configuration can be exchanged, and what it raises can be seen before the
worker makes a record of it.
"""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

METHODS = ("step", "save", "load", "predict", "diagnose", "close")
Configure = Callable[[Any], Any]
Seen = Callable[[Exception], None]


def watched_trainable(
    trainable: Any, *, configure: Configure | None = None, seen: Seen | None = None
) -> Any:
    """Return a trainable of the same kind and signature.

    Parameters
    ----------
    trainable
        A generator function or a class, or a partial of one.
    configure
        Returns what the trainable is given in place of its configuration.
    seen
        Called with an exception while its frames are alive; it is raised all the same.
    """
    configure = configure or (lambda config: config)
    seen = seen or (lambda _error: None)
    if isinstance(trainable, functools.partial) and inspect.isclass(trainable.func):
        inner = _watched_class(trainable.func, configure, seen)
        return functools.partial(inner, *trainable.args, **trainable.keywords)
    if inspect.isclass(trainable):
        return _watched_class(trainable, configure, seen)
    return _watched_generator(trainable, configure, seen)


def watched_function(function: Callable[..., Any], seen: Seen) -> Callable[..., Any]:
    """Return a function that shows what it raises."""

    @functools.wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:
        with _shown(seen):
            return function(*arguments, **named)

    return call


@contextmanager
def _shown(seen: Seen) -> Iterator[None]:
    """Show what the block raises; it is raised all the same."""
    try:
        yield
    except Exception as error:
        seen(error)
        raise


def _watched_generator(trainable: Any, configure: Configure, seen: Seen) -> Any:
    @functools.wraps(trainable)
    def run(config: Any, **named: Any) -> Iterator[Any]:
        with _shown(seen):
            yield from trainable(configure(config), **named)

    return run


def _watched_class(trainable: type, configure: Configure, seen: Seen) -> type:
    original = vars(trainable).get("__init__", trainable.__init__)  # type: ignore[misc]

    @functools.wraps(original)
    def begin(self: Any, config: Any, **named: Any) -> None:
        with _shown(seen):
            original(self, configure(config), **named)

    methods = {
        name: watched_function(method, seen)
        for name in METHODS
        if callable(method := getattr(trainable, name, None))
    }
    body = {"__init__": begin, "__module__": trainable.__module__, **methods}
    return types.new_class(trainable.__name__, (trainable,), {}, lambda own: own.update(body))
