"""What ``--data`` may name, what it is told when it names something else, and influenza itself.

Tests on real data run where the environment variable WINNOW_DATA names a folder with `influenza/`.
"""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from search.errors import DataError
from trainables.esm2_pair import real_data
from trainables.esm2_pair.config import Esm2PairConfig
from trainables.esm2_pair.data_config import DataConfig
from trainables.esm2_pair.dipeptides import Dipeptides
from trainables.esm2_pair.inputs import splits_of
from trainables.esm2_pair.leakage import proteins
from trainables.esm2_pair.pairing import NegativesConfig, positives
from trainables.esm2_pair.real_data import (
    default_cache,
    default_embedder,
    load_isolates,
    load_polymerase,
)
from trainables.esm2_pair.reference import concatenation, difference
from trainables.esm2_pair.trainable import Esm2Pair

PROTEINS = pd.DataFrame(
    [
        ("A/Oslo/1/2010", "HA", "H1", "2010-03-01", "MKTAYIAKQR"),
        ("A/Oslo/1/2010", "NA", "H1", "2010-03-01", "MNPNQKIITI"),
        ("A/Rome/7/2011", "HA", "H1", "2011", "MKTAYIAKQR"),
        ("A/Rome/7/2011", "NA", "H1", "2011", "MNPNQKIITV"),
        ("A/Rome/8/2011", "NA", "H1", None, "MNPNQKIITV"),
        ("A/Oslo/1/2010", "HA", "H3", "2010-04-02", "MKTIIALSYI"),
        ("A/Oslo/1/2010", "NA", "H3", "2010-04-02", "MNPNQKIITI"),
        ("A/Oslo/1/2010", "NP", "H3", "2010-04-02", "MASQGTKRSY"),
    ],
    columns=["isolate", "segment", "lineage", "date", "sequence"],
)


def write_table(folder):
    PROTEINS.to_parquet(folder / "flu_proteins.parquet")


def write_csv(folder):
    PROTEINS.to_csv(folder / "proteins.csv", index=False)


def write_fasta(folder):
    for segment, rows in PROTEINS.groupby("segment"):
        records = [
            f">{row.isolate}|lineage={row.lineage}"
            + (f"|date={row.date}" if isinstance(row.date, str) else "")
            + f"\n{row.sequence}\n"
            for row in rows.itertuples()
        ]
        (folder / f"{segment}.fasta").write_text("".join(records))


def write_wide(folder):
    """Write a row for each isolate, and a column for each protein."""
    keys = ["isolate", "lineage"]
    sequences = PROTEINS.pivot(index=keys, columns="segment", values="sequence")
    dates = PROTEINS.drop_duplicates(keys).set_index(keys)["date"]
    wide = sequences.add_suffix("_sequence").join(dates).reset_index()
    wide.to_csv(folder / "proteins.csv", index=False)


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def test_without_a_path_isolates_are_generated():
    assert load_isolates(None) is None


@pytest.mark.parametrize("write", [write_table, write_csv, write_fasta, write_wide])
def test_a_folder_of_any_layout_is_read(folder, cache, write):
    write(folder)
    found = load_isolates(folder, cache=cache)
    assert (found.slots, found.fields) == (("HA", "NA"), ("place", "year", "month"))
    assert len(found) == 3  # one has one protein only
    assert found.lineage.tolist() == [0, 0, 1]
    assert found.metadata.tolist() == [[0, 0, 0], [1, 1, -1], [0, 0, 1]]
    one, two, three = found.protein.tolist()
    assert one[0] == two[0] != three[0]  # by sequence
    assert one[1] == three[1] != two[1]
    expected = Dipeptides(8).embed(["MKTAYIAKQR", "MNPNQKIITI"]).astype(np.float16)
    np.testing.assert_array_equal(found.embeddings[one], expected)
    assert found.embeddings.shape == (4, 8, 408)


def bunya(rng, residues=120, n=60):
    """Return isolates of a virus of three segments; each has drifted from one of three lineages."""
    letters = np.array(list("ACDEFGHIKLMNPQRSTVWY"))
    ancestors = rng.integers(20, size=(3, 3, residues))
    rows = []
    for number in range(n):
        lineage = number % 3
        text = ancestors[lineage].copy()
        text[:, rng.integers(residues, size=12)] = rng.integers(20, size=12)
        names = zip(("L", "M", "S"), text, strict=True)
        sequences = {f"{slot}_sequence": "".join(letters[one]) for slot, one in names}
        rows.append({"isolate": f"B{number}", "lineage": f"clade {lineage}", **sequences})
    return pd.DataFrame(rows)


