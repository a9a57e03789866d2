import copy
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from search.errors import CheckpointError, SpaceError, TrainableError
from trainables.pat.encoder import PatEncoder
from trainables.pat.masked import Points
from trainables.pat.patches import Embedding
from trainables.pat.pretraining import (
    PRETRAIN_LR,
    PretrainConfig,
    load_encoder,
    pretrain,
    save_encoder,
    smoothed,
)
from trainables.pat.sizes import SIZES, Size

TINY = Size(patch=6, heads=2, layers=1, width=16, key=8, feed_forward=32)
SHORT = PretrainConfig(mask_ratio=0.5, epochs=2, lr=1e-3, batch_size=8)


def encoder(embedding: Embedding = "linear", size: Size = TINY) -> PatEncoder:
    torch.manual_seed(0)
    return PatEncoder(size, embedding)


def sines(rows: int = 32, minutes: int = 96) -> Tensor:
    """Waves of one period, 24 minutes, and any phase: one visible patch tells a row's rest."""
    phase = torch.rand(rows, 1, generator=torch.Generator().manual_seed(3)) * 2 * math.pi
    return math.sqrt(2) * torch.sin(torch.arange(minutes) * 2 * math.pi / 24 + phase)


def same(one: PatEncoder, other: PatEncoder) -> bool:
    theirs = other.state_dict()
    return all(torch.equal(value, theirs[name]) for name, value in one.state_dict().items())


@pytest.mark.parametrize("points", ["all", "masked"])
@pytest.mark.parametrize("embedding", ["linear", "conv"])
def test_it_learns_to_continue_waves(embedding: Embedding, points: Points) -> None:
    config = PretrainConfig(0.5, points, epochs=40, lr=5e-3, batch_size=8)
    losses = pretrain(encoder(embedding), sines(64), config, seed=0)
    assert len(losses) == 40
    assert losses[0] > 0.7  # the waves' variance is 1
    assert min(losses[-5:]) < 0.5 * losses[0]


def test_a_seed_decides_everything() -> None:
    runs = []
    for seed, elsewhere in ((5, 1), (5, 2), (6, 1)):
        model = encoder()
        torch.manual_seed(elsewhere)
        runs.append((model, pretrain(model, sines(), SHORT, seed)))
    assert runs[0][1] == runs[1][1]
    assert same(runs[0][0], runs[1][0])
    assert runs[0][1] != runs[2][1]
    assert not same(runs[0][0], runs[2][0])


def test_no_global_generator_moves() -> None:
    model = encoder()
    before = torch.get_rng_state()
    pretrain(model, sines(), SHORT, seed=0)
    assert torch.equal(torch.get_rng_state(), before)


def test_what_a_caller_draws_between_epochs_changes_nothing() -> None:
    quiet = pretrain(encoder(), sines(), SHORT, 0)

    def draw(_epoch: int, _loss: float) -> None:
        torch.rand(9)

    assert pretrain(encoder(), sines(), SHORT, 0, draw) == quiet


def test_every_epoch_is_reported() -> None:
    seen: list[tuple[int, float]] = []
    losses = pretrain(encoder(), sines(), SHORT, 0, lambda epoch, loss: seen.append((epoch, loss)))
    assert seen == list(enumerate(losses, 1))


def test_the_encoder_keeps_its_mode_and_moves() -> None:
    model = encoder().eval()
    start = copy.deepcopy(model)
    pretrain(model, sines(), SHORT, 0)
    assert not any(module.training for module in model.modules())
    assert not same(start, model)
    pretrain(model.train(), sines(), SHORT, 0)
    assert all(module.training for module in model.modules())


def test_no_epochs_leave_the_encoder_alone() -> None:
    model = encoder()
    assert pretrain(model, sines(), replace(SHORT, epochs=0), 0) == []
    assert same(model, encoder())


def test_more_hidden_is_harder() -> None:
    final = []
    for ratio in (0.25, 0.9):
        config = PretrainConfig(ratio, epochs=25, lr=5e-3, batch_size=8)
        final.append(pretrain(encoder(), sines(64), config, seed=0)[-1])
    assert final[0] < final[1]


def test_activity_of_another_precision_is_taken() -> None:
    losses = pretrain(encoder(), sines().double(), SHORT, 0)
    assert losses == pytest.approx(pretrain(encoder(), sines(), SHORT, 0), rel=1e-3)


