"""Self-supervised pre-training of an encoder, and the files that encoders are kept in.

The published code's error "on masked only" takes the numbers of hidden patches for those of
minutes, and so counts a few minutes of each batch's first person. Here "masked" is every minute of
the hidden patches; the published result of that variant does not carry over.

References
----------
Ruan et al. 2024, arXiv:2411.15240, and its published code: Adam and its learning rates, batches
of 128, 90 % hidden, error over all minutes.
Savitzky and Golay 1964, "Smoothing and differentiation of data by simplified least squares
procedures", doi:10.1021/ac60214a047.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, get_args

import torch
from scipy.signal import savgol_filter
from torch import Tensor

from search.errors import CheckpointError, SpaceError, TrainableError
from trainables.pat.encoder import PatEncoder
from trainables.pat.masked import MaskedAutoencoder, Points, draw_masking
from trainables.pat.sizes import SIZES
from trainables.techniques.limits import at_least, between, one_of
from trainables.techniques.randomness import RandomStream, independent_seeds
from trainables.techniques.stopping import EarlyStopping

PRETRAIN_LR: Final[Mapping[str, float]] = MappingProxyType(
    {"S": 1e-3, "M": 1e-3, "L": 1e-4, "H": 1e-5}
)
OTHER_LR: Final = 1e-3  # of sizes that the published code does not have
ADAM_EPS: Final = 1e-7  # Keras's, ten times torch's
GOODNESS: Final = "goodness"  # minus the error on rows held out
FEWEST: Final = 2  # rows, where some are held out
SECTION: Final = "init.masked."  # of a configuration


@dataclass(frozen=True)
class PretrainConfig:
    """How an encoder is pre-trained.

    Parameters
    ----------
    mask_ratio
        Share of patches hidden. The paper compares 0.25 to 0.9; 0.9 was best.
    loss
        Minutes that count: "all" as published, or those of the hidden patches only ("masked").
    epochs
        Passes over the data. Published runs stop early within 10,000; few suffice on small data.
    patience
        Epochs without a smaller error on rows held out, after which to stop and take the best
        epoch's weights; published: 250. 0 neither holds rows out nor stops early.
    held_out
        Share of the rows held out for that, drawn at random: a person's rows may fall on both
        sides, since nothing tells here whose they are.
    lr
        Adam's learning rate; 0 for that of the published code for the encoder's size (see
        `PRETRAIN_LR`), or 1e-3 where it has no such size.
    batch_size
        Persons per step.
    bfloat16
        Compute in mixed precision; weights stay in single precision.
    smooth
        Smooth activity, input and target alike, with a Savitzky-Golay filter.
    smooth_window, smooth_order
        The filter's window in minutes, odd, and the degree of its polynomials.

    Raises
    ------
    SpaceError
        With every value that is out of its range.
    """

    mask_ratio: float = 0.9
    loss: Points = "all"
    epochs: int = 20
    patience: int = 0
    held_out: float = 0.1
    lr: float = 0.0
    batch_size: int = 128
    bfloat16: bool = False
    smooth: bool = False
    smooth_window: int = 51
    smooth_order: int = 3

    def __post_init__(self) -> None:
        if problems := list(self._problems()):
            raise SpaceError(problems)

    def _problems(self) -> Iterator[str]:
        yield from between(self, 0, 1, "mask_ratio", "held_out", prefix=SECTION)
        yield from one_of(self, "loss", get_args(Points), prefix=SECTION)
        yield from at_least(self, 0, "epochs", "patience", "lr", "smooth_order", prefix=SECTION)
        yield from at_least(self, 1, "batch_size", prefix=SECTION)
        if self.smooth_window % 2 == 0 or self.smooth_window <= self.smooth_order:
            yield (
                f"{SECTION}smooth_window must be odd and above {SECTION}smooth_order, "
                f"got {self.smooth_window} and {self.smooth_order}"
            )


def published_lr(encoder: PatEncoder) -> float:
    """Return the learning rate that the published code pre-trains this size of encoder with."""
    names = [name for name, size in SIZES.items() if size == encoder.size]
    return PRETRAIN_LR[names[0]] if names else OTHER_LR


def smoothed(activity: Tensor, window: int = 51, order: int = 3) -> Tensor:
    """Return Savitzky-Golay-smoothed activity, (rows, minutes), on its device and in its dtype.

    Raises
    ------
    TrainableError
        When the rows are shorter than the window.
    """
    if activity.shape[1] < window:
        raise TrainableError(
            f"smoothing over {window} minutes needs rows as long, not {activity.shape[1]} minutes"
        )
    smooth = savgol_filter(activity.detach().cpu().numpy(), window, order, axis=1)
    return torch.from_numpy(smooth).to(activity)


def pretrain(
    encoder: PatEncoder,
    activity: Tensor,
    config: PretrainConfig,
    seed: int,
    on_epoch: Callable[[int, float], None] | None = None,
) -> list[float]:
    """Train an encoder, in place and where it is, to rebuild hidden patches.

    Parameters
    ----------
    encoder : PatEncoder
    activity : Tensor of shape (n, minutes)
        Standardised; on any device.
    config : PretrainConfig
        Its precision holds whatever `torch.autocast` surrounds the call, which would go on with
        the weights of the first step.
    seed
        Draws the decoder, the order of the rows, the masks, dropout, and the rows held out. No
        global generator moves.
    on_epoch
        Called after each epoch with its number, from 1, and its loss.

    Returns
    -------
    list of float
        Mean training loss of each epoch, as seen while training.

    Raises
    ------
    TrainableError
        When there are no rows, too few to hold any out, or their length does not fit the patch or
        the smoothing.
    """
    if len(activity) == 0:
        raise TrainableError("pre-training needs at least one row of activity")
    if config.patience and len(activity) < FEWEST:
        raise TrainableError(
            f"pre-training with patience holds rows out and needs {FEWEST} in all, "
            f"not {len(activity)}"
        )
    if config.smooth:
        activity = smoothed(activity, config.smooth_window, config.smooth_order)
    run = _Run(encoder, activity, config, seed)
    stopping = EarlyStopping(GOODNESS, config.patience) if config.patience else None
    losses: list[float] = []
    for epoch in range(1, config.epochs + 1):
        losses.append(run.epoch())
        if on_epoch is not None:
            on_epoch(epoch, losses[-1])
        if stopping is not None:
            stopping.observe({GOODNESS: -run.error()}, encoder)
            if stopping.exhausted:
                break
    if stopping is not None:
        stopping.restore(encoder)
    return losses


class _Run:
    """The autoencoder, its optimizer and its random numbers while they are needed."""

    def __init__(
        self, encoder: PatEncoder, activity: Tensor, config: PretrainConfig, seed: int
    ) -> None:
        place = next(encoder.parameters())
        first, second, third = independent_seeds(seed, 3)
        share = config.held_out if config.patience else 0.0
        self._held_out, self._activity = _parted(activity, share, third)
        self._config, self._place = config, place
        self._seed = seed
        self._draws = torch.Generator().manual_seed(first)  # order and masks: dropout moves neither
        self._noise = RandomStream(second, place.device)
        with self._noise.active():
            self._autoencoder = MaskedAutoencoder(encoder).to(place)
        self._optimizer = torch.optim.Adam(
            self._autoencoder.parameters(), lr=config.lr or published_lr(encoder), eps=ADAM_EPS
        )

    def epoch(self) -> float:
        """Train one epoch, with the encoder's mode left as it was, and return its mean loss."""
        training = self._autoencoder.encoder.training
        self._autoencoder.train()
        order = torch.randperm(len(self._activity), generator=self._draws)
        total = torch.zeros((), device=self._place.device)
        with self._noise.active(), torch.autocast(self._place.device.type, enabled=False):
            for rows in torch.split(order, self._config.batch_size):
                total = total + self._step(rows) * len(rows)
        self._autoencoder.encoder.train(training)
        return float(total) / len(order)

    def error(self) -> float:
        """Return the mean loss on the rows held out, behind the same masks after every epoch."""
        masks = torch.Generator().manual_seed(self._seed)
        training = self._autoencoder.encoder.training
        self._autoencoder.eval()
        total = 0.0
        with torch.inference_mode(), torch.autocast(self._place.device.type, enabled=False):
            for batch in torch.split(self._held_out, self._config.batch_size):
                total += float(self._loss(batch.to(self._place), masks)) * len(batch)
        self._autoencoder.encoder.train(training)
        return total / len(self._held_out)

    def _step(self, rows: Tensor) -> Tensor:
        batch = self._activity.index_select(0, rows.to(self._activity.device)).to(self._place)
        self._optimizer.zero_grad()
        loss = self._loss(batch, self._draws)
        loss.backward()  # type: ignore[no-untyped-call]  # torch's stub
        self._optimizer.step()
        return loss.detach()

    def _loss(self, batch: Tensor, draws: torch.Generator) -> Tensor:
        tokens = batch.shape[1] // self._autoencoder.encoder.size.patch
        masking = draw_masking(tokens, self._config.mask_ratio, draws)
        with self._precision():
            return self._autoencoder.loss(batch, masking.to(batch.device), self._config.loss)

    def _precision(self) -> torch.autocast:
        """Each step casts the weights anew: an outer autocast's cache would outlive them."""
        return torch.autocast(
            self._place.device.type,
            torch.bfloat16,
            enabled=self._config.bfloat16,
            cache_enabled=False,
        )