@pytest.mark.parametrize("layout", ["wide", "long", "fasta"])
def test_another_family_of_viruses_has_segments_of_its_own(layout, folder, cache):
    table = bunya(np.random.default_rng(0))
    if layout == "wide":
        table.to_parquet(folder / "bunya_proteins.parquet")
    elif layout == "long":
        long = table.melt(["isolate", "lineage"], var_name="segment", value_name="sequence")
        long["segment"] = long["segment"].str.removesuffix("_sequence")
        long.to_parquet(folder / "bunya_proteins.parquet")
    else:
        for slot in "LMS":
            rows = zip(table["isolate"], table["lineage"], table[f"{slot}_sequence"], strict=True)
            text = "".join(f">{name}|lineage={of}\n{residues}\n" for name, of, residues in rows)
            (folder / f"{slot}.fasta").write_text(text)
    found = load_isolates(folder, cache=cache)
    assert (found.slots, len(found), len(found.embeddings)) == (("L", "M", "S"), 60, 180)
    assert len(positives(found, np.arange(60))) == 3 * 60  # L-M, L-S, M-S
    first = Dipeptides(8).embed([table.sort_values("isolate").iloc[0]["M_sequence"]])
    np.testing.assert_array_equal(found.embeddings[found.protein[0, 1]], first[0].astype("f2"))
    run = Esm2Pair(Esm2PairConfig(), seed=0, max_steps=1, data=found)
    assert 0 <= run.step()["test_auroc"] <= 1


def test_a_wide_table_says_what_it_cannot_read(folder, cache):
    table = bunya(np.random.default_rng(0), n=4)
    table.loc[2, "S_sequence"] = "MK*TA"
    table.to_parquet(folder / "proteins.parquet")
    with pytest.raises(DataError, match=r"column S_sequence, row 3: '\*' \(stop\) within"):
        load_isolates(folder, cache=cache)
    table.drop(columns="lineage").to_parquet(folder / "proteins.parquet")
    with pytest.raises(DataError, match="needs the column 'lineage'"):
        load_isolates(folder, cache=cache)


