"""A loop that belongs to winnow."""

import numpy as np
from loops_shared import load, scores, stepped, study


class Model:
    """Step by step."""

    def __init__(self, config, *, seed):
        self.optim, self.data, self.weights = config.optim, load(seed), np.zeros(4)

    def step(self):
        """Train one step."""
        optim, data = self.optim, self.data
        self.weights = stepped(self.weights, optim.lr, optim.decay, *data["train"])
        return scores(self.weights, data)

    def save(self, directory):
        """Write the weights."""
        np.save(directory / "weights.npy", self.weights)

    def load(self, directory):
        """Read the weights."""
        self.weights = np.load(directory / "weights.npy")


STUDY = study("class", Model)
