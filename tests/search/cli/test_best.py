"""``winnow best`` and ``winnow gc``."""

import json
from pathlib import Path

import pytest

from search.storage.database import Database
from search.storage.reader import read_series

OPTIONS = ("--looks", "3", "--tuning", "none", "--engine", "local")
SECOND = ',\n                Technique("Wider", on={"wide": True})],\n    objective'
CLASS = """
class Model:
    def __init__(self, config, *, seed):
        self.config, self.seed, self.done_steps = config, seed, 0

    def step(self):
        self.done_steps += 1
        limit = 0.5 + self.seed % 7 / 1e3
        limit += self.config.focal * (0.1 + self.seed % 5 / 500)
        limit += self.config.wide * (0.08 + self.seed % 3 / 500)
        return {"val_ap": limit * (1 - 0.7**self.done_steps), "test_ap": limit}

    def save(self, directory):
        (directory / "weights.txt").write_text(f"{self.done_steps} {self.config.wide}")

    def load(self, directory):
        self.done_steps = int((directory / "weights.txt").read_text().split()[0])

STUDY = """


@pytest.fixture
def with_class(study_file):
    text = study_file.read_text().replace("\nSTUDY = ", CLASS, 1)
    text = text.replace("    gamma: float = 2.0", "    gamma: float = 2.0\n    wide: bool = False")
    text = text.replace("trainable=train", "trainable=Model").replace("],\n    objective", SECOND)
    study_file.write_text(text)
    return study_file


def test_the_stack_is_ready_to_paste(winnow, with_class):
    assert winnow("run", with_class, *OPTIONS).status == 0
    said = winnow("best", "toy")
    assert "Focal loss + Wider (the adopted techniques together" in said.out
    assert eval(said.out.partition("\n")[2], {"Config": dict}) == {"focal": True, "wide": True}
    found = json.loads(winnow("best", "toy", "--arm", "Focal loss", "--format", "json").out)
    assert (found["changes"], found["n_seeds"]) == ({"focal": True}, 3)
    assert "did you mean 'Focal loss'" in winnow("best", "toy", "--arm", "Focal los").err


def test_weights_are_kept_for_every_seed(winnow, with_class):
    winnow("run", with_class, *OPTIONS)
    said = winnow("best", with_class, "--checkpoint", "kept", "--seeds", "2")
    assert said.status == 0
    weights = sorted(Path("kept").rglob("weights.txt"))
    assert len(weights) == 2
    assert {path.read_text() for path in weights} == {"9 True"}
    assert "give the study's file" in winnow("best", "toy", "--checkpoint", "kept").err


def test_a_search_has_a_best_trial(winnow, study_file):
    assert winnow("best", study_file).status != 0
    winnow("search", study_file, "--trials", "6", "--engine", "local", "--confirm", "3")
    said = winnow("best", study_file)
    assert "the best trial of the search" in said.out
    assert "Config(" in said.out
    assert "a generator has none" in winnow("best", study_file, "--checkpoint", "kept").err


def test_only_what_nobody_needs_is_deleted(winnow, study_file):
    winnow("run", study_file, *OPTIONS)
    artifacts = Path("winnow.db-artifacts")
    database = Database("sqlite:///winnow.db", create=False)
    created = read_series(database, "toy/replicate").created
    database.close()
    series = artifacts / "toy" / "replicate" / f"{1000 * created:.0f}"
    left = series / "000000" / "token" / "step-00000003"
    left.mkdir(parents=True)
    (left / "weights").write_bytes(bytes(2**20))
    foreign = artifacts / "another" / "search"
    foreign.mkdir(parents=True)
    said = winnow("gc", "--dry-run")
    assert "toy/replicate#0 has ended" in said.out
    assert "1 folder, 1.0 MiB would be deleted" in said.out
    assert left.is_dir()
    assert "1 folder, 1.0 MiB deleted" in winnow("gc").out
    assert not left.exists()
    assert series.is_dir()
    assert foreign.is_dir()
    winnow("gc", "--unknown")
    assert not foreign.exists()


PREDICTING = """
    def predict(self, split):
        scores = np.random.default_rng(self.seed).random(40)
        return Predictions(scores, (scores > 0.5).astype(int))

    def save("""


def test_a_cap_spares_what_no_technique_is_made_from(winnow, with_class):
    text = with_class.read_text().replace("\n    def save(", PREDICTING, 1)
    imports = "import numpy as np\nfrom search import Predictions\nimport math"
    with_class.write_text(text.replace("import math", imports, 1))
    winnow("run", with_class, *OPTIONS)
    kept = sorted(Path("winnow.db-artifacts/toy/predictions").iterdir())
    assert len(kept) == 9
    assert "0 folders, 0.0 MiB" in winnow("gc", "--cap", "1GB").out
    said = winnow("gc", "--cap", "1B", "--dry-run")
    assert "6 folders, " in said.out
    assert "predictions of Focal loss, seed " in said.out
    assert (said.status, "stay, above --cap 1B" in said.out) == (1, True)
    assert all(path.is_dir() for path in kept)
    winnow("gc", "--cap", "1B")
    left = sorted(Path("winnow.db-artifacts/toy/predictions").iterdir())
    assert len(left) == 3
    assert "Focal loss" in winnow("report", "toy").out


@pytest.mark.parametrize("cap", ["5", "GB", "-5GB", "5 gigs", "1e3GB", ""])
def test_a_cap_that_is_no_size_is_refused(winnow, cap):
    answer = winnow("gc", "--cap", cap)
    assert (answer.status, "--cap takes a size with its unit" in answer.err) == (2, True)


def test_a_kept_checkpoint_is_told_and_spared_last(winnow, with_class):
    text = with_class.read_text().replace("import Effort", "import NoPruning, Effort")
    text = text.replace('"maximize")', '"minimize")')  # the first trial, the baseline, is the best
    kept = "max_steps=9, keep_checkpoints=True, pruner=NoPruning()"
    with_class.write_text(text.replace("max_steps=9", kept))
    winnow("search", with_class, "--trials", "2", "--engine", "local", "--confirm", "0")
    best = Path(json.loads(winnow("best", "toy", "--format", "json").out)["checkpoint"])
    assert (best / "weights.txt").read_text().startswith("9 ")
    assert f"\n# its checkpoint: {best}\n" in winnow("best", "toy").out
    (best.parents[2] / "older" / "step-00000003").mkdir(parents=True)  # a killed driver's
    assert "/older: toy/search#0 has ended" in winnow("gc").out
    assert "0 folders" in winnow("gc").out
    assert winnow("rename", "toy", "other").status == 0
    best = Path(json.loads(winnow("best", "other", "--format", "json").out)["checkpoint"])
    assert (best / "weights.txt").is_file()
    said = winnow("gc", "--cap", "0B", "--dry-run").out
    assert said.index("the trial that ended last") < said.index("the best trial,")
    winnow("gc", "--cap", "0B")
    assert not best.exists()
    assert json.loads(winnow("best", "other", "--format", "json").out)["checkpoint"] is None
