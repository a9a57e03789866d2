"""Noise, pairing, intervals: what one study of one technique can know."""

from __future__ import annotations

import numpy as np
from scipy import stats

from docs.drawing.frames import DASH, SIZE, SMALL, WIDTH, Frame
from search.reports.palette import COMPLETE, DIVERGED, FAINT, INK, MUTED, TARGET
from search.reports.vector import Dot, Path, Picture, Shape, Words
from search.statistics import mean_interval
from search.statistics.planning import simulate_differences


def one_seed() -> Picture:
    """Eight techniques that do nothing, by one seed and by many."""
    d = simulate_differences(np.zeros(8), n_seeds=20, rng=np.random.default_rng(28), repetitions=1)
    frame = Frame(76, WIDTH - 16, 14, 150, (-2.5, 2.5), (0.4, 3.6))
    shapes: list[Shape] = [*frame.below("measured gain, in standard deviations of a run")]
    shapes.append(frame.upright(0, INK))
    for place, n in ((3, 1), (2, 3), (1, 20)):
        _, y = frame.at(0, place)
        words = f"{n} seed{'s' * (n > 1)}"
        shapes.append(Words((66, y + 4), words, INK, SIZE, "end"))
        shapes += [Dot(frame.at(x, place), 4.5, COMPLETE) for x in d[0, :n].mean(axis=0)]
    return Picture(
        "one-seed", WIDTH, 190, tuple(shapes), "Eight techniques that do nothing",
        "With one seed their measured gains scatter widely around zero; with twenty, hardly.",
    )  # fmt: skip


def pairing() -> Picture:
    """Compare the same runs with and without their seeds."""
    rng = np.random.default_rng(8)
    seeds = rng.normal(0, 1, 6)
    baseline = seeds + rng.normal(0, 0.35, 6)
    technique = seeds + 0.8 + rng.normal(0, 0.35, 6)
    left = Frame(40, 150, 30, 180, (0, 1), (-2.4, 3.2))
    right = Frame(196, WIDTH - 14, 70, 180, (-1.5, 3.1), (0.4, 2.6))
    shapes: list[Shape] = [*left.beside("score")]
    for a, b in zip(baseline, technique, strict=True):
        shapes.append(Path([left.at(0.15, a), left.at(0.85, b)], FAINT, 1.4))
        shapes += [Dot(left.at(0.15, a), 4, MUTED), Dot(left.at(0.85, b), 4, COMPLETE)]
    for x, words in ((0.15, "baseline"), (0.85, "technique")):
        shapes.append(Words((left.at(x, 0)[0], 196), words, INK, SMALL, "middle"))
    shapes += [*right.below("gain"), right.upright(0, INK)]
    welch = stats.ttest_ind(technique, baseline, equal_var=False).confidence_interval(0.95)
    paired = mean_interval(technique - baseline)
    gain = paired.estimate
    for y, words, low, high, tone in (
        (2, "seeds ignored", welch.low, welch.high, DIVERGED),
        (1, "paired by seed", paired.low or 0.0, paired.high or 0.0, COMPLETE),
    ):
        at = right.at(0, y)[1]
        shapes.append(Words((right.at(0, 0)[0] + 6, at - 12), words, INK, SIZE))
        shapes += right.interval(float(low), gain, float(high), y, tone)
    return Picture(
        "pairing", WIDTH, 222, tuple(shapes), "Six seeds, with and without pairing",
        "Every seed gains. The interval that ignores seeds contains zero; the paired one does not.",
    )  # fmt: skip


def intervals() -> Picture:
    """Thirty studies of one technique, and their intervals."""
    rng = np.random.default_rng(5)
    found = [mean_interval(rng.normal(0.5, 1.0, 8)) for _ in range(30)]
    frame = Frame(16, WIDTH - 16, 26, 250, (-1.6, 2.6), (0, 31))
    shapes: list[Shape] = [*frame.below("gain"), frame.upright(0.5, TARGET, DASH)]
    shapes.append(Words((frame.at(0.5, 0)[0], 18), "the truth", TARGET, SIZE, "middle"))
    for i, one in enumerate(found):
        low, high = one.low or 0.0, one.high or 0.0
        tone = COMPLETE if low <= 0.5 <= high else DIVERGED
        shapes += frame.interval(low, one.estimate, high, 30 - i, tone)
    missed = sum(not (one.low or 0.0) <= 0.5 <= (one.high or 0.0) for one in found)
    return Picture(
        "intervals", WIDTH, 290, tuple(shapes), "Thirty studies of the same technique",
        f"{missed} of 30 intervals miss the truth.",
    )  # fmt: skip
