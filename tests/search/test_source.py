from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import PurePosixPath
from typing import Any

from hypothesis import given

from search.configuration import flatten
from search.plain import plain
from search.source import Source
from tests.search.configurations import Config, Head, Model, Pooling
from tests.search.test_configuration import configs

NAMES: dict[str, Any] = {
    "Config": Config,
    "Model": Model,
    "Head": Head,
    "Pooling": Pooling,
    "PurePosixPath": PurePosixPath,
}
SOURCE = Source.of(Config(steps=3))


@given(configs)
def test_what_is_written_evaluates_to_the_same_configuration(config: Config) -> None:
    assert eval(SOURCE.write(flatten(config)), NAMES) == config


@given(configs)
def test_it_may_come_from_the_database(config: Config) -> None:
    stored = json.loads(json.dumps(asdict(SOURCE)))
    values = json.loads(json.dumps(plain(flatten(config))))
    assert eval(Source(**stored).write(values), NAMES) == config


def test_only_what_differs_is_written() -> None:
    assert SOURCE.write(flatten(Config(steps=3))) == "Config(steps=3)"
    changed = Config(steps=3, lr=0.5, model=Model(width=16, pooling=Pooling.MAX))
    assert SOURCE.write(flatten(changed)) == (
        "Config(steps=3, lr=0.5, model=Model(width=16, pooling=Pooling.MAX))"
    )


def test_a_nested_preset_that_is_not_its_class_default_is_undone_explicitly() -> None:
    # Config's own default is Model(width=16); Model's is width 32
    assert SOURCE.write(flatten(Config(steps=3, model=Model()))) == "Config(steps=3, model=Model())"


def test_infinities_tuples_and_sets_are_python() -> None:
    written = SOURCE.write(
        flatten(
            Config(
                steps=1,
                clip=float("-inf"),
                pair=(2, "inf"),
                poolings=(Pooling.MAX,),
                tags=frozenset({"b", "a"}),
            )
        )
    )
    assert written == (
        "Config(steps=1, clip=float('-inf'), pair=(2, 'inf'), poolings=(Pooling.MAX,), "
        "tags=frozenset(('a', 'b')))"
    )


@dataclass(frozen=True)
class Needy:
    model: Model
    tags: tuple[str, ...] = field(default_factory=tuple)


def test_a_nested_dataclass_without_default_is_always_written() -> None:
    source = Source.of(Needy(Model()))
    assert source.write(flatten(Needy(Model()))) == "Needy(model=Model())"
    assert eval(source.write(flatten(Needy(Model(3), ("x",)))), {**NAMES, "Needy": Needy}) == Needy(
        Model(3), ("x",)
    )