def test_mixed_precision() -> None:
    config = replace(SHORT, epochs=6, bfloat16=True)
    model = encoder()
    mixed, single = pretrain(model, sines(), config, 0), replace(config, bfloat16=False)
    exact = pretrain(encoder(), sines(), single, 0)
    assert mixed != exact
    assert mixed == pytest.approx(exact, rel=0.05)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


@pytest.mark.parametrize("bfloat16", [False, True])
def test_a_surrounding_autocast_changes_nothing(bfloat16: bool) -> None:
    config = replace(SHORT, bfloat16=bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        surrounded = pretrain(encoder(), sines(), config, 0)
    assert surrounded == pretrain(encoder(), sines(), config, 0)


def test_no_rows_and_other_lengths_are_refused() -> None:
    with pytest.raises(TrainableError, match="at least one row"):
        pretrain(encoder(), torch.zeros(0, 96), SHORT, 0)
    with pytest.raises(TrainableError, match="6 minutes; it is 97"):
        pretrain(encoder(), torch.zeros(4, 97), SHORT, 0)


def held_out(rows: int, share: float, seed: int) -> list[int]:
    """Find the rows held out: nothing is trained on them, so that NaN there spoils no loss."""
    config = replace(SHORT, epochs=1, patience=9, held_out=share)
    found = []
    for row in range(rows):
        spoilt = sines(rows)
        spoilt[row] = math.nan
        if math.isfinite(pretrain(encoder(), spoilt, config, seed)[0]):
            found.append(row)
    return found


def test_rows_held_out_are_drawn_at_random() -> None:
    drawn = [held_out(12, 0.25, seed) for seed in range(4)]
    assert [len(rows) for rows in drawn] == [3] * 4
    assert drawn[0] == held_out(12, 0.25, 0)
    assert len({tuple(rows) for rows in drawn}) > 1
    assert [0, 1, 2] not in drawn


@pytest.mark.parametrize(("share", "expected"), [(0.001, 1), (0.5, 2), (0.95, 3)])
def test_one_row_at_least_is_held_out_and_one_trained_on(share: float, expected: int) -> None:
    assert len(held_out(4, share, 0)) == expected


def test_patience_ends_training_and_keeps_the_best_weights() -> None:
    """Rows held out are noise: the better the waves are known, the worse they come out."""
    rows = sines()
    rows[held_out(32, 4 / 32, 0)] = torch.randn(4, 96, generator=torch.Generator().manual_seed(0))
    config = replace(SHORT, lr=5e-3, epochs=40, patience=3, held_out=4 / len(rows))
    model = encoder()
    seen: list[PatEncoder] = []
    losses = pretrain(model, rows, config, 0, lambda *_: seen.append(copy.deepcopy(model)))
    assert 3 < len(losses) < 40
    assert losses[-1] < losses[0]
    assert same(model, seen[-1 - config.patience])
    assert not same(model, seen[-1])


def test_patience_without_an_end_is_training_on_the_other_rows() -> None:
    rows, config = sines(), replace(SHORT, patience=100, held_out=4 / 32)
    one, two = encoder(), encoder()
    losses = pretrain(one, rows, config, 0)
    others = sorted(set(range(32)) - set(held_out(32, 4 / 32, 0)))
    assert losses == pretrain(two, rows[others], SHORT, 0)
    with pytest.raises(TrainableError, match="needs 2 in all, not 1"):
        pretrain(one, rows[:1], config, 0)


def test_smoothing_keeps_cubics_and_tames_noise() -> None:
    t = torch.linspace(-1, 1, 200, dtype=torch.float64)
    cubic = torch.stack([t**3 - t, 2 * t**2 + 1])
    assert torch.allclose(smoothed(cubic), cubic, atol=1e-9)
    noise = torch.randn(20, 1000, generator=torch.Generator().manual_seed(0))
    assert smoothed(noise).dtype == noise.dtype
    # the filter's variance at its centre: 3 (3 w^2 - 7) / (4 w (w^2 - 4)) for cubics
    share = 3 * (3 * 51**2 - 7) / (4 * 51 * (51**2 - 4))
    assert float(smoothed(noise)[:, 50:-50].var()) == pytest.approx(share, rel=0.15)


def test_smoothing_is_of_input_and_target() -> None:
    config = replace(SHORT, smooth=True, smooth_window=11, smooth_order=2)
    noisy = sines() + torch.randn(32, 96, generator=torch.Generator().manual_seed(0))
    before = noisy.clone()
    expected = pretrain(encoder(), smoothed(noisy, 11, 2), SHORT, 0)
    assert pretrain(encoder(), noisy, config, 0) == expected
    assert torch.equal(noisy, before)


def test_smoothing_needs_a_window_of_minutes() -> None:
    with pytest.raises(TrainableError, match="51 minutes needs rows as long, not 48 minutes"):
        pretrain(encoder(), sines(4, 48), replace(SHORT, smooth=True), 0)


def test_a_config_names_everything_that_is_wrong() -> None:
    with pytest.raises(SpaceError) as error:
        PretrainConfig(
            mask_ratio=1.0,
            loss="hidden",  # type: ignore[arg-type]  # what no type checker saw
            epochs=-1,
            lr=-1.0,
            batch_size=0,
            smooth_window=4,
        )
    assert len(error.value.problems) == 6
    for name in ("mask_ratio", "loss", "epochs", "lr", "batch_size", "smooth_window"):
        assert f"init.masked.{name} " in str(error.value)


def test_the_published_defaults() -> None:
    config = PretrainConfig()
    assert (config.mask_ratio, config.loss, config.batch_size) == (0.9, "all", 128)
    assert (config.smooth, config.smooth_window, config.smooth_order) == (False, 51, 3)
    assert dict(PRETRAIN_LR) == {"S": 1e-3, "M": 1e-3, "L": 1e-4, "H": 1e-5}
    assert list(PRETRAIN_LR) == list(SIZES)


@pytest.mark.parametrize("embedding", ["linear", "conv"])
def test_a_saved_encoder_comes_back_exactly(tmp_path: Path, embedding: Embedding) -> None:
    model = encoder(embedding)
    pretrain(model, sines(), SHORT, 0)
    save_encoder(tmp_path / "encoder.pt", model)
    other = PatEncoder(TINY, embedding, dropout=0.0, attention="plain")
    assert not same(model, other)
    load_encoder(tmp_path / "encoder.pt", other)
    assert same(model, other)
    assert torch.load(tmp_path / "encoder.pt", weights_only=True)["layout"] == model.layout()


def test_another_layout_is_refused_by_name(tmp_path: Path) -> None:
    save_encoder(tmp_path / "encoder.pt", encoder())
    other = PatEncoder(replace(TINY, layers=3, heads=4), "conv")
    start = copy.deepcopy(other)
    with pytest.raises(TrainableError) as error:
        load_encoder(tmp_path / "encoder.pt", other)
    named = [problem.partition(" has ")[2] for problem in error.value.problems]
    assert named == [
        "heads 2, this one 4",
        "layers 1, this one 3",
        "embedding linear, this one conv",
        "conv_kernel None, this one 3",
        "conv_channels None, this one 16",
        "conv_pool None, this one mean",
    ]
    assert same(start, other)


def test_sizes_of_equal_shapes_are_told_apart(tmp_path: Path) -> None:
    save_encoder(tmp_path / "encoder.pt", encoder())
    swapped = PatEncoder(replace(TINY, heads=8, key=2))
    with pytest.raises(TrainableError, match="heads 2, this one 8"):
        load_encoder(tmp_path / "encoder.pt", swapped)


def test_files_of_others_are_refused(tmp_path: Path) -> None:
    torch.save({"weights": torch.zeros(2)}, tmp_path / "other.pt")
    with pytest.raises(TrainableError, match="holds no encoder"):
        load_encoder(tmp_path / "other.pt", encoder())
    (tmp_path / "text.pt").write_text("no checkpoint")
    with pytest.raises(CheckpointError, match=r"text\.pt is no readable checkpoint"):
        load_encoder(tmp_path / "text.pt", encoder())
    with pytest.raises(FileNotFoundError):
        load_encoder(tmp_path / "absent.pt", encoder())


@pytest.mark.parametrize("kept", [0, 100, 0.5, 0.99])
def test_a_damaged_file_is_refused(tmp_path: Path, kept: float) -> None:
    path = tmp_path / "encoder.pt"
    save_encoder(path, encoder())
    whole = path.read_bytes()
    path.write_bytes(whole[: kept if isinstance(kept, int) else int(kept * len(whole))])
    with pytest.raises(CheckpointError, match="no readable checkpoint"):
        load_encoder(path, encoder())
