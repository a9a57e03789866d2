"""Causes: the difficulties of a generator, each of which may be switched off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Config = TypeVar("Config", bound=DataclassInstance)
else:
    Config = TypeVar("Config")

Causes = Mapping[str, Mapping[str, float]]
"""Each cause with the field values that switch it off."""


def switched_off(config: Config, known: Causes, *causes: str) -> Config:
    """Return a generator's configuration without the named causes.

    Raises
    ------
    ValueError
        If a cause is not a known one.
    """
    for cause in causes:
        if cause not in known:
            raise ValueError(f"unknown cause {cause!r}; the causes are {', '.join(known)}")
        config = replace(config, **known[cause])
    return config


def named(presets: Mapping[str, Config], name: str) -> Config:
    """Return a named configuration.

    Raises
    ------
    ValueError
        If there is none of this name.
    """
    if name not in presets:
        raise ValueError(f"unknown preset {name!r}; the presets are {', '.join(presets)}")
    return presets[name]
