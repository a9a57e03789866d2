"""``winnow rollup``."""

import json


def test_studies_of_several_databases_stand_in_one_table(winnow, study_file):
    options = ("--looks", "3", "--tuning", "none", "--engine", "local")
    for place in ("a", "b"):
        winnow("run", study_file, *options, "--storage", f"sqlite:///{place}.db")
        study_file.write_text(study_file.read_text().replace('name="toy"', 'name="toy-b"'))
    both = ("--storage", "sqlite:///a.db", "--storage", "sqlite:///b.db")
    assert "Focal loss (2 of 2 adopted)" in winnow("rollup", *both, "--format", "markdown").out
    found = json.loads(winnow("rollup", *both, "--format", "json", "--by", "name").out)
    assert found["studies"] == ["toy", "toy-b"]
    alone = json.loads(winnow("rollup", "toy", *both, "--format", "json").out)
    assert alone["studies"] == ["toy"]
    assert "did you mean 'toy'" in winnow("rollup", "tou", *both).err
    assert "did you mean 'name'" in winnow("rollup", *both, "--by", "nam").err
