"""What every system's trainable promises to an engine and to a study."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
import torch

from search.errors import TrainableError
from search.trainable import inspect_trainable
from tests.contracts.systems import SYSTEMS

EACH = pytest.mark.parametrize("system", SYSTEMS, ids=str)
TOGETHER = [(system, changes) for system in SYSTEMS for changes in ({}, *system.together)]
ALL = pytest.mark.parametrize(("system", "changes"), TOGETHER, ids=lambda value: str(value)[:40])
FEW = 60  # of a system with more knobs, the fast tests take every fourth
KNOBS = [
    pytest.param(
        system,
        path,
        value,
        marks=[pytest.mark.slow] if len(system.toggles) > FEW and place % 4 else [],
    )
    for system in SYSTEMS
    for place, (path, value) in enumerate(system.toggles)
]


def curve(run):
    found = []
    while not run.done:
        found.append(run.step())
    return found


def scores(run):
    return np.concatenate([np.ravel(run.predict(s).scores) for s in ("validation", "test")])


@EACH
def test_it_is_a_class_that_predicts(system):
    contract = inspect_trainable(system.trainable)
    assert (contract.kind, contract.predicts) == ("class", True)
    wanted = {"max_steps", "data", "split_seed", "replication"}
    assert contract.keywords - {"group"} == wanted  # some train in several processes


@ALL
def test_a_seed_decides_everything_whatever_the_global_generators_say(system, changes):
    first = system.run(**changes)
    once = curve(first)
    torch.manual_seed(1234)
    np.random.seed(1234)  # noqa: NPY002 - the global state is what must not matter
    second = system.run(**changes)
    assert curve(second) == once
    assert np.array_equal(scores(first), scores(second))


@EACH
def test_another_seed_is_another_run_on_the_same_data(system):
    assert curve(system.run(seed=1)) != curve(system.run(seed=2))


@EACH
def test_two_runs_in_one_process_do_not_disturb_each_other(system):
    alone = curve(system.run(seed=1))
    mine, other = system.run(seed=1), system.run(seed=2)
    together = []
    while not mine.done:
        other.step()
        together.append(mine.step())
        torch.rand(5)
    assert together == alone


@ALL
def test_global_generators_are_left_as_they_were(system, changes):
    torch.manual_seed(7)
    before, elsewhere = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    run = system.run(steps=1, **changes)
    curve(run)
    run.diagnose()
    assert torch.equal(torch.get_rng_state(), before)
    assert np.array_equal(np.random.get_state()[1], elsewhere)  # noqa: NPY002


@ALL
def test_from_any_step_it_goes_on_exactly(system, changes, tmp_path):
    whole, half = system.run(**changes), system.run(**changes)
    expected = curve(whole)
    for step in range(1, len(expected) + 1):
        half.step()
        folder = tmp_path / str(step)
        folder.mkdir()
        half.save(folder)
        resumed = system.run(**changes)
        resumed.load(folder)
        assert resumed.done == (step == len(expected))
        assert curve(resumed) == expected[step:]
        assert np.array_equal(scores(resumed), scores(whole))


@ALL
def test_a_checkpoint_holds_tensors_and_plain_values(system, changes, tmp_path):
    run = system.run(**changes)
    run.step()
    run.save(tmp_path)
    files = list(tmp_path.iterdir())
    assert files
    for file in files:
        assert torch.load(file, weights_only=True)


@EACH
def test_values_are_plain_and_finite(system):
    for step in curve(system.run()):
        assert {type(value) for value in step.values()} == {float}
        assert all(math.isfinite(value) for value in step.values())


@EACH
def test_its_last_metrics_are_those_of_its_predictions(system):
    run = system.run()
    last = curve(run)[-1]
    for split, prefix in (("validation", "val_"), ("test", "test_")):
        for name, value in system.evaluate(run.predict(split)).items():
            assert last[prefix + name] == value


@EACH
def test_predictions_are_about_the_same_rows_whenever_they_are_made(system):
    run = system.run()
    before = run.predict("test")
    curve(run)
    after = run.predict("test")
    assert np.array_equal(before.targets, after.targets, equal_nan=True)
    assert np.array_equal(before.groups, after.groups)
    assert not np.array_equal(before.scores, after.scores)


@EACH
def test_a_run_that_diverges_says_nan_and_raises_nothing(system):
    last = curve(system.run(**system.diverging))[-1]
    assert any(math.isnan(value) for name, value in last.items() if name.startswith("val_"))


@EACH
def test_a_run_that_is_over_takes_no_step(system):
    run = system.run(steps=1)
    assert not run.done
    run.step()
    assert run.done
    with pytest.raises(TrainableError, match="over after 1 steps"):
        run.step()


@EACH
def test_an_unknown_split_is_refused(system):
    with pytest.raises(TrainableError, match="no split 'tets'; did you mean 'test'"):
        system.run().predict("tets")


@EACH
def test_foreign_data_are_refused(system):
    with pytest.raises(TrainableError, match="takes data=None"):
        system.trainable(system.config(), seed=0, max_steps=1, data=[1, 2])


@EACH
def test_what_explains_a_run_can_be_drawn(system):
    run = system.run()
    curve(run)
    assert system.pictures <= set(run.diagnose())


@pytest.mark.parametrize(("system", "path", "value"), KNOBS, ids=str)
def test_every_knob_changes_the_run(system, path, value):
    context = dict(system.contexts.get(path, {}))
    assert _outcome(system, context | {path: value}) != _without(system, tuple(context.items()))


@cache
def _without(system, changes):
    """Return what many knobs' runs are compared with."""
    return _outcome(system, dict(changes))


def _outcome(system, changes):
    run = system.run(**changes)
    steps = curve(run)
    losses = [step["train_loss"] for step in steps]
    return losses + scores(run).tolist(), len(steps)


@EACH
def test_every_knob_is_among_the_toggles(system):
    assert system.knobs == {path for path, _ in system.toggles}
