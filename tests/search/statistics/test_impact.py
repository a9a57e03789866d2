import pytest

from search.statistics import impact_of, impact_span


@pytest.mark.parametrize(
    ("effect", "word"),
    [
        (2.0, "High"),
        (1.99, "Medium"),
        (1.0, "Medium"),
        (0.99, "Low"),
        (0.25, "Low"),
        (0.24, "None"),
        (0.0, "None"),
        (-0.25, "None"),
        (-0.26, "Harmful"),
        (-50.0, "Harmful"),
    ],
)
def test_labels_by_multiples_of_delta(effect: float, word: str) -> None:
    assert impact_of(effect * 0.02, delta=0.02).word == word


def test_an_interval_within_one_label_is_one_word() -> None:
    assert impact_span(1.1, 1.9, delta=1.0) == "Medium"


def test_an_interval_across_labels_is_a_span() -> None:
    assert impact_span(-2.0, 3.0, delta=1.0) == "Harmful-High"
    assert impact_span(0.3, 1.2, delta=1.0) == "Low-Medium"
