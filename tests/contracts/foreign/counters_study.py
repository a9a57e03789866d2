"""Does a class trainable go on from its checkpoints?"""

import os
import signal
from dataclasses import dataclass
from pathlib import Path

import witness

from search import ASHA, Categorical, Objective, Space, Study


@dataclass(frozen=True)
class Config:
    """One field says what the trial does."""

    kind: str = "healthy"
    rank: int = 0


LOCAL = (
    "healthy",
    "raises after 5",
    "spoils its checkpoint",
    "spoils every checkpoint",
    "cannot load",
    "raises with a full disk",
    "done after 6",
)
KINDS = (*LOCAL, "dies after 5", "dies with a full disk")
FAILING = tuple(kind for kind in KINDS if kind not in ("healthy", "done after 6"))


def load(path):
    """Data is a folder that trainables leave their witness in."""
    witness.tell(path, "loaded")
    return Path(path)


class Counter:
    """Counts its steps, and writes the count into its checkpoints."""

    def __init__(self, config, *, seed, data):
        self.config, self.data, self.count = config, data, 0
        self.seed = seed
        self.tell("made")

    def tell(self, event, **facts):
        """Leave a witness."""
        witness.tell(self.data, event, kind=self.config.kind, **facts)

    @property
    def done(self):
        """Whether it has had enough."""
        return self.config.kind == "done after 6" and self.count >= 6

    def step(self):
        """Count, or do what the kind says."""
        kind = self.config.kind
        if self.count == 5 and kind in FAILING and witness.first_time(self.data, kind):
            self.fail(kind)
        self.count += 1
        self.tell("step", step=self.count)
        # every trial is better than those before, so that none is pruned
        return {"val_ap": self.count + 100 * self.config.rank, "test_ap": 0.0}

    def fail(self, kind):
        """Raise, or kill the worker."""
        if kind == "spoils its checkpoint":
            self.newest.write_text("4")
        if kind == "spoils every checkpoint":
            for count in self.newest.parent.parent.glob("step-*/count"):
                count.write_text("4")
        if kind.startswith("dies"):
            os.kill(os.getpid(), signal.SIGKILL)
        raise RuntimeError("after step 5")

    def save(self, directory):
        """Write the count."""
        if self.config.kind.endswith("with a full disk") and self.count == 3:
            raise OSError(28, "No space left on device")
        self.newest = directory.with_name(directory.name.replace("draft", "step")) / "count"
        (directory / "count").write_text(str(self.count))
        self.tell("saved", step=self.count)

    def load(self, directory):
        """Read the count."""
        count = int((directory / "count").read_text())
        if self.config.kind == "cannot load" and count == 3:
            raise ValueError("this checkpoint is of another shape")
        self.count = count
        self.tell("resumed", step=self.count)

    def close(self):
        """Free what the next trial needs."""
        self.tell("closed", step=self.count)


def make(kinds):
    """Return a study that runs each kind once."""
    space = Space(
        baseline=Config(),
        domains={"kind": Categorical(kinds), "rank": Categorical(tuple(range(len(kinds))))},
        points=[{"kind": kind, "rank": rank} for rank, kind in enumerate(kinds)],
    )
    return Study(
        name="counters",
        trainable=Counter,
        space=space,
        objective=Objective("val_ap", "maximize"),
        max_steps=9,
        data=load,
        pruner=ASHA(grace_steps=1),
    )


STUDY = make(LOCAL)