def test_the_polymerase_is_three_proteins(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("WINNOW_CACHE", str(tmp_path / "cache"))
    table = bunya(np.random.default_rng(0), n=6)
    names = {
        "L_sequence": "PB2_sequence",
        "M_sequence": "PB1_sequence",
        "S_sequence": "PA_sequence",
    }
    table.rename(columns=names).to_parquet(folder / "proteins.parquet")
    assert load_polymerase(folder).slots == ("PB2", "PB1", "PA")
    assert load_polymerase(None) is None


def test_slots_may_be_named(folder, cache):
    write_table(folder)
    found = load_isolates(folder, slots=("NP", "HA", "NA"), cache=cache)
    assert found.slots == ("NP", "HA", "NA")
    assert (found.protein == -1).sum(axis=1).tolist() == [1, 1, 0]
    assert len(positives(found, np.arange(3))) == 5


def test_metadata_of_fasta_headers_count(folder, cache):
    for slot, sequence in (("E", "MKTAYI"), ("M", "MNPNQK")):
        text = f">a|host=bat\n{sequence}\n>b|host=man|year=4\n{sequence}A\n>c\n{sequence}C\n"
        (folder / f"{slot}.fa").write_text(text)
    found = load_isolates(folder, embedder=Dipeptides(), cache=cache)
    assert (found.slots, found.fields) == (("E", "M"), ("host", "year"))
    assert found.metadata.tolist() == [[0, -1], [1, 0], [-1, -1]]
    assert found.lineage.tolist() == [0, 0, 0]
    assert found.embeddings.shape == (6, 1, 408)


def test_embeddings_are_made_once_and_mapped(folder, cache):
    write_table(folder)
    first = load_isolates(folder, cache=cache)
    state = {path: path.stat().st_mtime_ns for path in cache.iterdir() if path.suffix != ".lock"}
    second = load_isolates(folder, cache=cache)
    assert second.embeddings is first.embeddings
    assert isinstance(first.embeddings, np.memmap)
    assert {path: path.stat().st_mtime_ns for path in state} == state
    np.testing.assert_array_equal(first.cluster, second.cluster)
    assert sorted(path.name for path in folder.iterdir()) == ["flu_proteins.parquet"]


def test_the_cache_may_be_named_by_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("WINNOW_CACHE", str(tmp_path / "here"))
    assert default_cache() == tmp_path / "here"
    monkeypatch.delenv("WINNOW_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_cache() == tmp_path / ".cache" / "winnow"


def test_weights_may_be_named_by_the_environment(monkeypatch, tmp_path, folder):
    monkeypatch.delenv("WINNOW_ESM2", raising=False)
    assert default_embedder() == Dipeptides(8)
    asked = []
    monkeypatch.setattr(real_data, "load_esm2", lambda path, **how: asked.append((path, how)))
    monkeypatch.setenv("WINNOW_ESM2", str(tmp_path / "esm2_t6_8M_UR50D"))
    default_embedder()
    default_embedder(tokens=1)
    assert {path.name for path, _ in asked} == {"esm2_t6_8M_UR50D"}
    assert [(how["pooling"], how["tokens"]) for _, how in asked] == [("chunks", 8), ("mean", 1)]
    monkeypatch.undo()
    monkeypatch.setenv("WINNOW_ESM2", str(tmp_path / "esm2_t6_8M_UR50D"))
    write_table(folder)
    with pytest.raises(DataError, match="esm2_t6_8M_UR50D is not there: get the folder"):
        load_isolates(folder, cache=tmp_path / "cache")


def test_embedding_that_takes_long_says_how_far_it_is(folder, cache, monkeypatch, caplog):
    monkeypatch.setattr(real_data, "EVERY_S", 0.0)
    write_table(folder)
    load_isolates(folder, cache=cache)
    assert "4 of 4 sequences are embedded" in caplog.text


def test_what_is_expected_is_told(folder, cache):
    with pytest.raises(DataError, match=r"HA\.fasta.*it holds nothing"):
        load_isolates(folder, cache=cache)
    (folder / "notes.txt").touch()
    with pytest.raises(DataError, match=r"columns isolate, segment.*it holds notes\.txt"):
        load_isolates(folder, cache=cache)
    with pytest.raises(DataError, match="is no folder"):
        load_isolates(folder / "notes.txt", cache=cache)


def test_what_does_not_fit_is_told(folder, cache):
    (folder / "HA.fasta").write_text(">a\nMK\n")
    with pytest.raises(DataError, match="two different proteins or more, got HA"):
        load_isolates(folder, cache=cache)
    (folder / "NA.fasta").write_text(">b\nMK\n")
    with pytest.raises(DataError, match="no isolate with two of HA, NA"):
        load_isolates(folder, cache=cache)
    with pytest.raises(DataError, match="has no protein NP; it has HA, NA"):
        load_isolates(folder, slots=("HA", "NP"), cache=cache)
    (folder / "NA.fasta").write_text(">b|human\nMK\n")
    with pytest.raises(DataError, match=r"must be isolate\|name=value\|…, got 'human'"):
        load_isolates(folder, cache=cache)


@pytest.fixture(scope="session")
def real():
    folder = os.environ.get("WINNOW_DATA")
    if folder is None:
        pytest.skip("WINNOW_DATA does not name a folder that holds influenza/")
    return Path(folder) / "influenza"


@pytest.fixture(scope="session")
def influenza(real, tmp_path_factory):
    return load_isolates(real, cache=tmp_path_factory.mktemp("cache"))


def test_influenza_is_complete(real, influenza):
    assert len(influenza) == 4472
    assert np.bincount(influenza.lineage).tolist() == [1880, 2592]  # H1N1pdm, H3N2
    published = pd.read_parquet(real / "flu_ha_na_isolates.parquet")
    pairs = published[["ha_md5", "na_md5"]].drop_duplicates()
    assert len(positives(influenza, np.arange(4472))) == len(pairs)
    for slot, column in enumerate(("ha_md5", "na_md5")):
        assert len(np.unique(influenza.protein[:, slot])) == published[column].nunique()
    assert len(influenza.embeddings) == len(
        set(published["ha_md5"].astype(str)) | set(published["na_md5"].astype(str))
    )


@pytest.mark.parametrize("mode", ["sequence", "cluster"])
def test_splits_of_influenza_share_nothing(influenza, mode):
    splits = splits_of(DataConfig(split=mode), influenza, seed=0)
    sets = [set(proteins(p).tolist()) for p in (splits.train, splits.validation, splits.test)]
    assert len(set().union(*sets)) == sum(map(len, sets))
    assert len(splits.train) > 4000
    assert splits.leakage["test_shared_clusters"] == 0 or mode == "sequence"
    assert splits.leakage.get("all_dropped_isolates", 0) < 0.2


def test_comparing_tells_isolates_of_influenza_apart_and_either_protein_does_not(influenza):
    hard = NegativesConfig("within_lineage", 1.0, 1.0)
    config = Esm2PairConfig(data=DataConfig(split="sequence", negatives=hard, held_out=hard))
    assert concatenation(0, config=config, data=influenza)["test_auroc"] < 0.56
    assert difference(0, config=config, data=influenza)["test_auroc"] > 0.72
