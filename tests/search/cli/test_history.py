"""The steps of all runs as CSV."""

import pandas as pd

LOCAL = ("--engine", "local")


def test_every_step_of_every_run_is_a_line(winnow, study_file, tmp_path):
    winnow("search", study_file, "--trials", 3, "--confirm", 0, *LOCAL)
    winnow("run", study_file, "--looks", "3", "--tuning", "none", "--no-stack", *LOCAL)
    path = tmp_path / "new" / "history.csv"
    answer = winnow("report", "toy", "--history", path)
    assert answer.status == 0, answer.err
    found = pd.read_csv(path)
    assert list(found.columns) == [
        *("series", "trial", "arm", "seed", "outcome", "step"),
        *("test_ap", "val_ap"),
    ]
    measured = found[found["series"] == "toy/replicate"]
    assert set(measured["arm"]) == {"baseline", "Focal loss"}
    assert len(measured) == 2 * 3 * 9
    for _, run in measured.groupby("trial"):
        assert list(run["step"]) == list(range(1, 10))
        assert run["val_ap"].is_monotonic_increasing
        assert (run["val_ap"] - run["test_ap"]).round(9).eq(0.02).all()
    assert found.loc[found["series"] == "toy/search", "trial"].nunique() == 3


def test_a_study_that_is_not_there_writes_nothing(winnow, study_file, tmp_path):
    winnow("search", study_file, "--trials", 2, "--confirm", 0, *LOCAL)
    path = tmp_path / "history.csv"
    assert winnow("report", "tony", "--history", path).status != 0
    assert not path.exists()
