from dataclasses import dataclass

import pytest

from trainables.techniques.causes import named, switched_off


@dataclass(frozen=True)
class Config:
    """A generator with three causes, one of two fields."""

    noise: float = 0.5
    drift: float = 0.2
    period: float = 8.0
    imbalance: float = 0.9
    size: int = 100


KNOWN = {
    "noise": {"noise": 0.0},
    "drift": {"drift": 0.0, "period": 1.0},
    "imbalance": {"imbalance": 0.5},
}


def test_a_cause_takes_all_its_fields_with_it_and_no_others() -> None:
    found = switched_off(Config(size=7), KNOWN, "drift")
    assert found == Config(drift=0.0, period=1.0, size=7)


def test_causes_may_be_switched_off_in_any_order_and_twice() -> None:
    one = switched_off(Config(), KNOWN, "noise", "imbalance")
    assert one == switched_off(Config(), KNOWN, "imbalance", "noise", "imbalance")
    assert one == Config(noise=0.0, imbalance=0.5)
    assert switched_off(switched_off(Config(), KNOWN, "noise"), KNOWN, "imbalance") == one


def test_without_causes_a_configuration_stays() -> None:
    config = Config(noise=3.0)
    assert switched_off(config, KNOWN) == config
    switched_off(config, KNOWN, *KNOWN)
    assert config == Config(noise=3.0)


def test_a_cause_without_an_entry_is_named_with_those_there_are() -> None:
    expected = r"^unknown cause 'nois'; the causes are noise, drift, imbalance$"
    with pytest.raises(ValueError, match=expected):
        switched_off(Config(), KNOWN, "noise", "nois")


def test_a_preset_comes_by_its_name() -> None:
    presets = {"default": Config(), "null": switched_off(Config(), KNOWN, *KNOWN)}
    assert named(presets, "default") is presets["default"]
    assert named(presets, "null") == Config(0.0, 0.0, 1.0, 0.5)
    with pytest.raises(ValueError, match=r"^unknown preset 'nul'; the presets are default, null$"):
        named(presets, "nul")
