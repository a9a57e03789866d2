"""The winner's curse and a late bloomer: what searches do to scores."""

from __future__ import annotations

import numpy as np

from docs.drawing.frames import DASH, SIZE, SMALL, WIDTH, Frame, key
from search.pruner import ASHA
from search.reports import palette
from search.reports.palette import COMPLETE, DIVERGED, INK, MUTED
from search.reports.vector import Dot, Picture, Shape, Words
from search.statistics import expected_best

REPETITIONS = 2000


def curse() -> Picture:
    """Show what the best of many trials seems to be worth, and is."""
    rng = np.random.default_rng(1)
    budgets = (1, 2, 4, 8, 16, 32, 64)
    worth = rng.normal(0, 1, (REPETITIONS, 64))
    seen = worth + rng.normal(0, 1, worth.shape)
    best = np.mean([expected_best(row)[np.array(budgets) - 1] for row in seen], axis=0)
    chosen = [seen[:, :n].argmax(axis=1) for n in budgets]
    fresh = [float(worth[np.arange(REPETITIONS), one].mean()) for one in chosen]
    frame = Frame(46, WIDTH - 18, 34, 190, (0, 6.2), (-0.1, 3.5))
    shapes: list[Shape] = [*frame.beside("score, in standard deviations of the configurations")]
    for i, n in enumerate(budgets):
        shapes.append(Words((frame.at(i, 0)[0], 203), str(n), MUTED, SMALL, "middle"))
    shapes.append(Words((WIDTH / 2, 219), "trials of the search", INK, SIZE, "middle"))
    lines = (
        ("the best trial's validation score", DIVERGED, [float(x) for x in best]),
        ("its configuration on fresh seeds", COMPLETE, fresh),
    )
    for place, (words, tone, ys) in enumerate(lines):
        shapes.append(frame.line(range(len(budgets)), ys, tone))
        shapes += [Dot(frame.at(i, y), 3, tone) for i, y in enumerate(ys)]
        shapes += key(244 + 15 * place, words, tone)
    told = f"after 64 trials the best validation score is {best[-1]:.2f}, and worth {fresh[-1]:.2f}"
    return Picture("curse", WIDTH, 270, tuple(shapes), "The winner's curse", told)


def pruning() -> Picture:
    """Nine trials under ASHA, one of them a late bloomer."""
    steps = np.arange(0, 28)
    ends = np.array([0.86, 0.74, 0.72, 0.70, 0.66, 0.64, 0.60, 0.57, 0.53])
    pace = np.array([11.0, 3.0, 4.6, 5.5, 3.4, 7.0, 5.0, 6.0, 8.0])
    curves = ends[:, None] * (1 - np.exp(-steps / pace[:, None]))
    rungs = ASHA(grace_steps=3).steps(27)
    frame = Frame(34, WIDTH - 18, 34, 200, (0, 27), (0.0, 0.9))
    shapes: list[Shape] = [*frame.beside("validation score"), *frame.below("step", (*rungs, 27))]
    shapes += [frame.upright(rung, palette.RUNG, DASH) for rung in rungs]
    alive = list(range(9))
    stopped: dict[int, int] = {}
    for rung in rungs:
        alive = sorted(alive, key=(-curves[:, rung]).__getitem__)
        keep = max(1, len(alive) // 3)
        stopped |= dict.fromkeys(alive[keep:], rung)
        alive = alive[:keep]
    for i, curve in reversed(list(enumerate(curves))):
        end = stopped.get(i, 27)
        tone = DIVERGED if i == 0 else COMPLETE if i in alive else MUTED
        shapes.append(frame.line(steps[: end + 1].tolist(), curve[: end + 1].tolist(), tone))
        shapes.append(Dot(frame.at(end, float(curve[end])), 3, tone))
    rest = slice(stopped[0], None)
    shapes.append(frame.line(steps[rest].tolist(), curves[0, rest].tolist(), DIVERGED, (2, 3)))
    shapes += key(254, "the only one that ASHA lets finish", COMPLETE)
    shapes += key(269, f"a late bloomer, stopped at step {stopped[0]}; it would have won", DIVERGED)
    return Picture(
        "pruning", WIDTH, 282, tuple(shapes), "A late bloomer under ASHA",
        "Nine trials; one in three passes each rung; the one that would have been best does not.",
    )  # fmt: skip
