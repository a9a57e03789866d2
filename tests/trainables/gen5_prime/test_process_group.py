"""Two processes over gloo that train the lens finder together, beside one that trains it alone."""

from __future__ import annotations

import json
import socket
import subprocess
import sys

import pytest

CODE = """
import json, sys
from search.trainable import ProcessGroup
from trainables.gen5_prime.config import Gen5Config, StopConfig
from trainables.gen5_prime.generated import generate
from trainables.gen5_prime.generator import GeneratorConfig
from trainables.gen5_prime.network import ModelConfig
from trainables.gen5_prime.trainable import Gen5Prime
from trainables.gen5_prime.training import OptimConfig
rank, size, port = map(int, sys.argv[1:])
few = GeneratorConfig(n_train=24, n_validation=12, n_test=12, n_shift=12, n_bricks=3,
                      n_held_out_bricks=2, bad_bricks=1)
config = Gen5Config(
    model=ModelConfig(width=2, norm="group"),
    optim=OptimConfig(batch_size=7),  # parts of 4 and 3 rows, and of 2 and 1 at the end
    stop=StopConfig(epochs=2),
)
group = ProcessGroup(rank, size, "127.0.0.1", port) if size > 1 else None
run = Gen5Prime(config, seed=7, max_steps=2, data=generate(few, seed=0), group=group)
print(json.dumps([run.step(), run.step()]))
run.close()
"""


def train(size: int) -> list[list[dict[str, float]]]:
    """Train in so many processes at once; return the metrics of each."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = [
        subprocess.Popen(
            [sys.executable, "-c", CODE, str(rank), str(size), str(port)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in range(size)
    ]
    return [json.loads(one.communicate(timeout=240)[0].splitlines()[-1]) for one in started]


def test_two_processes_have_the_numbers_of_one() -> None:
    (alone,), (first, second) = train(1), train(2)
    assert first == second  # so that both stop at the same epoch
    for one, other in zip(alone, first, strict=True):
        assert other == pytest.approx(one, rel=1e-3, abs=1e-4)
        assert other["train_loss"] == pytest.approx(one["train_loss"], rel=1e-5)
