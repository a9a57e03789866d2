import pytest

from search.configuration import flatten, override, value_problem
from search.errors import SpaceError
from trainables.pi_tft.config import LossConfig, ModelConfig, OptimConfig, PiTftConfig, documented


def test_the_baseline_is_the_plain_state_of_the_source() -> None:
    values = flatten(PiTftConfig())
    plain = {
        "loss.kind": "bce",
        "loss.miss_weight": 0.5,
        "loss.physics_weight": 0.2,
        "model.pooling": "last",
        "optim.swa": False,
        "optim.ema": False,
        "optim.accum_steps": 1,
        "mtl.aggregator": "sum",
        "mtl.groups": "joint",
        "data.delta_features": False,
    }
    assert {path: values[path] for path in plain} == plain


def test_every_default_fits_its_own_type() -> None:
    for config in (PiTftConfig(), documented()):
        for path, value in flatten(config).items():
            assert value_problem(config, path, value) is None


def test_the_documented_size() -> None:
    model = documented().model
    assert (model.width, model.layers, model.heads) == (128, 2, 4)
    assert documented().data.max_length == 30


def test_all_problems_at_once() -> None:
    with pytest.raises(SpaceError) as caught:
        PiTftConfig(
            model=ModelConfig(width=10, heads=4, dropout=1.5),
            loss=LossConfig(alpha=2.0, pos_weight=0.0),
            optim=OptimConfig(batch_size=0, warmup=-0.1),
        )
    problems = caught.value.problems
    assert "model.width must be a multiple of model.heads, got 10 and 4" in problems
    assert "optim.batch_size must be 1 or more, got 0" in problems
    assert len(problems) == 6


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("loss.gamma", -1.0),
        ("loss.physics_weight", float("nan")),
        ("optim.encoder_lr", 0.0),
        ("optim.swa_start", 1.5),
        ("mtl.cagrad_c", -0.1),
        ("mtl.gradnorm_alpha", -1.0),
        ("model.heads", 0),
    ],
)
def test_values_out_of_range_are_refused(path: str, value: float) -> None:
    with pytest.raises(SpaceError, match=path):
        override(PiTftConfig(), {path: value})
