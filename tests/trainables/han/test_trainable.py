"""A run: what it reports, what guards see in it, and the source document's failure."""

import math
from dataclasses import replace

import numpy as np
import pytest

from search.configuration import override
from search.engine.watch import Watch
from search.errors import TrainableError
from search.guards import DEFAULT_GUARDS, Guard
from search.objective import Objective
from spaces.han import BASELINE
from tests.contracts.han import SMALL, data
from trainables.han import trainable
from trainables.han.batch import TASKS
from trainables.han.config import HanConfig
from trainables.han.metrics import METRICS
from trainables.han.trainable import Han

PANEL = data()
FORECASTS = ("forecast", "daily_forecast")
NEGATIVE = Guard("negative", metric="train_loss")
FEW = {
    "data.generator.n_train": 96,
    "data.generator.n_validation": 40,
    "data.generator.n_test": 10,
}
SOME = FEW | {"data.generator.n_train": 320}
NEVER_KNOWN = {
    "data.generator.casualty_known": 0.0,
    "data.generator.anomaly_known": 0.0,
    "data.generator.change": 0.0,  # no transition, ever
    "mtl.gate.kind": "fallback",
}


def run(*, base=None, panel=PANEL, steps=3, seed=0, **changes):
    config = override(base or HanConfig(), changes if base else SMALL | changes)
    return Han(config, seed=seed, max_steps=steps, data=panel)


def curve(one):
    found = []
    while not one.done:
        found.append(one.step())
    return found


def flags(steps, *guards):
    """Return what guards say of a run, as an engine would have them."""
    watch = Watch(guards, [Objective("val_skill", "maximize")], len(steps))
    for place, metrics in enumerate(steps, 1):
        watch.observe(place, metrics)
    watch.finish(len(steps))
    return [(flag.kind, flag.metric) for flag in watch.news()]


def test_a_healthy_run_reports_every_task_and_no_guard_speaks_of_losses():
    steps = curve(run(**{"mtl.weighting.kind": "softplus_kendall"}))
    for step in steps:
        for task in TASKS:
            names = [f"train_loss_{task}", f"val_loss_{task}", f"gradient_share_{task}"]
            names += [f"val_skill_{task}", f"weight_{task}", f"ratio_{task}"]
            names += [f"val_{metric}" for metric in METRICS[task]]
            assert all(math.isfinite(step[name]) for name in names)
            ratio = step[f"val_loss_{task}"] / step[f"train_loss_{task}"]
            assert step[f"ratio_{task}"] == pytest.approx(ratio)
        shares = [step[f"gradient_share_{task}"] for task in TASKS]
        assert sum(shares) == pytest.approx(1.0)
    assert "val_loss" not in steps[0]  # of validation, there is no weighted loss
    serious = ("collapse", "negative", "dominance", "constant", "non_finite", "not_reported")
    guards = [*(Guard(kind) for kind in serious[:5]), NEGATIVE]
    assert not flags(steps, *guards)


def test_the_baselines_forecasts_have_nearly_all_of_the_gradient_and_the_guard_sees_it():
    steps = curve(run(base=BASELINE, panel=None, **SOME))
    last = steps[-1]
    both = sum(last[f"gradient_share_{task}"] for task in FORECASTS)
    assert last["gradient_share_both_forecasts"] == pytest.approx(both)
    assert both > 0.97
    assert last["train_loss_forecast"] > 1e4 * last["train_loss_regime"]
    assert ("dominance", "gradient_share_both_forecasts") in flags(steps, *DEFAULT_GUARDS)


def test_standardised_forecasts_leave_the_others_their_share_and_the_regime_is_learnt():
    scaled = {"loss.forecast.unit": "standardised"}
    steps = curve(run(base=BASELINE, panel=None, steps=4, **SOME, **scaled))
    assert max(step["gradient_share_both_forecasts"] for step in steps) < 0.5
    assert "dominance" not in dict(flags(steps, *DEFAULT_GUARDS))
    assert steps[-1]["train_loss"] < 0.95 * steps[0]["train_loss"]
    assert steps[-1]["val_skill_regime"] > 0.15


def test_the_source_documents_failure_and_the_guards_that_see_it():
    """One task has 99 % of the gradient, and three of six, never labelled, learn constants."""
    steps = curve(run(base=BASELINE, panel=None, steps=16, **FEW, **NEVER_KNOWN))
    last = steps[-1]
    assert last["gradient_share_both_forecasts"] >= 0.99
    for task, most in {"casualty": 1e-4, "anomaly": 1e-3, "transition": 1e-3}.items():
        assert 0 <= last[f"train_loss_{task}"] < most
        assert last[f"train_loss_{task}"] < steps[0][f"train_loss_{task}"]
        assert math.isnan(last[f"val_skill_{task}"])  # nothing to be judged by
    said = flags(steps, *DEFAULT_GUARDS, Guard("collapse", limit=1e-3))
    assert ("dominance", "gradient_share_both_forecasts") in said
    collapsed = {metric for kind, metric in said if kind == "collapse"}
    expected = {f"train_loss_{task}" for task in ("casualty", "anomaly", "transition")}
    assert expected <= collapsed
    assert not collapsed & {f"train_loss_{task}" for task in ("regime", *FORECASTS)}


def test_without_the_fallback_nothing_is_said_of_tasks_that_nobody_labelled():
    changes = NEVER_KNOWN | {"mtl.gate.kind": "hard"}
    last = curve(run(base=BASELINE, panel=None, steps=1, **FEW, **changes))[-1]
    for task in ("casualty", "anomaly"):
        assert f"train_loss_{task}" not in last
        assert last[f"gradient_share_{task}"] == 0.0


