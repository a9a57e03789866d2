"""A reference line is measured on the splits that its study gives the system."""

from dataclasses import dataclass

from trainables.techniques.reference_lines import Given, on_splits


@dataclass(frozen=True)
class Data:
    size: int = 2


@dataclass(frozen=True)
class Config:
    data: Data = Data()


def splits_of(config, data, *, seed, sampling):
    return (config.size, data, seed, sampling.replication, sampling.split_seed)


@on_splits(splits_of, Config())
def line(given: Given) -> dict[str, object]:
    """Say what is given."""
    return {"splits": given.splits, "size": given.config.data.size, "seed": given.seed}


def test_a_line_is_measured_on_the_splits_of_its_seed():
    assert line(3) == {"splits": (2, None, 3, "fresh", 0), "size": 2, "seed": 3}


def test_everything_that_draws_the_splits_reaches_them():
    said = line(3, config=Config(Data(5)), data="rows", split_seed=7, replication="resplit")
    assert said == {"splits": (5, "rows", 3, "resplit", 7), "size": 5, "seed": 3}


def test_a_line_says_of_itself_what_its_function_says():
    assert line.__doc__ == "Say what is given."
