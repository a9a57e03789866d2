"""Many techniques, verdicts and looks: what a table of several techniques says."""

from __future__ import annotations

import numpy as np
from scipy import stats

from docs.drawing.frames import DASH, SIZE, SMALL, WIDTH, Frame, key
from search.reports import palette
from search.reports.palette import COMPLETE, DIVERGED, INK, MUTED, TARGET
from search.reports.vector import Dot, Path, Picture, Shape, Words
from search.statistics import PROFILES, Arm, Registration, Replicates, Rules, Verdict, rank_table
from search.statistics.pairs import Pairs
from search.statistics.planning import simulate_differences
from search.statistics.race import race
from search.statistics.verdicts import CODES, UNDECIDED

LOOKS = PROFILES["standard"]
REPETITIONS = 2000
SMALLEST = 0.6  # gain worth adopting, in the picture of verdicts
ADOPT = CODES[Verdict.ADOPT]


def many() -> Picture:
    """How often something useless is adopted, by how many techniques are tried."""
    rng = np.random.default_rng(0)
    counts = (1, 2, 4, 8, 12, 16)
    d = simulate_differences(np.zeros(16), n_seeds=20, rng=rng, repetitions=REPETITIONS)
    p = np.asarray(stats.ttest_1samp(d[:, :5], 0, axis=1, alternative="greater").pvalue)
    rules = [
        ("higher mean of 5 seeds", DIVERGED, [(d[:, :5, :k].mean(1) > 0) for k in counts]),
        ("one t test each, 5 seeds", palette.FAILED, [p[:, :k] < 0.05 for k in counts]),
        ("winnow, 3 to 20 seeds", COMPLETE, [_adopted(d[..., :k]) for k in counts]),
    ]
    frame = Frame(46, WIDTH - 18, 34, 200, (0, 16.5), (0.0, 1.0))
    shapes: list[Shape] = [*frame.beside("studies that adopt something useless", percent=True)]
    shapes += frame.below("techniques tried, none of which does anything", counts)
    shapes.append(Path([frame.at(0, 0.05), frame.at(16.5, 0.05)], TARGET, 1.2, DASH))
    told = []
    for place, (words, tone, adopted) in enumerate(rules):
        shares = [float(one.any(axis=-1).mean()) for one in adopted]
        shapes.append(frame.line(counts, shares, tone))
        shapes += [Dot(frame.at(k, y), 3, tone) for k, y in zip(counts, shares, strict=True)]
        shapes += key(254 + 15 * place, words, tone)
        told.append(f"{words}: {100 * shares[-1]:.1f} % with 16 techniques")
    shapes += key(254 + 45, "5 %, which winnow promises to stay under", TARGET, DASH)
    return Picture("many", WIDTH, 312, tuple(shapes), "False adoptions", "; ".join(told))


def _adopted(d: np.ndarray) -> np.ndarray:
    outcome = race(Pairs.without_failures(d), np.ones(1), Rules(LOOKS))
    return np.asarray(outcome.verdict == ADOPT)


def verdicts() -> Picture:
    """Five techniques as the table would judge them."""
    truth = np.array([2.0, 1.0, 0.6, 0.0, -1.0])
    names = tuple(f"true gain {x:g}".replace("-", "−") for x in truth)
    d = simulate_differences(truth, n_seeds=20, rng=np.random.default_rng(56), repetitions=1)[0]
    scores = np.hstack([np.zeros((20, 1)), d])
    found = rank_table(
        Registration(tuple(Arm(name) for name in names), smallest_gain=SMALLEST),
        Replicates(("baseline", *names), scores, np.zeros(scores.shape, bool), curves_vary=True),
        rng=np.random.default_rng(0),
        no_more_runs=True,
    )
    frame = Frame(92, WIDTH - 116, 26, 190, (-2.5, 3.5), (0.4, 5.6))
    shapes: list[Shape] = [*frame.below("measured gain"), frame.upright(0, INK)]
    shapes.append(frame.upright(SMALLEST, TARGET, DASH))
    shapes.append(Words((frame.at(SMALLEST, 0)[0], 18), "smallest gain", TARGET, SMALL, "middle"))
    told = []
    for y, row in zip(range(5, 0, -1), found.rows, strict=True):
        at = frame.at(0, y)[1]
        word = row.verdict or "undecided"
        tone = COMPLETE if word == Verdict.ADOPT else MUTED
        shapes.append(Words((84, at + 4), row.technique, INK, SIZE, "end"))
        shapes += frame.interval(row.ci_low or 0, row.effect or 0, row.ci_high or 0, y, tone)
        after = f"{word.title()}, {row.n_seeds} seeds"
        shapes.append(Words((frame.right + 4, at + 4), after, tone, SMALL))
        told.append(f"{row.technique}: {after}")
    return Picture("verdicts", WIDTH, 228, tuple(shapes), "Five verdicts", "; ".join(told))


def looks() -> Picture:
    """How many techniques still get seeds after each look."""
    frame = Frame(46, WIDTH - 18, 34, 190, (0, 20.5), (0.0, 1.0))
    shapes: list[Shape] = [*frame.beside("techniques that are still undecided", percent=True)]
    shapes += frame.below("seeds", LOOKS)
    told = []
    for place, (gain, tone) in enumerate(((0, MUTED), (1, DIVERGED), (2, COMPLETE))):
        d = simulate_differences(
            [gain] * 8, n_seeds=20, rng=np.random.default_rng(gain), repetitions=REPETITIONS // 4
        )
        outcome = race(Pairs.without_failures(d), np.ones(1), Rules(LOOKS))
        settled = (outcome.verdict != UNDECIDED) & (outcome.verdict != CODES[Verdict.INCONCLUSIVE])
        left = [float(1 - (settled & (outcome.look <= j)).mean()) for j in range(len(LOOKS))]
        shapes.append(frame.line([0, *LOOKS], [1, *left], tone))
        shapes += [Dot(frame.at(n, y), 3, tone) for n, y in zip(LOOKS, left, strict=True)]
        words = f"true gain of {gain} times the smallest gain"
        shapes += key(244 + 15 * place, words, tone)
        told.append(f"{words}: {100 * left[-1]:.0f} % undecided after 20 seeds")
    return Picture("looks", WIDTH, 284, tuple(shapes), "Seeds come in looks", "; ".join(told))
