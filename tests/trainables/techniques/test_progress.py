import math
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from search.errors import TrainableError
from trainables.techniques.progress import Progress, load_parts, save_parts
from trainables.techniques.stopping import EarlyStopping

SCORES = [0.1, 0.4, 0.3, 0.6, 0.5, 0.2, 0.1, 0.9]  # with a patience of 3, epoch 7 is the last
CPU = torch.device("cpu")


def progress_of(epochs: int = 20, patience: int | None = 3) -> Progress:
    return Progress(epochs, None if patience is None else EarlyStopping("val_ap", patience))


def set_weight(network: nn.Linear, value: float) -> None:
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(value)


def weight(network: nn.Linear) -> float:
    return float(network.weight.detach())


def epoch(
    progress: Progress, network: nn.Linear, score: float, *, may_stop: bool = True
) -> dict[str, float]:
    """Train a network until its weight is its score, and take note of it."""
    progress.check()
    set_weight(network, score)
    return progress.observe({"val_ap": score, "test_ap": -score}, network, may_stop=may_stop)


def epochs(progress: Progress, network: nn.Linear, scores: list[float]) -> list[dict[str, float]]:
    """Go through epochs until the run is over."""
    found = []
    for score in scores:
        found.append(epoch(progress, network, score))
        if progress.done:
            break
    return found


def test_without_patience_a_run_has_its_full_length_and_its_last_weights() -> None:
    progress, network = progress_of(3, None), nn.Linear(1, 1)
    found = epochs(progress, network, SCORES)
    assert [metrics["val_ap"] for metrics in found] == SCORES[:3]
    assert (progress.steps, progress.done) == (3, True)
    assert weight(network) == pytest.approx(SCORES[2])


def test_patience_ends_a_run_with_the_best_epochs_metrics_and_weights() -> None:
    progress, network = progress_of(), nn.Linear(1, 1)
    found = epochs(progress, network, SCORES)
    assert [metrics["val_ap"] for metrics in found] == [*SCORES[:6], 0.6]
    assert found[-1] == {"val_ap": 0.6, "test_ap": -0.6}
    assert (progress.steps, progress.done) == (7, True)
    assert weight(network) == pytest.approx(0.6)


def test_the_full_length_ends_a_run_with_the_best_epoch_too() -> None:
    progress, network = progress_of(5), nn.Linear(1, 1)
    assert epochs(progress, network, SCORES)[-1] == {"val_ap": 0.6, "test_ap": -0.6}
    assert progress.steps == 5
    assert weight(network) == pytest.approx(0.6)


def test_what_only_the_last_epoch_measured_stays_in_its_answer() -> None:
    progress, network = progress_of(2), nn.Linear(1, 1)
    progress.observe({"val_ap": 0.9}, network)
    assert progress.observe({"val_ap": 0.1, "lr": 0.5}, network) == {"val_ap": 0.9, "lr": 0.5}


def test_a_run_without_one_finite_score_answers_with_its_last_epoch() -> None:
    progress, network = progress_of(2), nn.Linear(1, 1)
    found = epochs(progress, network, [math.nan, math.nan])
    assert math.isnan(found[-1]["val_ap"])
    assert progress.done
    assert math.isnan(weight(network))


def test_patience_ends_no_run_where_it_may_not() -> None:
    progress, network = progress_of(20, 1), nn.Linear(1, 1)
    for score in (0.5, 0.4, 0.3):
        assert epoch(progress, network, score, may_stop=False)["val_ap"] == score
    assert not progress.done
    assert epoch(progress, network, 0.2)["val_ap"] == 0.5
    assert progress.done


def test_the_full_length_ends_a_run_even_where_patience_may_not() -> None:
    progress, network = progress_of(2, 1), nn.Linear(1, 1)
    epoch(progress, network, 0.5, may_stop=False)
    assert epoch(progress, network, 0.1, may_stop=False)["val_ap"] == 0.5
    assert progress.done


def test_after_a_restart_a_better_past_is_no_yardstick() -> None:
    progress, network = progress_of(20, 2), nn.Linear(1, 1)
    epochs(progress, network, [0.9, 0.8])
    progress.restart()
    assert epochs(progress, network, [0.2, 0.3, 0.1, 0.0])[-1]["val_ap"] == 0.3
    assert progress.steps == 6
    progress_of(20, None).restart()  # without patience there is nothing to forget


def test_a_run_that_is_over_says_so() -> None:
    progress, network = progress_of(2), nn.Linear(1, 1)
    progress.check()
    epochs(progress, network, SCORES)
    with pytest.raises(TrainableError, match=r"^this run is over after 2 steps$"):
        progress.check()