def test_kendalls_total_becomes_negative_and_the_guard_sees_it():
    fast = {"mtl.weighting.kendall.lr_multiplier": 30.0, "loss.transition.kind": "focal"}
    only = {f"mtl.tasks.{task}": False for task in ("regime", "casualty", *FORECASTS)}
    kendall = curve(run(steps=6, **fast, **only, **{"mtl.weighting.kind": "kendall"}))
    assert kendall[-1]["train_loss"] < 0
    assert ("negative", "train_loss") in flags(kendall, NEGATIVE)
    for kind in ("softplus_kendall", "liebel"):
        steps = curve(run(steps=6, **fast, **only, **{"mtl.weighting.kind": kind}))
        assert not flags(steps, NEGATIVE)


@pytest.mark.parametrize("aggregator", ["sum", "pcgrad"])
def test_a_task_that_is_switched_off_is_judged_all_the_same(aggregator):
    changes = {"mtl.tasks.casualty": False, "mtl.aggregator": aggregator}
    last = curve(run(**changes))[-1]
    for split in ("val", "test"):
        for name in ("skill_casualty", "casualty_crps", "casualty_mae"):
            assert math.isfinite(last[f"{split}_{name}"])
        assert f"{split}_loss_casualty" not in last
    assert "train_loss_casualty" not in last
    assert "gradient_share_casualty" not in last
    skills = [last[f"val_skill_{task}"] for task in TASKS]
    assert last["val_skill"] == pytest.approx(np.mean(skills))


def test_floors_and_caps_shape_what_is_trained_on_not_what_is_told():
    """A floor must not hide a collapse, nor a cap make validation as good as training."""
    plain = {"loss.forecast.unit": "raw", "model.dropout": 0.0, "optim.lr": 1e-12}
    shapes = {"loss.floor": 10.0, "loss.casualty.cap": 0.5, "loss.forecast.cap": 3.0}
    loose, shaped = curve(run(steps=1, **plain))[0], curve(run(steps=1, **plain, **shapes))[0]
    for task in TASKS:
        for name in (f"train_loss_{task}", f"val_loss_{task}"):
            assert shaped[name] == pytest.approx(loose[name], rel=1e-4)
    assert shaped["train_loss"] == pytest.approx(6 * 10.0)
    assert loose["train_loss"] > 1e3


def test_anchored_validation_begins_at_zero_and_follows_the_losses():
    steps = curve(run(steps=3))
    assert steps[0]["val_anchored"] == pytest.approx(0.0, abs=1e-9)
    names = [f"val_loss_{task}" for task in TASKS]
    ratios = [math.log(steps[2][name] / steps[0][name]) for name in names]
    assert max(map(abs, ratios)) < trainable.ANCHOR_CLIP
    assert steps[2]["val_anchored"] == pytest.approx(np.mean(ratios), abs=1e-4)


def test_the_seed_draws_the_panel():
    found = [
        run(base=BASELINE, panel=None, seed=seed, **FEW).predict("test").targets
        for seed in (1, 1, 2)
    ]
    assert np.array_equal(found[0], found[1], equal_nan=True)
    assert not np.array_equal(found[0], found[2], equal_nan=True)


def test_the_size_of_an_evaluated_batch_changes_nothing(monkeypatch):
    whole = run(**{"model.uncertainty": "density"})
    whole.step()
    monkeypatch.setattr(trainable, "EVALUATED_TOGETHER", 7)
    parted = run(**{"model.uncertainty": "density"})
    parted.step()
    for split in ("validation", "test"):
        mine, other = whole.predict(split).scores, parted.predict(split).scores
        assert np.allclose(mine, other, rtol=1e-4, atol=1e-4)
    monkeypatch.undo()
    figures = whole.diagnose()
    monkeypatch.setattr(trainable, "EVALUATED_TOGETHER", 7)
    for name, figure in parted.diagnose().items():
        key = "y" if figure["kind"] == "curve" else "values"
        assert np.allclose(figures[name][key], figure[key], rtol=1e-3, atol=1e-4)


def test_history_survives_a_checkpoint(tmp_path):
    changes = {"mtl.weighting.kind": "kendall"}
    whole, half = run(**changes), run(**changes)
    curve(whole)
    half.step()
    half.step()
    half.save(tmp_path)
    resumed = run(**changes)
    resumed.load(tmp_path)
    assert len(resumed.diagnose()["weight_regime"]["y"]) == 2
    resumed.step()
    expected, found = whole.diagnose(), resumed.diagnose()
    assert list(found) == list(expected)
    assert len(found["weight_regime"]["y"]) == 3
    for name, figure in expected.items():
        for key, value in figure.items():
            assert np.array_equal(found[name][key], value)


def test_data_of_another_kind_are_refused_and_days_are_not_split_again():
    with pytest.raises(TrainableError, match="a Panel or Splits"):
        run(panel=3)
    with pytest.raises(TrainableError, match="one split only"):
        Han(HanConfig(), seed=0, max_steps=1, data=PANEL, replication="resplit")


def test_a_panel_without_regional_and_monthly_sources_will_do():
    bare = replace(
        PANEL,
        regional={},
        monthly={},
        distances=np.zeros((0, 0)),
        features={name: PANEL.features[name] for name in PANEL.daily},
        suspect=(),
    )
    assert math.isfinite(curve(run(panel=bare, steps=1))[-1]["val_skill"])
