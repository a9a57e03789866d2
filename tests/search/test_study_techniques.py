"""Techniques of a study: which can be searched together, and what points reach."""

from __future__ import annotations

from typing import Any

import pytest

from search import (
    Categorical,
    Float,
    Int,
    Space,
    Technique,
    When,
)
from tests.search.studies import (
    FOCAL,
    SPACE,
    SWA,
    Config,
    make,
    problems_of,
)


def of_techniques(*techniques: Technique, **changes: Any) -> tuple[str, ...]:
    """Return the problems of a study with these techniques."""
    return problems_of(techniques=techniques, **changes)


@pytest.mark.parametrize(
    ("techniques", "problem"),
    [
        (
            [Technique("A", on={"lr": 0.1})],
            "technique 'A' uses 'lr', which is a nuisance hyperparameter of the space",
        ),
        (
            [Technique("A", on={"swa": True}, domains={"lr": Float(1e-4, 1.0)})],
            "technique 'A' uses 'lr', which is a nuisance hyperparameter of the space",
        ),
        (
            [Technique("A", levels={"lr": (0.1, 0.01)})],
            "technique 'A' uses 'lr', which is a nuisance hyperparameter of the space",
        ),
        ([Technique("A", on={"swa": False})], "technique 'A' is already on in the baseline"),
        (
            [Technique("A", levels={"dropout": (0.0, 0.1)})],
            "technique 'A': levels of 'dropout' name the baseline's 0.0, which is measured anyway",
        ),
        (
            [Technique("A", levels={"dropout": (0.2, "0.1")})],
            "technique 'A': Config.dropout takes float, got '0.1'",
        ),
        (
            [Technique("A", on={"swa": True}, domains={"gamma": Float(3.0, 5.0)})],
            "technique 'A': the baseline has gamma=2.0, outside its domain [3, 5]; widen",
        ),
        (
            [Technique("A", on={"swa": True}, domains={"gama": Float(3.0, 5.0)})],
            "technique 'A': Config has no field 'gama'; did you mean 'gamma'?",
        ),
        (
            [Technique("A", on={"heads": 5})],
            "technique 'A': Config refuses heads=5: width must be a multiple of heads",
        ),
        (
            [FOCAL, Technique("B", on={"focal": True})],
            "techniques 'Focal loss' and 'B' set the same fields to the same values",
        ),
        (
            [FOCAL, Technique("B", on={"swa": True}, domains={"gamma": Float(1.0, 5.0)})],
            "techniques 'Focal loss' and 'B' give 'gamma' two domains: [0, 5] and [1, 5]",
        ),
        (
            [Technique("B", levels={"gamma": (0.5, 1.0)}), FOCAL],
            "techniques 'B' and 'Focal loss': 'gamma' has levels in one and a domain in the other",
        ),
        (
            [
                Technique("B", on={"swa": True}, levels={"gamma": (0.5, 1.0)}),
                Technique("C", on={"loss": "x"}, levels={"gamma": (0.5, 1.5)}),
            ],
            "techniques 'B' and 'C' measure 'gamma' at different levels",
        ),
        (
            [FOCAL, Technique("B", on={"gamma": 3.0})],
            "technique 'Focal loss' searches 'gamma', which technique 'B' sets",
        ),
        (
            [SWA, Technique("B", on={"focal": True}, requires=["SWA"], excludes=["FWA"])],
            "technique 'B' names 'FWA', which this study does not have; did you mean 'SWA'?",
        ),
        (
            [
                Technique("A", on={"loss": "x"}),
                Technique("B", on={"loss": "y"}, requires=["A"]),
            ],
            "technique 'B' requires 'A', but both cannot be on at once",
        ),
        (
            [
                Technique("Later", on={"loss": "x"}, status="planned"),
                Technique("B", on={"swa": True}, requires=["Later"]),
            ],
            "technique 'B' requires 'Later', which is planned",
        ),
        (
            [
                Technique("A", on={"swa": True}, requires=["B"]),
                Technique("B", on={"focal": True}, requires=["A"]),
            ],
            "parameters depend on each other in a circle: ",
        ),
        (
            [
                Technique("margin", on={"swa": True, "focal": True}),
                Technique("B", on={"loss": "x"}, domains={"margin": Float(0.0, 1.0)}),
            ],
            "a technique and a field are both called 'margin'; rename the technique",
        ),
    ],
)
def test_techniques_that_cannot_be_searched_are_refused(
    techniques: list[Technique], problem: str
) -> None:
    (found,) = of_techniques(*techniques)
    assert found.startswith(problem)


