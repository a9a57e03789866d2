"""What Optuna is asked for: a space and techniques as one list of conditional parameters.

A technique that sets one field becomes a categorical parameter of that field's name, shared with
the techniques that set the same field to other values. One that sets several fields, or that
requires or excludes others, becomes a categorical of its own name, false or true. A knob exists
only while its technique (or another field's value) makes it meaningful: it is not asked for
otherwise, so that samplers and the dashboard see it only where it applies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import optuna

from search.compiling import compile_parameters
from search.configuration import flatten, override
from search.errors import SpaceError
from search.parameter import Parameter
from search.space import Categorical, Domain, Float, Space, contains, describe
from search.technique import Technique

__all__ = ["Ask", "Parameter", "Parameters", "ask_trial"]

Ask: TypeAlias = Callable[[str, Domain], Any]


@dataclass(frozen=True)
class Parameters:
    """The parameters of one search, in an order in which conditions are known when needed.

    Examples
    --------
    >>> from search.space import Float
    >>> @dataclass(frozen=True)
    ... class Config:
    ...     lr: float = 0.1
    ...     focal: bool = False
    ...     gamma: float = 2.0
    >>> space = Space(baseline=Config(), domains={"lr": Float(0.01, 1.0)})
    >>> focal = Technique("Focal loss", on={"focal": True}, domains={"gamma": Float(0.0, 5.0)})
    >>> parameters = Parameters.of(space, [focal])
    >>> parameters.encode(Config())
    {'lr': 0.1, 'focal': False}
    >>> parameters.encode(Config(focal=True))
    {'lr': 0.1, 'focal': True, 'gamma': 2.0}
    """

    baseline: Any
    parameters: tuple[Parameter, ...]

    @classmethod
    def of(cls, space: Space, techniques: Iterable[Technique] = ()) -> Parameters:
        """Compile a space and the techniques that may be switched on in it."""
        return cls(space.baseline, compile_parameters(space, techniques))

    def suggest(self, ask: Ask) -> dict[str, Any]:
        """Ask for every parameter that exists; return values by parameter name."""
        values, asked = flatten(self.baseline), {}
        for parameter in self.parameters:
            if parameter.exists(values):
                asked[parameter.name] = ask(parameter.name, parameter.domain)
                values.update(parameter.changes(asked[parameter.name]))
        return asked

    def decode(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Return the field values that differ from the baseline, given parameter values."""
        before = flatten(self.baseline)
        values = dict(before)
        for parameter in self.parameters:
            if parameter.name in asked and parameter.exists(values):
                values.update(parameter.changes(asked[parameter.name]))
        return {path: value for path, value in values.items() if value != before[path]}

    def encode(self, config: Any) -> dict[str, Any]:
        """Return the parameter values of a configuration.

        Raises
        ------
        SpaceError
            If a value lies outside its domain, or a field differs that no parameter sets.
        """
        wanted = flatten(config)
        by_name = {parameter.name: parameter for parameter in self.parameters}
        asked = self.suggest(lambda name, _: by_name[name].read(wanted))
        problems = [
            f"{name}={value!r} lies outside {describe(by_name[name].domain)}"
            for name, value in asked.items()
            if not contains(by_name[name].domain, value)
        ]
        reached = flatten(override(self.baseline, self.decode(asked)))
        problems += [
            f"{self._why_not(path)} can set {path}={value!r}"
            for path, value in wanted.items()
            if reached[path] != value and not problems
        ]
        if problems:
            raise SpaceError(problems)
        return asked

    def _why_not(self, path: str) -> str:
        for parameter in self.parameters:
            if parameter.name == path and parameter.condition:
                return f"only a search with {parameter.condition}"
        return "no parameter of the search"

    def distributions(self, asked: Mapping[str, Any]) -> dict[str, Domain]:
        """Return the Optuna distributions of the parameters that were asked for."""
        return {p.name: p.domain for p in self.parameters if p.name in asked}


def ask_trial(trial: optuna.Trial | optuna.trial.FixedTrial) -> Ask:
    """Return a function that asks an Optuna trial through its public suggest methods."""

    def ask(name: str, domain: Domain) -> Any:
        if isinstance(domain, Categorical):
            return trial.suggest_categorical(name, domain.choices)
        if isinstance(domain, Float):
            return trial.suggest_float(
                name, domain.low, domain.high, step=domain.step, log=domain.log
            )
        return trial.suggest_int(name, domain.low, domain.high, step=domain.step, log=domain.log)

    return ask
