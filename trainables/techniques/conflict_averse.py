"""CAGrad: the update that improves the worst-off task most, near the mean gradient.

References
----------
Liu et al. 2021, "Conflict-averse gradient descent for multi-task learning", arXiv:2110.14048.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import optimize
from torch import Tensor
from torchjd.aggregation import Aggregator

TINY = 1e-12  # squared length, relative to the gradients', that counts as nothing

Floats = NDArray[np.float64]


class ConflictAverse(Aggregator):
    """d = g₀ + (c‖g₀‖ / ‖g_w‖) g_w, algorithm 1 of the paper, without its rescaling.

    g₀ is the mean gradient, and w the point of the simplex that minimises g_w·g₀ + c‖g₀‖‖g_w‖.
    torchjd's own needs a solver package for these few variables.

    Parameters
    ----------
    c
        Radius of the ball around the mean gradient, in the norm of the mean gradient.
    """

    def __init__(self, c: float) -> None:
        super().__init__()
        self.c = c

    def forward(self, matrix: Tensor, /) -> Tensor:
        """Return the update for a Jacobian of shape (n_tasks, n_parameters)."""
        gram = (matrix @ matrix.t()).detach().cpu().numpy().astype(np.float64)
        weights = torch.from_numpy(conflict_averse_weights(gram, self.c))
        return weights.to(matrix) @ matrix


def conflict_averse_weights(gram: Floats, c: float) -> Floats:
    """Return CAGrad's weight of each task's gradient.

    Parameters
    ----------
    gram : ndarray of shape (n_tasks, n_tasks)
        Inner products of the tasks' gradients.
    c
        Radius of the ball around the mean gradient, in the norm of the mean gradient.

    Returns
    -------
    ndarray of shape (n_tasks,)
        The mean's weights where c is 0, or where the gradients cancel, so that no direction helps
        all tasks.

    Examples
    --------
    >>> conflict_averse_weights(np.eye(2), 0.5).round(6)  # equals: the mean, (1 + c) times as long
    array([0.75, 0.75])
    """
    tasks = len(gram)
    mean = np.full(tasks, 1 / tasks)
    scale = float(np.trace(gram)) / tasks
    if not (math.isfinite(scale) and scale > 0 and c > 0):
        return mean
    gram = gram / scale  # the weights do not depend on the gradients' unit
    radius = c * _length(gram, mean)
    worst = _worst_off(gram, mean, radius)
    length = _length(gram, worst)
    return mean if length**2 <= TINY else mean + radius / length * worst


def _worst_off(gram: Floats, mean: Floats, radius: float) -> Floats:
    """Return the point of the simplex that minimises g_w·g₀ + radius ‖g_w‖: a convex problem."""

    def value(w: Floats) -> float:
        return float(w @ gram @ mean) + radius * _length(gram, w)

    def slope(w: Floats) -> Floats:
        pull = gram @ w
        return np.asarray(gram @ mean + radius * pull / max(_length(gram, w), math.sqrt(TINY)))

    solved = optimize.minimize(
        value,
        mean,
        jac=slope,
        method="SLSQP",
        bounds=optimize.Bounds(0.0, 1.0),
        constraints=optimize.LinearConstraint(np.ones((1, len(mean))), 1.0, 1.0),
        options={"ftol": 1e-10},
    )
    return np.clip(np.asarray(solved.x, np.float64), 0.0, None)


def _length(gram: Floats, weights: Floats) -> float:
    return math.sqrt(max(0.0, float(weights @ gram @ weights)))
