"""Guards as declarations: what they refuse, and which metrics they look at."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.errors import StudyError
from search.guards import DEFAULT_GUARDS, KINDS, Guard


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"kind": "colapse"}, "did you mean 'collapse'"),
        ({"kind": "collapse", "action": "halt"}, "'flag' or 'stop', got 'halt'"),
        ({"kind": "collapse", "metric": "test_loss"}, "'test_loss' is held-out"),
        ({"kind": "collapse", "metric": ""}, "must be the name of a metric"),
        ({"kind": "collapse", "limit": float("nan")}, "must be a finite number"),
        ({"kind": "collapse", "limit": True}, "must be a finite number"),
        ({"kind": "non_finite", "limit": 1.0}, "takes no limit"),
        ({"kind": "no_improvement", "steps": 0}, "whole number from 1, got 0"),
        ({"kind": "no_improvement", "steps": 2.5}, "whole number from 1, got 2.5"),
        ({"kind": "peak_at_end", "action": "stop"}, "nothing left to stop"),
        ({"kind": "gap", "metric": "generalization_gap"}, "needs a limit"),
    ],
)
def test_a_guard_refuses_what_makes_no_sense(arguments: Any, words: str) -> None:
    with pytest.raises(StudyError, match=words):
        Guard(**arguments)


def test_all_problems_are_named_at_once() -> None:
    with pytest.raises(StudyError) as caught:
        Guard("gap", "test_gap", limit=float("inf"), steps=-1, action="no")  # type: ignore[arg-type]
    assert len(caught.value.problems) == 4


def test_by_default_every_kind_only_flags() -> None:
    assert [guard.kind for guard in DEFAULT_GUARDS] == list(KINDS)
    assert {guard.action for guard in DEFAULT_GUARDS} == {"flag"}


@pytest.mark.parametrize(
    ("kind", "watched", "others"),
    [
        ("collapse", ("loss", "loss_risk", "train_loss_miss", "val_loss"), ("val_ap", "closs")),
        ("non_finite", ("train_loss", "risk_loss"), ("grad_norm", "loss_weight_risk")),
        ("gradient_high", ("grad_norm",), ("grad_norm_clipped", "train_loss")),
        ("dominance", ("gradient_share_risk",), ("loss_risk", "grad_norm", "share")),
        ("constant", ("prediction_sd", "val_prediction_sd"), ("sd", "score_sd")),
        (
            "negative",
            ("train_mse", "bce", "val_cross_entropy"),
            ("nll", "train_loss", "acceptance"),
        ),
        ("gap", ("val_loss", "val_loss_risk"), ("train_loss", "val_ap")),
    ],
)
def test_metrics_are_found_by_convention(
    kind: Any, watched: tuple[str, ...], others: tuple[str, ...]
) -> None:
    guard = Guard(kind)
    assert all(guard.watches(name) for name in watched)
    assert not any(guard.watches(name) for name in others)


def test_a_named_metric_is_the_only_one() -> None:
    guard = Guard("collapse", "val_nll")
    assert guard.watches("val_nll")
    assert not guard.watches("train_loss")


@given(kind=st.sampled_from(KINDS), name=st.text(max_size=20))
def test_no_guard_looks_at_a_held_out_metric(kind: Any, name: str) -> None:
    assert not Guard(kind).watches(f"test_{name}")
    assert not Guard(kind).watches(f"test_loss_{name}")
    assert not Guard(kind).watches("test_prediction_sd")


def test_limits_and_patience_have_defaults() -> None:
    assert Guard("collapse").threshold == 1e-5
    assert Guard("collapse", limit=0.1).threshold == 0.1
    assert Guard("gap").threshold is None
    assert Guard("no_improvement").patience(8) == 6
    assert Guard("no_improvement").patience(1) == 3
    assert Guard("no_improvement", steps=2).patience(100) == 2
    assert Guard("gradient_vanishing").patience(100) == 3


def test_a_guard_is_plain_data() -> None:
    guard = Guard("gap", "generalization_gap", 0.5, action="stop")
    assert Guard(**json.loads(json.dumps(guard.as_json()))) == guard
    assert pickle.loads(pickle.dumps(guard)) == guard
    assert len({guard, Guard("gap", "generalization_gap", 0.5, action="stop")}) == 1
