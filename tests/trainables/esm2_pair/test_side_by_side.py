"""One table of data sets, splits and negatives: what is in it, and that rows are what they say."""

from dataclasses import replace

import numpy as np
import pytest

from trainables.esm2_pair import __main__ as command
from trainables.esm2_pair.config import Esm2PairConfig
from trainables.esm2_pair.data_config import DataConfig
from trainables.esm2_pair.generator import GeneratorConfig
from trainables.esm2_pair.inputs import splits_of
from trainables.esm2_pair.isolates import Isolates
from trainables.esm2_pair.leakage import proteins
from trainables.esm2_pair.side_by_side import MODELS, Row, markdown, side_by_side

FEW = GeneratorConfig(n_train=40, n_validation=30, n_test=30, n_lineages=6, n_dims=8, n_tokens=1)
GENERATED = Esm2PairConfig(data=DataConfig(generator=FEW))


def recorded(n=60):
    """Return isolates of two lineages, every second pair of which shares its first protein."""
    rng, numbers = np.random.default_rng(0), np.arange(n)
    protein = np.column_stack([numbers // 2, n // 2 + numbers])
    return Isolates(
        rng.normal(size=(n // 2 + n, 1, 6)).astype(np.float32),
        protein,
        numbers // 2 % 2,
        np.zeros((n, 1), np.int64),
        np.arange(n // 2 + n),
        ("E", "M"),
        ("host",),
    )


def test_every_model_sees_the_pairs_that_a_row_names():
    seen = {}

    def look(splits, seed):
        known = proteins(splits.train)
        shared = np.isin(proteins(splits.test), known).any()
        hard = splits.test.same_lineage[splits.test.label == 0].mean()
        seen.setdefault((len(splits.test), shared, hard == 1), []).append(seed)
        return {"test_auroc": hard, "test_f1": float(shared)}

    rows = list(
        side_by_side({"mine": recorded()}, [4, 5], lambda _: None, models={"a": look, "b": look})
    )
    assert [(row.split, row.negatives) for row in rows] == [
        ("isolate", "random"),
        ("isolate", "within lineage"),
        ("sequence", "random"),
        ("sequence", "within lineage"),
    ]
    assert all(row.scores["a"] == row.scores["b"] for row in rows)
    assert all(value < 1 for value in rows[0].scores["a"]["auroc"])
    assert rows[1].scores["a"]["auroc"] == (1.0, 1.0)
    assert rows[0].scores["a"]["f1"] == (1.0, 1.0)  # sequences are shared by isolate
    assert rows[2].scores["a"]["f1"] == (0.0, 0.0)


def test_models_and_reference_lines_answer_on_one_seed():
    splits = splits_of(GENERATED.data, None, seed=0)
    for name, measure in MODELS.items():
        found = measure(splits, 0)
        assert 0 <= found["test_auroc"] <= 1, name
        assert measure(splits, 0) == found, name


def test_the_table_has_means_deviations_and_targets():
    scores = {"A": {"auroc": (0.5, 0.7)}, "B": {"auroc": (0.25,)}}
    rows = [Row("flu", "isolate", "random", scores), Row("flu", "sequence", "other", scores)]
    assert markdown(rows, "auroc", {"random": 0.975}).splitlines() == [
        "| data | split | negatives | A | B | target |",
        "|:--|:--|:--|--:|--:|--:|",
        "| flu | isolate | random | 0.600 ± 0.141 | 0.250 | 0.975 |",
        "| flu | sequence | other | 0.600 ± 0.141 | 0.250 |  |",
    ]
    assert "target" not in markdown(rows, "auroc", {})


def test_the_command_writes_what_it_shows(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "preset", lambda _: replace(FEW, drift=0.2))
    file = tmp_path / "table.md"
    assert command.run(["variable", "--seeds", "1", "--targets", "--output", str(file)]) == 0
    shown = capsys.readouterr()
    assert shown.out == file.read_text()
    assert shown.out.count("| generated, variable |") == 8  # two metrics, four rows
    assert "0.912" in shown.out
    assert "sequence split, negatives random" in shown.err


@pytest.mark.parametrize("text", ["nowhere", "flu=nowhere:HA,NA"])
def test_a_folder_that_is_none_is_told(text, capsys):
    assert command.run([text]) == 2
    assert "nowhere is no folder" in capsys.readouterr().err