def moved(
    folder: Path, progress: Progress, network: nn.Linear, **other: Any
) -> tuple[Progress, nn.Linear]:
    """Return a run in another process: built anew, and read from a checkpoint."""
    save_parts(folder / "run.pt", progress=progress, network=network)
    fresh, anew = progress_of(**other), nn.Linear(1, 1)
    load_parts(folder / "run.pt", CPU, progress=fresh, network=anew)
    fresh.resume(anew)
    return fresh, anew


@pytest.mark.parametrize("cut", range(8))
def test_a_run_resumed_after_any_epoch_ends_as_if_it_had_not_been_cut(
    tmp_path: Path, cut: int
) -> None:
    whole, network = progress_of(), nn.Linear(1, 1)
    expected = epochs(whole, network, SCORES)
    first, other = progress_of(), nn.Linear(1, 1)
    found = epochs(first, other, SCORES[:cut])
    second, anew = moved(tmp_path, first, other)
    assert (second.steps, second.done) == (first.steps, first.done)
    assert weight(anew) == weight(other)
    found += epochs(second, anew, [] if second.done else SCORES[cut:])
    assert found == expected
    assert (second.steps, second.done) == (whole.steps, whole.done)
    assert weight(anew) == weight(network)


def test_a_run_without_patience_resumes_too(tmp_path: Path) -> None:
    first, network = progress_of(3, None), nn.Linear(1, 1)
    epochs(first, network, SCORES[:2])
    second, anew = moved(tmp_path, first, network, epochs=3, patience=None)
    assert (second.steps, second.done) == (2, False)
    assert weight(anew) == weight(network)
    epochs(second, anew, SCORES[2:])
    assert (second.steps, second.done) == (3, True)


def test_a_finished_run_gives_any_network_the_weights_that_answer() -> None:
    progress, network = progress_of(), nn.Linear(1, 1)
    epochs(progress, network, SCORES)
    set_weight(network, -7.0)
    progress.resume(network)
    assert weight(network) == pytest.approx(0.6)


def test_a_run_that_goes_on_keeps_its_last_weights() -> None:
    progress, network = progress_of(), nn.Linear(1, 1)
    epochs(progress, network, SCORES[:3])
    progress.resume(network)
    assert weight(network) == pytest.approx(SCORES[2])


def test_a_run_that_goes_on_does_not_reach_the_one_that_was_given_its_state() -> None:
    progress, network = progress_of(), nn.Linear(1, 1)
    epochs(progress, network, SCORES[:2])
    twin = progress_of()
    twin.load_state_dict(progress.state_dict())
    epochs(progress, network, [0.9])
    epochs(twin, nn.Linear(1, 1), [0.0, 0.0, 0.0])
    twin.resume(network)
    assert weight(network) == pytest.approx(SCORES[1])


def test_parts_are_read_by_name_and_not_by_place(tmp_path: Path) -> None:
    one, two = nn.Linear(2, 3), nn.Linear(3, 2)
    save_parts(tmp_path / "x.pt", one=one, two=two)
    first, second = nn.Linear(2, 3), nn.Linear(3, 2)
    load_parts(tmp_path / "x.pt", CPU, two=second, one=first)
    for old, new in ((one, first), (two, second)):
        assert torch.equal(old.weight, new.weight)
        assert torch.equal(old.bias, new.bias)


def test_a_part_that_was_not_kept_is_named(tmp_path: Path) -> None:
    save_parts(tmp_path / "x.pt", one=nn.Linear(1, 1))
    with pytest.raises(KeyError, match="noise"):
        load_parts(tmp_path / "x.pt", CPU, noise=progress_of())


def test_a_checkpoint_with_anything_else_in_it_is_not_read(tmp_path: Path) -> None:
    torch.save({"one": {"weight": tmp_path}}, tmp_path / "x.pt")
    with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
        load_parts(tmp_path / "x.pt", CPU, one=nn.Linear(1, 1))


def test_a_checkpoint_holds_tensors_and_plain_values_alone(tmp_path: Path) -> None:
    progress, network = progress_of(), nn.Linear(1, 1)
    epochs(progress, network, SCORES[:2])
    save_parts(tmp_path / "x.pt", progress=progress)
    state = torch.load(tmp_path / "x.pt", weights_only=True)["progress"]
    assert (state["steps"], state["done"]) == (2, False)
    assert state["stopping"]["metrics"] == {"val_ap": 0.4, "test_ap": -0.4}
