"""Averages of weights along training: stochastic weight averaging, exponential moving average.

Statistics of batch normalisation are not recomputed (`torch.optim.swa_utils.update_bn`): use this
with networks that have none.

References
----------
Izmailov et al. 2018, "Averaging weights leads to wider optima and better generalization",
arXiv:1803.05407.
Polyak and Juditsky 1992, doi:10.1137/0330046 (averaging iterates).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, TypeVar, cast

from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

Network = TypeVar("Network", bound=nn.Module)


class WeightAverages(Generic[Network]):
    """The averages that a run keeps, and which weights it answers with.

    With both on, the equal-weight average takes its snapshots of the moving average.

    Parameters
    ----------
    network
        The network being trained; its weights are copied.
    swa
        Keep an equal-weight average of snapshots.
    ema_decay
        Decay per optimizer step of an exponential moving average; None for none.
    """

    def __init__(self, network: Network, *, swa: bool, ema_decay: float | None) -> None:
        self._swa = AveragedModel(network).eval() if swa else None
        self._ema = (
            None
            if ema_decay is None
            else AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(ema_decay)).eval()  # type: ignore[no-untyped-call]  # torch's stub
        )

    @property
    def snapshots(self) -> int:
        """How many snapshots the equal-weight average has."""
        return 0 if self._swa is None else int(self._swa.n_averaged)

    def after_update(self, network: Network) -> None:
        """Follow an optimizer step."""
        if self._ema is not None:
            self._ema.update_parameters(network)

    def snapshot(self, network: Network) -> None:
        """Add the present weights to the equal-weight average."""
        if self._swa is not None:
            self._swa.update_parameters(self._smooth(network))

    def answering(self, network: Network) -> Network:
        """Return the network to evaluate: averaged if there is an average yet."""
        if self._swa is not None and self.snapshots:
            return cast(Network, self._swa.module)
        return self._smooth(network)

    def _smooth(self, network: Network) -> Network:
        return network if self._ema is None else cast(Network, self._ema.module)

    def state_dict(self) -> dict[str, Any]:
        """Return what `load_state_dict` needs to continue."""
        kept = {"swa": self._swa, "ema": self._ema}
        return {name: model.state_dict() for name, model in kept.items() if model is not None}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned."""
        for name, model in (("swa", self._swa), ("ema", self._ema)):
            if model is not None:
                model.load_state_dict(state[name])
