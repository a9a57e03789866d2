"""Is a run ended that hangs?"""

import threading
from dataclasses import dataclass
from pathlib import Path

import witness

from search import ASHA, Categorical, Objective, Space, Study


@dataclass(frozen=True)
class Config:
    """One field says what the trial does."""

    kind: str = "healthy"
    rank: int = 0


KINDS = ("healthy", "hangs once", "hangs at its first step")


class Counter:
    """Counts its steps; at some of them it waits for what never comes."""

    def __init__(self, config, *, seed, data):  # noqa: ARG002 - it counts without
        self.config, self.data, self.count = config, data, 0

    def step(self):
        """Count, or hang."""
        kind = self.config.kind
        if kind == "hangs at its first step":
            self.wait_for_ever()
        if kind == "hangs once" and self.count == 4 and witness.first_time(self.data, kind):
            self.wait_for_ever()
        self.count += 1
        witness.tell(self.data, "step", kind=kind, step=self.count)
        return {"val_ap": self.count + 100 * self.config.rank}

    def wait_for_ever(self):
        """Wait."""
        witness.tell(self.data, "hangs", kind=self.config.kind)
        threading.Event().wait()

    def save(self, directory):
        """Write the count."""
        (directory / "count").write_text(str(self.count))

    def load(self, directory):
        """Read the count."""
        self.count = int((directory / "count").read_text())


STUDY = Study(
    name="hanging",
    trainable=Counter,
    space=Space(
        baseline=Config(),
        domains={"kind": Categorical(KINDS), "rank": Categorical((0, 1, 2))},
        points=[{"kind": kind, "rank": rank} for rank, kind in enumerate(KINDS)],
    ),
    objective=Objective("val_ap", "maximize"),
    max_steps=6,
    data=Path,
    pruner=ASHA(grace_steps=1),
    step_limit_s=0.4,
)
