from typing import Any, get_args

import pytest
import torch
from torch import Tensor, nn
from torchjd.aggregation import GradVac, PCGrad

from trainables.techniques.surgery import GradientSurgery, Kind

KINDS: tuple[Kind, ...] = get_args(Kind)
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


def surgery(model: Two, kind: Kind, **options: Any) -> GradientSurgery:
    knobs = {"cagrad_c": 0.5, "gradnorm_alpha": 1.5} | options
    return GradientSurgery(kind, [model.shared], [[head] for head in model.heads], **knobs)


def gradient(kind: Kind, jacobian: Tensor = HAND, batches: int = 1, **options: Any) -> Tensor:
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


@pytest.mark.parametrize("kind", ["sum", "pcgrad", "gradvac", "gradnorm", "hierarchical"])
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


def test_hand_values_of_two_tasks_in_conflict() -> None:
    nearest = torch.tensor([2.0, 8.0]) / 34  # MGDA: the point nearest to 0 on the segment
    assert torch.allclose(gradient("mgda"), nearest, atol=1e-6)
    d = gradient("imtl_g")
    along = HAND @ d / HAND.norm(dim=1)
    assert float(along[0]) == pytest.approx(float(along[1]))  # equal projections
    d = gradient("config")
    cosines = HAND @ d / HAND.norm(dim=1) / d.norm()
    assert float(cosines[0]) == pytest.approx(float(cosines[1]))  # equal cosines
    assert float(cosines[0]) > 0
    d = gradient("aligned_mtl")
    assert bool((HAND @ d > 0).all())
    u, s, v = torch.linalg.svd(HAND, full_matrices=False)
    assert torch.allclose(d, (s[-1] * u @ v).mean(dim=0), atol=1e-5)  # an orthogonal Jacobian


def test_graddrop_keeps_one_sign_per_parameter_with_the_share_as_its_chance() -> None:
    jacobian = torch.tensor([[3.0, 1.0], [-1.0, 2.0]])
    drawn = []
    for seed in range(400):
        model = Two(jacobian)
        operation = surgery(model, "graddrop")
        operation.backward(*model.losses())
        torch.manual_seed(seed)
        operation.combine()
        drawn.append(model.shared.grad)
    first, second = torch.stack(drawn).unbind(dim=1)
    assert set(first.tolist()) == {3.0, -1.0}
    assert float((first == 3.0).float().mean()) == pytest.approx(0.75, abs=0.08)
    assert bool((second == 3.0).all())


def test_noisy_tasks_give_way_to_the_anchor_and_not_the_other_way() -> None:
    """(-1, 0.5) loses what points against (1, 0), and keeps (0, 0.5); (1, 0) keeps all."""
    assert torch.allclose(gradient("hierarchical", anchors=(0,)), torch.tensor([1.0, 0.5]))
    other = HAND[0] + 1 / 1.25 * HAND[1]  # (1, 0) off (-1, 0.5)
    assert torch.allclose(gradient("hierarchical", anchors=(1,)), HAND[1] + other)
    assert torch.allclose(gradient("hierarchical", anchors=(0, 1)), HAND.sum(dim=0))


@pytest.mark.parametrize("kind", KINDS)
def test_an_absent_task_leaves_the_others_as_they_are(kind: Kind) -> None:
    """Gradients of zero add nothing: not to the number of tasks, nor to what harms nobody."""
    absent = torch.cat([HAND, torch.zeros(1, 2)])
    found, expected = gradient(kind, absent), gradient(kind)
    assert torch.isfinite(found).all()
    if kind in ("mgda", "aligned_mtl", "imtl_g", "config", "graddrop", "hierarchical", "sum"):
        assert torch.allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_no_task_has_a_gradient(kind: Kind) -> None:
    assert torch.equal(gradient(kind, torch.zeros(3, 2)), torch.zeros(2))


@pytest.mark.parametrize("kind", KINDS)
def test_the_random_stream_decides_and_the_state_continues(kind: Kind) -> None:
    rng = torch.Generator().manual_seed(3)
    jacobians = [torch.randn(4, 2, generator=rng) for _ in range(3)]

    def run(*, reload: bool) -> Tensor:
        torch.manual_seed(5)
        model = Two(jacobians[0])
        operation = surgery(model, kind, anchors=(0, 2))
        for jacobian in jacobians:
            if reload:
                state = operation.state_dict()
                operation = surgery(model, kind, anchors=(0, 2))
                operation.load_state_dict(state)
            model.jacobian = jacobian
            model.shared.grad = None
            operation.backward(*model.losses())
            operation.combine()
        return model.shared.grad

    once = run(reload=False)
    assert torch.equal(run(reload=False), once)
    assert torch.equal(run(reload=True), once)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_of_very_unlike_size_stay_finite(kind: Kind) -> None:
    unlike = torch.tensor([[1e5, 3e4], [-1.0, 2.0], [1e-6, -1e-6]])
    found = gradient(kind, unlike)
    assert torch.isfinite(found).all()
