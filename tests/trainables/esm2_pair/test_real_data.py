"""What ``--data`` may name, what it is told when it names something else, and influenza itself.

Tests on real data run where the environment variable WINNOW_DATA names a folder with `influenza/`.
"""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from search.errors import DataError
from trainables.esm2_pair.config import Esm2PairConfig
from trainables.esm2_pair.data_config import DataConfig
from trainables.esm2_pair.dipeptides import Dipeptides
from trainables.esm2_pair.inputs import splits_of
from trainables.esm2_pair.leakage import proteins
from trainables.esm2_pair.pairing import NegativesConfig, positives
from trainables.esm2_pair.real_data import default_cache, load_isolates
from trainables.esm2_pair.reference import concatenation, difference

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


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def test_without_a_path_isolates_are_generated():
    assert load_isolates(None) is None


@pytest.mark.parametrize("write", [write_table, write_csv, write_fasta])
def test_a_folder_of_either_layout_is_read(folder, cache, write):
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
