import pytest
import torch

from search.errors import TrainableError
from trainables.pat.encoder import PatEncoder
from trainables.pat.heads import HeadKind, PatClassifier, PatHead
from trainables.pat.patches import Embedding
from trainables.pat.sizes import SIZES, Size

TINY = Size(patch=6, heads=2, layers=1, width=8, key=4, feed_forward=16)


def count(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(
    ("size", "embedding", "expected"),
    [
        ("S", "linear", 287_265),
        ("M", "linear", 1_005_985),
        ("L", "linear", 1_996_737),
        ("L", "conv", 1_996_161),
    ],
)
def test_parameters_as_published(size: str, embedding: Embedding, expected: int) -> None:
    assert count(PatClassifier(PatEncoder(SIZES[size], embedding), PatHead(96))) == expected


def test_the_single_linear_head_has_97_parameters() -> None:
    assert count(PatHead(96, "linear")) == 97


def test_another_kind_is_refused() -> None:
    with pytest.raises(TrainableError, match="no head 'linea'; did you mean 'linear'"):
        PatHead(96, "linea")  # type: ignore[arg-type]  # what no type checker saw
    with pytest.raises(TrainableError, match="no pooling 'max'"):
        PatHead(96, pool="max")  # type: ignore[arg-type]  # what no type checker saw


def test_heads_are_their_formulas() -> None:
    torch.manual_seed(0)
    tokens = torch.randn(4, 5, 8)
    mean = tokens.sum(dim=1) / 5
    linear, mlp = PatHead(8, "linear").eval(), PatHead(8).eval()
    weight, bias = linear.parameters()
    assert torch.allclose(linear(tokens), mean @ weight[0] + bias, atol=1e-6)
    first, first_bias, second, second_bias = mlp.parameters()
    hidden = (mean @ first.T + first_bias).clamp_min(0)
    assert hidden.shape == (4, 128)
    assert torch.allclose(mlp(tokens), hidden @ second[0] + second_bias, atol=1e-5)


def test_attention_weights_the_tokens() -> None:
    torch.manual_seed(0)
    tokens, head = torch.randn(4, 5, 8), PatHead(8, "linear", pool="attention").eval()
    assert head.weight is not None
    shares = torch.exp(head.weight(tokens).squeeze(-1))
    mean = (shares.unsqueeze(-1) * tokens).sum(1) / shares.sum(1, keepdim=True)
    assert torch.allclose(head(tokens), head.logit(mean).squeeze(-1), atol=1e-5)
    torch.nn.init.zeros_(head.weight.weight)  # all tokens alike: the plain mean
    assert torch.allclose(head(tokens), head.logit(tokens.mean(1)).squeeze(-1), atol=1e-5)


@pytest.mark.parametrize("kind", ["mlp", "linear"])
def test_heads_of_one_seed_differ_in_their_pooling_only(kind: HeadKind) -> None:
    torch.manual_seed(0)
    mean = PatHead(8, kind).state_dict()
    torch.manual_seed(0)
    attention = PatHead(8, kind, pool="attention").state_dict()
    assert attention.keys() - mean.keys() == {"weight.weight", "weight.bias"}
    assert all(torch.equal(value, attention[name]) for name, value in mean.items())


@pytest.mark.parametrize("kind", ["mlp", "linear"])
@pytest.mark.parametrize("rows", [1, 3])
def test_one_logit_per_row(kind: HeadKind, rows: int) -> None:
    model = PatClassifier(PatEncoder(TINY), PatHead(8, kind)).eval()
    logits = model(torch.randn(rows, 24))
    assert logits.shape == (rows,)


@pytest.mark.parametrize("kind", ["mlp", "linear"])
def test_dropout_masks_the_mean(kind: HeadKind) -> None:
    torch.manual_seed(0)
    head, tokens = PatHead(8, kind, dropout=0.5), torch.randn(64, 5, 8)
    assert not torch.allclose(head(tokens), head(tokens))
    assert torch.equal(head.eval()(tokens), head(tokens))
    bias = list(head.parameters())[-1]
    torch.nn.init.constant_(bias, 0.25)
    gone = PatHead(8, kind, dropout=1.0)
    gone.load_state_dict(head.state_dict())
    assert torch.allclose(gone(tokens), torch.full((64,), 0.25))


@pytest.mark.parametrize("kind", ["mlp", "linear"])
def test_every_parameter_learns(kind: HeadKind) -> None:
    torch.manual_seed(0)
    model = PatClassifier(PatEncoder(TINY, dropout=0.0), PatHead(8, kind, dropout=0.0))
    model(torch.randn(16, 24)).square().sum().backward()
    idle = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert idle == []
