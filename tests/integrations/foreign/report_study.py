"""A loop that belongs to somebody else, who calls back."""

import numpy as np
from loops_shared import load, scores, stepped, study

import search


def fit(config, data, epochs, callback):
    """Train, as a library would."""
    weights = np.zeros(4)
    for epoch in range(epochs):
        weights = stepped(weights, config.optim.lr, config.optim.decay, *data["train"])
        callback(epoch, weights)


@search.reporting
def train(config, *, seed):
    """Train for longer than anybody asks for."""
    data = load(seed)
    fit(config, data, 1000, lambda epoch, w: search.report(epoch + 1, **scores(w, data)))


STUDY = study("report", train)
