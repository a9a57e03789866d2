"""Command lines with fields in braces, filled without a shell."""

from __future__ import annotations

import json
import shlex
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from search.errors import TrainableError
from search.plain import plain


@dataclass(frozen=True)
class Template:
    """Words that may name fields: ``python train.py --lr {optim.lr} --focal {focal:d}``.

    The words are split as a shell would before fields are filled in, so that no value is ever
    split, expanded or run. Texts stand as they are, all else as JSON writes it (``true``, ``null``,
    ``[64, 32]``), unless Python's format specification says otherwise; ``{{`` is a brace.

    Raises
    ------
    TrainableError
        If a quote or a brace is not closed, there is no word, or a field has no name.

    Examples
    --------
    >>> Template("train --lr {optim.lr} --name '{name}'").fill({"optim.lr": 1e-5, "name": "a; b"})
    ['train', '--lr', '1e-05', '--name', 'a; b']
    >>> Template("train --focal {focal:d} {focal}").fill({"focal": True})
    ['train', '--focal', '1', 'true']
    """

    text: str

    def __post_init__(self) -> None:
        if not isinstance(self.text, str):
            raise TrainableError(f"a command is a text, got {self.text!r}")
        try:
            parts = [part for word in self.words for part in _parts(word)]
        except ValueError as error:
            raise TrainableError(f"the command {self.text!r} cannot be read: {error}") from error
        if not parts:
            raise TrainableError("the command is empty")
        for name, _, conversion in parts:
            if name is not None and (not name.strip() or name.isdigit() or conversion):
                raise TrainableError(
                    f"the command {self.text!r} must name fields, such as {{lr}} or {{optim.lr}}"
                )

    @property
    def words(self) -> list[str]:
        """The words, with fields in them."""
        return shlex.split(self.text)

    @property
    def names(self) -> list[str]:
        """The fields that it names, in their order."""
        named = [name for word in self.words for name, _, _ in _parts(word) if name is not None]
        return list(dict.fromkeys(named))

    def fill(self, values: Mapping[str, Any]) -> list[str]:
        """Return the words with the values of their fields."""
        return ["".join(_filled(word, values)) for word in self.words]


def _parts(word: str) -> Iterator[tuple[str | None, str, str | None]]:
    """Yield (name, format, conversion) for each piece of a word; a name of None is plain text."""
    for _, name, spec, conversion in string.Formatter().parse(word):
        yield name, spec or "", conversion


def _filled(word: str, values: Mapping[str, Any]) -> Iterator[str]:
    for text, name, spec, _ in string.Formatter().parse(word):
        yield text
        if name is not None:
            yield _shown(values[name], spec or "")


def _shown(value: Any, spec: str) -> str:
    if spec:
        return format(value, spec)
    value = plain(value)
    return value if isinstance(value, str) else json.dumps(value)
