"""NHANES: files as the survey publishes them, who is depressed, and what is left out."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.errors import DataError
from tests.trainables.pat.xport import write_xport
from trainables.pat.nhanes import ITEMS, load_nhanes, phq9_labels, questionnaire
from trainables.pat.real_data import load_actigraphy
from trainables.pat.windows import DAY, cut


def minutes_of(person: int, days: float = 1, *, first: int = 0, stat: int = 1, cal: int = 1):
    """Rows of one person; the first one at minute `first` of a day."""
    n = int(days * DAY)
    clock = (first + np.arange(n)) % DAY
    return pd.DataFrame(
        {
            "SEQN": person,
            "PAXSTAT": stat,
            "PAXCAL": cal,
            "PAXDAY": 1 + (first + np.arange(n)) // DAY,
            "PAXN": 1 + np.arange(n),
            "PAXHOUR": clock // 60,
            "PAXMINUT": clock % 60,
            "PAXINTEN": np.random.default_rng(person).integers(0, 20_000, n)
            * (np.arange(n) % 3 > 0),
        }
    )


def answers(*rows: tuple[int, list[float]]) -> pd.DataFrame:
    table = pd.DataFrame([[person, *items] for person, items in rows], columns=["SEQN", *ITEMS])
    return table.assign(DPQ100=1.0)


DEPRESSED, WELL, OPEN = [2, 2, 2, 2, 2, 0, 0, 0, 0], [1] * 9, [1, 1, 1, 1, 1, 1, 1, 1, 9]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_xport(tmp_path / "PAXRAW_C.XPT", minutes_of(21005))
    people = [minutes_of(31128), minutes_of(31129), minutes_of(31130), minutes_of(31131, stat=2)]
    write_xport(tmp_path / "paxraw_d.xpt", pd.concat(people))
    rows = answers((31128, DEPRESSED), (31129, WELL), (31130, OPEN), (31131, DEPRESSED))
    write_xport(tmp_path / "DPQ_D.xpt", rows)
    return tmp_path


def test_a_folder_gives_every_reliable_person(folder: Path) -> None:
    raw = load_nhanes(folder)
    assert raw.participant.tolist() == [21005, 31128, 31129, 31130]
    assert raw.label.tolist() == [-1, 1, 0, -1]
    assert raw.dropped == {"unreliable_participants": 1, "duplicate_minutes": 0}
    for i, person in enumerate(raw.participant):
        rows = slice(raw.first[i], raw.first[i + 1])
        expected = minutes_of(int(person))
        np.testing.assert_array_equal(raw.activity[rows], expected["PAXINTEN"])
        np.testing.assert_array_equal(raw.minute[rows], np.arange(DAY))


def test_zeros_are_zeros(folder: Path) -> None:
    """pandas reads IBM zeros as 5e-79, which the non-wear rule would take for movement."""
    frame = pd.read_sas(folder / "PAXRAW_C.XPT", format="xport", encoding="latin-1")
    assert frame["PAXINTEN"].min() < 1.0
    assert (load_nhanes(folder).activity == 0).sum() >= 4 * DAY // 3


def test_the_loader_of_studies_finds_the_folder(folder: Path) -> None:
    raw = load_actigraphy(folder)
    assert raw is not None
    assert len(raw) == 4


def test_windows_begin_at_midnight_whenever_the_device_started(tmp_path: Path) -> None:
    write_xport(tmp_path / "PAXRAW_D.xpt", minutes_of(5, 2.5, first=22 * 60))
    windows, dropped = cut(load_nhanes(tmp_path), 2)
    counts = minutes_of(5, 2.5, first=22 * 60)["PAXINTEN"].to_numpy()
    np.testing.assert_array_equal(windows.activity[0], counts[120 : 120 + 2 * DAY])
    assert dropped["incomplete_days"] == 2


@pytest.mark.parametrize("changes", [{"cal": 2}, {"stat": 2}, {"cal": 9}])
def test_people_with_doubtful_devices_are_left_out(tmp_path: Path, changes: dict) -> None:
    people = pd.concat([minutes_of(1, **changes), minutes_of(2)])
    write_xport(tmp_path / "PAXRAW_D.xpt", people)
    raw = load_nhanes(tmp_path)
    assert raw.participant.tolist() == [2]
    assert raw.dropped["unreliable_participants"] == 1


def test_people_whose_clock_jumps_are_left_out(tmp_path: Path) -> None:
    jumping = minutes_of(1)
    jumping.loc[700:, "PAXHOUR"] = (jumping["PAXHOUR"] + 1) % 24
    write_xport(tmp_path / "PAXRAW_D.xpt", pd.concat([jumping, minutes_of(2, first=60)]))
    assert load_nhanes(tmp_path).participant.tolist() == [2]


def test_a_file_lacks_columns_or_values(tmp_path: Path) -> None:
    file = tmp_path / "PAXRAW_D.xpt"
    write_xport(file, minutes_of(1).drop(columns=["PAXN", "PAXCAL"]))
    with pytest.raises(DataError, match=r"lacks PAXCAL, PAXN; it has SEQN, PAXSTAT, PAXDAY"):
        load_nhanes(tmp_path)
    broken = minutes_of(1).astype(float)
    broken.loc[3, "PAXINTEN"] = np.nan
    write_xport(file, broken)
    with pytest.raises(DataError, match="rows of minutes lack values"):
        load_nhanes(tmp_path)
    file.write_text("SEQN,PAXINTEN\n1,2\n")
    with pytest.raises(DataError, match=r"PAXRAW_D\.xpt is not a SAS transport file"):
        load_nhanes(tmp_path)


def test_later_years_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "PAXMIN_G.xpt").write_bytes(b"")
    with pytest.raises(DataError, match=r"later ones \(PAXMIN\) hold acceleration, not counts"):
        load_nhanes(tmp_path)


def test_a_questionnaire_lacks_an_item(tmp_path: Path) -> None:
    file = tmp_path / "DPQ_D.xpt"
    write_xport(file, answers((1, WELL)).drop(columns="DPQ040"))
    with pytest.raises(DataError, match=r"DPQ_D.xpt lacks DPQ040"):
        questionnaire(file)


def test_blanks_and_refusals_are_missing(tmp_path: Path) -> None:
    file = tmp_path / "DPQ_D.xpt"
    rows = answers(
        (1, [np.nan] * 9),  # never asked
        (2, [3, 3, 3, 3, 7, 7, 9, 9, np.nan]),  # 12 whatever is missing
        (3, [0, 0, 0, 0, 0, 0, 7, 9, np.nan]),  # 9 at most
        (4, [0, 0, 0, 0, 0, 1, 7, 9, np.nan]),  # 10 is possible
    )
    write_xport(file, rows)
    assert questionnaire(file) == {1: -1, 2: 1, 3: 0, 4: -1}


@given(st.lists(st.sampled_from([0.0, 1.0, 2.0, 3.0, 7.0, 9.0, np.nan]), min_size=9, max_size=9))
def test_a_label_is_what_every_answer_to_the_missing_items_gives(items: list[float]) -> None:
    known = [item for item in items if item in (0, 1, 2, 3)]
    missing = 9 - len(known)
    outcomes = {sum(known) + extra >= 10 for extra in range(3 * missing + 1)}
    expected = -1 if len(outcomes) == 2 else int(outcomes.pop())
    assert phq9_labels(np.array([items])).tolist() == [expected]