def _parted(activity: Tensor, share: float, seed: int) -> tuple[Tensor, Tensor]:
    """Hold a share of the rows out, at least one and never all; return them, and the others."""
    n = len(activity)
    if not share:
        return activity[:0], activity
    cut = min(n - 1, max(1, round(share * n)))
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed)).to(activity.device)
    return activity[order[:cut]], activity[order[cut:].sort().values]


def save_encoder(path: Path, encoder: PatEncoder) -> None:
    """Write an encoder's weights, and the layout that they belong to."""
    weights = {name: value.detach().cpu() for name, value in encoder.state_dict().items()}
    torch.save({"layout": encoder.layout(), "weights": weights}, path)


def load_encoder(path: Path, encoder: PatEncoder) -> None:
    """Give an encoder the weights that `save_encoder` wrote.

    Raises
    ------
    CheckpointError
        When the file is damaged, or no checkpoint.
    OSError
        When there is no such file, or it cannot be opened.
    TrainableError
        When it is no encoder's, or its encoder has another layout; the encoder stays as it was.
    """
    saved = _read(path)
    if not isinstance(saved, dict) or set(saved) != {"layout", "weights"}:
        raise TrainableError(f"{path} holds no encoder that `save_encoder` wrote")
    theirs, ours = saved["layout"], encoder.layout()
    problems = [
        f"the encoder in {path} has {name} {theirs.get(name)}, this one {ours.get(name)}"
        for name in dict.fromkeys([*ours, *theirs])
        if theirs.get(name) != ours.get(name)
    ]
    if problems:
        raise TrainableError(problems)
    encoder.load_state_dict(saved["weights"])


def _read(path: Path) -> Any:
    content = BytesIO(path.read_bytes())  # what is wrong from here on is wrong with the content
    try:
        return torch.load(content, map_location="cpu", weights_only=True)
    except (RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
        raise CheckpointError(f"{path} is no readable checkpoint: {error}") from error
