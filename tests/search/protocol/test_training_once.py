"""Settings from a command line, recipes, what is read, and trainables that are looked at."""

from __future__ import annotations

import inspect
import traceback
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import PurePosixPath

import pytest

from search.errors import OptionError
from search.protocol.reads import Reads
from search.protocol.training_once import parse_settings, recipe_of_arm
from search.protocol.wrapping import watched_trainable
from search.trainable import inspect_trainable
from tests.search import configurations
from tests.search.protocol import planted_mistakes as planted

CONFIG = configurations.Config(steps=3)


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("lr=3e-4", 3e-4),
        ("clip=inf", float("inf")),
        ("focal=True", True),
        ("focal=false", False),
        ("loss=focal", "focal"),
        ("loss=1", 1),
        ("schedule=none", None),
        ("schedule=3", "3"),
        ("best=max", configurations.Pooling.MAX),
        ("pair=(2, 'b')", (2, "b")),
        ("pair=[2, 'b']", (2, "b")),
        ("poolings=('mean',)", (configurations.Pooling.MEAN,)),
        ("file=a/b.csv", PurePosixPath("a/b.csv")),
        ("model.head.width=16", 16),
        ("model.pooling = attention", configurations.Pooling.ATTENTION),
    ],
)
def test_a_setting_is_read_as_its_field_has_it(word, value):
    (found,) = parse_settings(CONFIG, [word]).values()
    assert (found, type(found)) == (value, type(value))


def test_all_wrong_settings_are_told_at_once():
    with pytest.raises(OptionError) as caught:
        parse_settings(CONFIG, ["lr=fast", "widht=3", "steps=1.5", "gamma=1"])
    assert len(str(caught.value).splitlines()) == 3


def test_several_techniques_may_be_on_and_bring_what_they_require():
    study = planted.study(
        planted.good,
        space=planted.Space(baseline=planted.Config(), domains={}),
        techniques=[
            planted.Technique("Focal loss", on={"focal": True}),
            planted.Technique("Hinge", on={"loss": "hinge"}, requires=["Focal loss"]),
            planted.Technique("Wide", on={"model.width": 32}),
        ],
    )
    recipe = recipe_of_arm(study, "Hinge + Wide", {"lr": 0.5}, seed=3)
    assert dict(recipe.changes) == {"focal": True, "loss": "hinge", "model.width": 32, "lr": 0.5}
    with pytest.raises(OptionError, match="did you mean 'Wide'"):
        recipe_of_arm(study, "Wyde", {}, seed=0)


@dataclass(frozen=True)
class Inner:
    width: int = 3
    unused: int = 4

    @property
    def doubled(self):
        return 2 * self.width


@dataclass(frozen=True)
class Outer:
    lr: float = 0.1
    gamma: float = 2.0
    inner: Inner = field(default_factory=Inner)
    area: int = field(init=False, default=0)

    def __post_init__(self):
        object.__setattr__(self, "area", 7)


@dataclass(frozen=True, slots=True)
class Slotted:
    lr: float = 0.1
    gamma: float = 2.0


def test_fields_that_are_read_one_by_one_are_noted_also_through_a_property():
    reads = Reads()
    config = reads.watch(Outer())
    assert isinstance(config, Outer)
    assert (config.inner.doubled, config.lr, config.area) == (6, 0.1, 7)
    assert (reads.fields, reads.whole) == ({"inner.width", "lr", "area"}, False)


@pytest.mark.parametrize(
    "everything", [asdict, repr, hash, vars, lambda config: replace(config, lr=0.3)]
)
def test_reading_everything_at_once_says_nothing_about_one_field(everything):
    reads = Reads()
    everything(reads.watch(Outer()))
    assert (reads.fields, reads.whole) == (set(), True)


def test_a_replaced_configuration_is_watched_too():
    reads = Reads()
    assert replace(reads.watch(Outer()), lr=0.3).inner.width == 3
    assert "inner.width" in reads.fields


def test_a_configuration_with_slots_is_watched():
    reads = Reads()
    assert reads.watch(Slotted(gamma=3.0)).gamma == 3.0
    assert reads.fields == {"gamma"}


@pytest.mark.parametrize(
    "trainable", [planted.good, planted.Walking, partial(planted.Walking), partial(planted.good)]
)
def test_a_watched_trainable_meets_the_same_contract(trainable):
    watched = watched_trainable(trainable)
    assert inspect_trainable(watched) == inspect_trainable(trainable)
    assert inspect.signature(watched) == inspect.signature(trainable)


def test_an_exception_is_seen_with_its_frames_and_raised(tmp_path):
    seen = []
    model = watched_trainable(planted.Unloadable, seen=seen.append)(planted.Config(), seed=0)
    with pytest.raises(KeyError, match="no optimizer"):
        model.load(tmp_path)
    (error,) = seen
    assert [frame.name for frame in traceback.extract_tb(error.__traceback__)][-1] == "load"
