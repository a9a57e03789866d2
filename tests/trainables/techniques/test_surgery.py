import pytest
import torch
from torch import Tensor, nn
from torchjd.aggregation import GradVac, PCGrad

from trainables.techniques.surgery import GradientSurgery, Kind

KINDS = ("sum", "mean", "pcgrad", "gradvac", "cagrad", "gradnorm")
HAND = torch.tensor([[1.0, 0.0], [-1.0, 0.5]])  # two tasks in conflict
PCGRAD_BY_HAND = torch.tensor([0.2, 0.9])  # (1, 0) → (0.2, 0.4) and (-1, 0.5) → (0, 0.5)


class Two(nn.Module):
    """A shared vector, and tasks whose gradients on it are the rows of a matrix."""

    def __init__(self, jacobian: Tensor) -> None:
        super().__init__()
        self.shared = nn.Parameter(torch.zeros(2))
        self.heads = nn.ParameterList(nn.Parameter(torch.ones(())) for _ in jacobian)
        self.jacobian = jacobian

    def losses(self) -> tuple[list[Tensor], Tensor]:
        features = self.shared * 1.0
        rows = zip(self.heads, self.jacobian, strict=True)
        return [head * (row @ features) + 0.0 for head, row in rows], features


def surgery(model: Two, kind: Kind, **options: float) -> GradientSurgery:
    knobs = {"cagrad_c": 0.5, "gradnorm_alpha": 1.5} | options
    return GradientSurgery(kind, [model.shared], [[head] for head in model.heads], **knobs)


def gradient(kind: Kind, jacobian: Tensor = HAND, batches: int = 1, **options: float) -> Tensor:
    torch.manual_seed(0)
    model = Two(jacobian)
    operation = surgery(model, kind, **options)
    for _ in range(batches):
        operation.backward(*model.losses())
    operation.combine()
    return model.shared.grad


def test_pcgrad_takes_the_hand_value() -> None:
    assert torch.allclose(gradient("pcgrad"), PCGRAD_BY_HAND)
    assert torch.allclose(PCGrad()(HAND), PCGRAD_BY_HAND)


def test_sum_and_mean() -> None:
    assert torch.allclose(gradient("sum"), HAND.sum(dim=0))
    assert torch.allclose(gradient("mean"), HAND.mean(dim=0))
    assert torch.allclose(gradient("gradnorm"), HAND.sum(dim=0))  # weights are 1 at first


@pytest.mark.parametrize("kind", ["sum", "pcgrad", "gradvac", "gradnorm"])
def test_tasks_that_agree_are_summed(kind: Kind) -> None:
    agree = torch.tensor([[1.0, 0.0], [1.0, 0.5]])
    assert torch.allclose(gradient(kind, agree), agree.sum(dim=0))


@pytest.mark.parametrize("kind", KINDS)
def test_micro_batches_accumulate(kind: Kind) -> None:
    once = gradient(kind, 2 * HAND)
    twice = gradient(kind, HAND, batches=2)
    assert torch.allclose(once, twice, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_heads_get_their_own_tasks_gradient(kind: Kind) -> None:
    model = Two(HAND)
    with torch.no_grad():
        model.shared.copy_(torch.tensor([0.5, 2.0]))
    operation = surgery(model, kind)
    operation.backward(*model.losses())
    operation.combine()
    own = HAND @ torch.tensor([0.5, 2.0])
    assert torch.allclose(torch.stack([head.grad for head in model.heads]), own)


@pytest.mark.parametrize("kind", KINDS)
def test_tasks_may_share_a_head_and_its_graph(kind: Kind) -> None:
    shared, head = nn.Parameter(torch.ones(2)), nn.Parameter(torch.tensor(3.0))
    operation = GradientSurgery(kind, [shared], [[head], [head]], cagrad_c=0.5, gradnorm_alpha=1.5)
    features = shared * 1.0
    out = (head * features).square().sum()  # both tasks differentiate through this
    operation.backward([out, 2 * out], features)
    operation.combine()
    assert float(head.grad) == pytest.approx(3 * 12.0)  # d(head² · 2)/d head = 12, thrice


@pytest.mark.parametrize("kind", KINDS)
def test_a_single_task_is_left_alone(kind: Kind) -> None:
    assert torch.allclose(gradient(kind, HAND[:1]), HAND[0])


@pytest.mark.parametrize("kind", KINDS)
def test_a_task_without_gradient_does_no_harm(kind: Kind) -> None:
    still = torch.tensor([[1.0, 2.0], [0.0, 0.0]])
    assert torch.isfinite(gradient(kind, still)).all()


@pytest.mark.parametrize("kind", ["gradvac", "gradnorm"])
def test_aggregators_with_a_memory_continue(kind: Kind) -> None:
    torch.manual_seed(0)
    model, twin = Two(HAND), Two(HAND)
    operation, resumed = surgery(model, kind), surgery(twin, kind)
    operation.backward(*model.losses())
    operation.combine()
    resumed.load_state_dict(operation.state_dict())
    for each, one in ((operation, model), (resumed, twin)):
        torch.manual_seed(1)
        one.shared.grad = None
        with torch.no_grad():
            one.shared.copy_(torch.tensor([0.3, -0.1]))
        each.backward(*one.losses())
        each.combine()
    assert torch.equal(model.shared.grad, twin.shared.grad)


def test_the_memory_matters() -> None:
    torch.manual_seed(0)
    fresh, used = GradVac(), GradVac()
    used(torch.tensor([[1.0, 0.0], [1.0, 0.1]]))  # tasks that used to agree
    assert not torch.allclose(fresh(HAND), used(HAND))
