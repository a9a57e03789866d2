import pytest

from search.statistics import PROFILES, Arm, Registration, StatisticsError, gain_weight


def test_profiles_are_the_documented_looks() -> None:
    assert PROFILES == {
        "scout": (3,),
        "quick": (3, 6, 12),
        "standard": (3, 5, 8, 12, 20),
        "deep": (5, 10, 20, 40),
    }


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(StatisticsError) as caught:
        Registration(
            (Arm("a", smallest_gain=-1.0), Arm("a"), Arm("b", block=0)),
            looks=(5, 3),
            alpha=2.0,
            max_fail=1.5,
            smallest_gain=0.0,
            also_registered=-1,
            test_train_ratio=-0.1,
        )
    words = str(caught.value)
    for problem in ("looks", "alpha", "max_fail", "smallest_gain", "twice: a", "block", "also_reg"):
        assert problem in words


def test_direction_is_checked() -> None:
    with pytest.raises(StatisticsError, match="direction"):
        Registration((Arm("a"),), direction="up")  # type: ignore[arg-type]


def test_k_counts_every_technique_ever_registered() -> None:
    arms = (
        Arm("a"),
        Arm("gone", withdrawn=True),
        Arm("other", not_comparable="other data"),
        Arm("some day", planned=True),
    )
    assert Registration(arms, also_registered=2).n_registered == 5


def test_a_level_may_not_take_an_arms_name() -> None:
    with pytest.raises(StatisticsError, match="twice: b"):
        Registration((Arm("a", levels=("b", "c")), Arm("b")))


@pytest.mark.parametrize(("hours", "weight"), [(1, 0.5), (4, 1.0), (16, 2.0)])
def test_default_delta_weights(hours: float, weight: float) -> None:
    assert gain_weight(hours) == weight
