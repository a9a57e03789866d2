import pytest
import torch

from trainables.techniques.gating import AvailabilityGate, GateConfig, gate_problems

DATASET = {"a": 0.9, "b": 0.15}
LOSSES = {"a": torch.tensor(2.0), "b": torch.tensor(4.0)}


def through(config: GateConfig, shares: dict[str, float]) -> dict[str, float]:
    found = AvailabilityGate(config, DATASET)(LOSSES, shares)
    return {task: float(loss) for task, loss in found.items()}


@pytest.mark.parametrize("kind", ["none", "fallback"])
def test_no_gate_lets_all_through(kind) -> None:
    assert through(GateConfig(kind), {"a": 0.0, "b": 0.0}) == {"a": 2.0, "b": 4.0}


def test_the_hard_gate_shuts_below_its_threshold() -> None:
    config = GateConfig("hard", min_availability=0.2)
    assert through(config, {"a": 0.2, "b": 0.19}) == {"a": 2.0}


def test_the_soft_gate_is_a_sigmoid_that_is_half_open_at_its_threshold() -> None:
    config = GateConfig("soft", min_availability=0.2, kappa=20.0)
    found = through(config, {"a": 0.2, "b": 0.3})
    expected = 4 * torch.sigmoid(torch.tensor(2.0))
    assert found == {"a": pytest.approx(1.0), "b": pytest.approx(float(expected))}
    assert through(GateConfig("soft", kappa=1e6), {"a": 0.0, "b": 1.0}) == {"a": 0.0, "b": 4.0}


def test_shares_of_the_batch_the_epoch_and_the_data() -> None:
    batches = [{"a": 1.0, "b": 0.0}, {"a": 0.5, "b": 0.5}]
    gates = {
        s: AvailabilityGate(GateConfig(scope=s), DATASET) for s in ("batch", "epoch", "dataset")
    }
    found = {s: [gate.availability(batch) for batch in batches] for s, gate in gates.items()}
    assert found["batch"] == batches
    assert found["dataset"] == [DATASET, DATASET]
    assert found["epoch"] == [{"a": 1.0, "b": 0.0}, {"a": 0.75, "b": 0.25}]
    epoch = gates["epoch"]
    epoch.end_epoch()
    assert epoch.availability({"a": 0.0, "b": 1.0}) == {"a": 0.75, "b": 0.25}  # the last epoch's


def test_state_continues() -> None:
    first, second = (AvailabilityGate(GateConfig(scope="epoch"), DATASET) for _ in range(2))
    first.availability({"a": 1.0, "b": 0.0})
    second.load_state_dict(first.state_dict())
    following = {"a": 0.5, "b": 0.5}
    assert first.availability(following) == second.availability(following)
    first.end_epoch()
    second.load_state_dict(first.state_dict())
    assert first.availability(following) == second.availability(following)


def test_problems() -> None:
    config = GateConfig("hrd", min_availability=2.0)  # type: ignore[arg-type]  # a slip
    found = "\n".join(gate_problems(config, prefix="gate."))
    assert "gate.kind has no 'hrd'" in found
    assert "gate.min_availability must lie in [0, 1]" in found
    assert not list(gate_problems(GateConfig()))
