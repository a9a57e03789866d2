"""Channels are what their mode names, in the order of the bands."""

import pytest
import torch

from trainables.gen5_prime.channels import MODES, N_CHANNELS, channels

STAMP, CTRL = torch.randn(2, 4, 3, 64, 64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("mode", MODES)
def test_there_are_as_many_as_are_said(mode):
    assert channels(mode, STAMP, CTRL).shape == (4, N_CHANNELS[mode], 64, 64)


def test_each_mode_has_its_parts():
    nine = channels("paired6_plus_diff", STAMP, CTRL)
    assert torch.equal(nine[:, :6], channels("paired6", STAMP, CTRL))
    assert torch.equal(nine[:, 6:], channels("residual_diff", STAMP, CTRL))
    assert torch.equal(nine[:, :3], channels("single3", STAMP, CTRL))
    assert torch.equal(nine[:, 4], CTRL[:, 1])
    assert torch.equal(nine[:, 8], STAMP[:, 2] - CTRL[:, 2])