def test_a_technique_that_needs_another_is_checked_with_it() -> None:
    narrow = Technique("Narrow", on={"width": 35})
    assert of_techniques(narrow)[0].endswith("width must be a multiple of heads")
    odd = Technique("Odd", on={"heads": 5}, requires=["Narrow"])
    problems = of_techniques(narrow, odd)
    assert problems == (
        "technique 'Narrow': Config refuses width=35: width must be a multiple of heads",
    )


def test_techniques_may_share_a_knob_and_exclude_each_other() -> None:
    techniques = [
        Technique("Focal", on={"loss": "focal"}, domains={"gamma": Float(0.0, 5.0)}),
        Technique("CB", on={"loss": "cb"}, domains={"gamma": Float(0.0, 5.0)}),
        Technique("Other", on={"focal": True}, domains={"gamma": Float(0.0, 5.0)}),
        Technique("SWA", on={"swa": True}, requires=["Focal"], excludes=["CB"]),
    ]
    assert make(techniques=techniques).techniques == tuple(techniques)


def test_of_planned_techniques_only_the_names_count() -> None:
    planned = Technique("Later", on={"nothing.yet": True}, status="planned")
    assert make(techniques=[FOCAL, planned, SWA]).techniques[1] is planned
    assert of_techniques(planned, Technique("Later", on={"swa": True})) == (
        "two techniques are called 'Later'",
    )


@pytest.mark.parametrize(
    ("point", "problem"),
    [
        ({"lr": 0.01}, None),
        ({"focal": True, "gamma": 3.0}, None),
        ({"gamma": 3.0}, "point 1 to try first: only a search with focal = True can set gamma=3.0"),
        ({"heads": 8}, "point 1 to try first: no parameter of the search can set heads=8"),
        ({"focal": True, "gamma": 9.0}, "point 1 to try first: gamma=9.0 lies outside [0, 5]"),
    ],
)
def test_points_to_try_first_are_reachable(point: Any, problem: str | None) -> None:
    space = Space(Config(), SPACE.domains, points=[point])
    if problem is None:
        assert make(space=space, techniques=[FOCAL]).space is space
    else:
        assert problems_of(space=space, techniques=[FOCAL]) == (problem,)


def test_conditions_may_name_what_techniques_set() -> None:
    domains: dict[str, Any] = {
        "lr": Float(1e-5, 1e-1, log=True),
        "heads": When({"focal": True}, Categorical((1, 2, 4))),
        "width": When({"heads": 4}, Int(32, 64, step=32)),
    }
    assert make(space=Space(Config(), domains), techniques=[FOCAL]).name == "my-study"


def test_what_a_technique_requires_is_found_to_the_end_and_excludes_for_it():
    made = make(
        techniques=[
            Technique("Focal", on={"focal": True}),
            Technique("Gamma", on={"gamma": 3.0}, requires="Focal"),
            Technique("Steep", on={"dropout": 0.3}, requires="Gamma"),
            Technique("SWA", on={"swa": True}, excludes=["Focal"]),
            Technique("Late", on={"heads": 8}),
        ]
    )
    assert [one.name for one in made.with_required("Steep")] == ["Focal", "Gamma", "Steep"]
    assert made.exclude_each_other("Steep", "SWA")
    assert made.exclude_each_other("SWA", "Gamma")
    assert not made.exclude_each_other("Steep", "Late")
    assert not made.exclude_each_other("Steep", "Focal")
