"""Grad-CAM: which pixels speak for an arc, and whether the arc is among them.

References
----------
Selvaraju et al. 2017, "Grad-CAM", arXiv:1610.02391.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from trainables.gen5_prime.network import LensNetwork
from trainables.gen5_prime.radial import distance
from trainables.gen5_prime.stamps import PIXEL, SIZE, Floats

LEAST_SIZE: Final = 8  # pixels a side: a coarser map does not tell a ring from its middle


def grad_cam(network: LensNetwork, images: Tensor) -> Tensor:
    """Return maps of what speaks for an arc.

    The last stage whose maps have `LEAST_SIZE` pixels is looked at: ResNet's own stem leaves its
    last stage two pixels, in which there is no place.

    Parameters
    ----------
    network : LensNetwork
        Left as it is, gradients included.
    images : Tensor of shape (n, n_channels, 64, 64)

    Returns
    -------
    Tensor of shape (n, 64, 64)
        Not negative.
    """
    with torch.enable_grad():
        maps = network.backbone.maps(images)
        logits = network.logits(maps[-1].mean(dim=(2, 3)))
        looked_at = [each for each in maps if each.shape[-1] >= LEAST_SIZE] or maps[:1]
        (slopes,) = torch.autograd.grad(logits.sum(), looked_at[-1])
    weights = slopes.mean(dim=(2, 3), keepdim=True)
    seen = functional.relu((weights * looked_at[-1]).sum(dim=1, keepdim=True)).detach()
    size = (SIZE, SIZE)
    whole = functional.interpolate(seen, size, mode="bilinear", align_corners=False)
    return whole.squeeze(1)


def on_arc(maps: NDArray[np.float32], theta_e: Floats, fwhm: Floats) -> Floats:
    """Return each map's share within a ring about the Einstein radius, over a flat map's.

    Parameters
    ----------
    maps : ndarray of float32, shape (n, 64, 64)
    theta_e, fwhm : ndarray of shape (n,)
        Arcsec; the ring reaches a point-spread function's width to either side.

    Returns
    -------
    ndarray of shape (n,)
        1 for a flat map; 0 where a map is 0 everywhere: nothing speaks for an arc.
    """
    away = np.abs(distance() * PIXEL - theta_e[:, None, None])
    ring = away <= fwhm[:, None, None]
    total = maps.sum(axis=(1, 2), dtype=np.float64)
    inside = (maps * ring).sum(axis=(1, 2), dtype=np.float64)
    share = np.divide(inside, total, out=np.zeros_like(total), where=total > 0)
    return np.asarray(share / ring.mean(axis=(1, 2)))
