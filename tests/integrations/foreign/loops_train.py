"""A training script with its own command line."""

import argparse
import csv
import json
from pathlib import Path

import numpy as np

parser = argparse.ArgumentParser()
parser.add_argument("epochs", type=int)
parser.add_argument("--lr", type=float)
parser.add_argument("--decay", type=float)
parser.add_argument("--seed", type=int)
parser.add_argument("--config", type=Path)
parser.add_argument("--csv", type=Path)
options = parser.parse_args()
if options.config:
    vars(options).update(json.loads(options.config.read_text())["optim"])

rng = np.random.default_rng(options.seed)
x = rng.normal(size=(300, 4))
y = (x @ [1.0, -1.0, 0.5, 0.0] + rng.normal(size=300) > 0).astype(float)
weights = np.zeros(4)


def score(rows):
    """Return the mean log-likelihood of some rows."""
    return float(-np.mean(np.log1p(np.exp((1 - 2 * y[rows]) * (x[rows] @ weights)))))


log = options.csv.open("w", newline="") if options.csv else None
for epoch in range(1, options.epochs + 1):
    slope = x[:60].T @ (1 / (1 + np.exp(-x[:60] @ weights)) - y[:60]) / 60
    weights = weights - options.lr * (slope + options.decay * weights)
    print(f"epoch {epoch} done")  # noqa: T201 - a script prints
    found = [epoch, score(slice(60, 160)), score(slice(160, 300))]
    if log is None:
        names = ("step", "val_score", "test_score")
        print(json.dumps(dict(zip(names, found, strict=True))))  # noqa: T201 - likewise
    else:
        rows = [("epoch", "val_score", "test_score")] * (epoch == 1) + [found]
        csv.writer(log).writerows(rows)
        log.flush()
