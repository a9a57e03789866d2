"""Does what a trainable offers to explain its runs reach the reports?"""

from dataclasses import dataclass

from search import Float, NoPruning, Objective, Resources, Space, Study, Technique


@dataclass(frozen=True)
class Config:
    """Something to tune, and a technique."""

    lr: float = 0.1
    trick: bool = False


class Model:
    """Learns a line, and draws it."""

    def __init__(self, config, *, seed):
        self.config, self.seed, self.steps = config, seed, 0

    def step(self):
        """Improve a little."""
        self.steps += 1
        value = self.config.lr * self.steps + 0.1 * self.config.trick + 1e-3 * (self.seed % 7)
        return {"val_ap": value, "test_ap": value}

    def save(self, directory):
        """Write the count."""
        (directory / "steps").write_text(str(self.steps))

    def load(self, directory):
        """Read the count."""
        self.steps = int((directory / "steps").read_text())

    def diagnose(self):
        """Offer a curve and bars."""
        return {
            "line": {
                "kind": "curve",
                "title": "Learned <line>",
                "x": [0, 1, 2],
                "y": [0, self.config.lr, 2 * self.config.lr],
                "marks": [{"name": "chosen <threshold>", "x": 1, "y": self.config.lr}],
            },
            "weights": {"kind": "bars", "names": ["made"], "values": [self.steps]},
        }


SPACE = Space(baseline=Config(), domains={"lr": Float(0.01, 1.0)})
GOAL = Objective("val_ap", "maximize")

STUDY = Study(
    name="explained",
    trainable=Model,
    space=SPACE,
    techniques=[Technique("Trick & co", on={"trick": True})],
    objective=GOAL,
    evaluation=Objective("test_ap", "maximize"),
    smallest_gain=0.01,
    max_steps=4,
    pruner=NoPruning(),
    resources=Resources(cpus=1),
)
