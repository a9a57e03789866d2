"""The generator obeys the formulas, and every cause does what it says and nothing else."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from search.errors import SpaceError
from trainables.pi_tft import physics
from trainables.pi_tft.archive import to_frame
from trainables.pi_tft.columns import COLUMNS
from trainables.pi_tft.conjunctions import MAX_MESSAGES, Conjunctions, draw, generate
from trainables.pi_tft.generator import CAUSES, GeneratorConfig, preset, without

Floats = NDArray[np.float64]

SMALL = GeneratorConfig(n_train=400, n_validation=100, n_test=300)


def many(config: GeneratorConfig, *, seed: int = 0, size: int = 12_000) -> Conjunctions:
    return draw(config, size, role="test", rng=np.random.default_rng(seed))


def high_risk(drawn: Conjunctions) -> NDArray[np.bool_]:
    return np.asarray(drawn.messages["risk"][:, -1] >= physics.HIGH_RISK)


def latest(drawn: Conjunctions, rows: NDArray[np.bool_], column: str) -> Floats:
    """Value of a column at the last message of each event that `rows` marks."""
    inputs = drawn.present & (drawn.messages["time_to_tca"] >= 2.0) & rows
    position = np.where(inputs, np.arange(MAX_MESSAGES), -1).max(axis=1)
    return np.asarray(drawn.messages[column][np.arange(len(position)), position])


def test_the_same_seed_gives_the_same_events_whatever_the_global_state() -> None:
    np.random.seed(1)  # noqa: NPY002  the point is that global state does not matter
    first = generate(SMALL, seed=3)
    np.random.seed(2)  # noqa: NPY002  likewise
    second = generate(SMALL, seed=3)
    for role, drawn in first.items():
        for name, values in drawn.messages.items():
            np.testing.assert_array_equal(values, second[role].messages[name])
    other = generate(SMALL, seed=4)
    assert not np.array_equal(first["test"].messages["risk"], other["test"].messages["risk"])


def test_a_split_does_not_depend_on_the_size_of_another() -> None:
    first = generate(SMALL, seed=3)["test"]
    second = generate(replace(SMALL, n_train=7), seed=3)["test"]
    np.testing.assert_array_equal(first.messages["risk"], second.messages["risk"])


def test_event_numbers_never_repeat() -> None:
    drawn = generate(SMALL, seed=0)
    numbers = np.concatenate([split.event_id for split in drawn.values()])
    assert len(np.unique(numbers)) == 800


def test_messages_follow_the_schedule() -> None:
    drawn = many(SMALL, size=2000)
    days, present = drawn.messages["time_to_tca"], drawn.present
    count = present.sum(axis=1)
    assert count.min() == 4
    assert count.max() == MAX_MESSAGES
    assert np.all(present[:, -1])
    both = present[:, 1:] & present[:, :-1]
    assert np.all(np.diff(days, axis=1)[both] <= 0)
    assert np.all(days[:, -1] < 1.0)
    assert np.all(days[:, -1] >= 0.05)
    assert np.all(np.where(present, days, 0.0).max(axis=1) >= 2.2)
    assert days.max() <= 7.0


@pytest.mark.parametrize("name", ["default", "null"])
def test_every_row_obeys_the_formulas(name: str) -> None:
    frame = to_frame(many(preset(name), size=500))
    mahalanobis = physics.mahalanobis_from_scaling(frame["max_risk_scaling"])
    risk = physics.risk_from_maximum(frame["max_risk_estimate"], mahalanobis)
    np.testing.assert_allclose(frame["risk"], risk, atol=1e-9)
    assert np.all(frame["risk"] <= frame["max_risk_estimate"] + 1e-12)
    assert np.all(frame["mahalanobis_distance"] >= mahalanobis * (1 - 1e-9))
    position = frame[[f"relative_position_{axis}" for axis in "rtn"]].to_numpy()
    velocity = frame[[f"relative_velocity_{axis}" for axis in "rtn"]].to_numpy()
    np.testing.assert_allclose(frame["miss_distance"], np.linalg.norm(position, axis=1))
    np.testing.assert_allclose(frame["relative_speed"], np.linalg.norm(velocity, axis=1))
    product = np.sum(position * velocity, axis=1)
    scale = frame["miss_distance"] * frame["relative_speed"]
    np.testing.assert_allclose(product / scale, 0.0, atol=1e-12)


def test_risk_matches_the_three_dimensional_geometry() -> None:
    """Rebuild the encounter from the frame alone: turn the chaser's axes, project, integrate."""
    config = without(GeneratorConfig(), "missing_covariance")
    frame = to_frame(many(config, size=400))
    position, velocity = (
        frame[[f"relative_{what}_{axis}" for axis in "rtn"]].to_numpy()
        for what in ("position", "velocity")
    )
    own = np.tile([0.0, 7500.0, 0.0], (len(frame), 1))
    chaser = physics.rtn_axes(np.tile([1.0, 0.0, 0.0], (len(frame), 1)), own + velocity)
    covariance = np.zeros((len(frame), 3, 3))
    for owner, axes in (("t", np.eye(3)), ("c", chaser)):
        sigma = frame[[f"{owner}_sigma_{axis}" for axis in "rtn"]].to_numpy()
        covariance += axes @ (np.square(sigma)[:, :, None] * np.eye(3)) @ np.swapaxes(axes, -1, -2)
    sigma_x, sigma_y, mahalanobis = physics.encounter_plane(position, velocity, covariance)
    np.testing.assert_allclose(np.square(mahalanobis) / 2.0, frame["max_risk_scaling"], rtol=1e-6)
    radius = physics.combined_radius(frame["t_span"], frame["c_span"])
    maximum = np.log10(physics.maximum_collision_probability(radius, sigma_x, sigma_y, mahalanobis))
    np.testing.assert_allclose(np.minimum(maximum, 0.0), frame["max_risk_estimate"], atol=1e-6)
    cubic = np.einsum("ni,nij,nj->n", position, np.linalg.inv(covariance), position)
    np.testing.assert_allclose(np.sqrt(cubic), frame["mahalanobis_distance"], rtol=1e-6)


def test_the_frame_has_the_official_columns_and_one_row_per_message() -> None:
    drawn = many(SMALL, size=50)
    frame = to_frame(drawn)
    assert tuple(frame.columns) == COLUMNS
    assert len(frame) == drawn.present.sum()
    sigmas = frame["t_sigma_r"] * frame["t_sigma_t"] * frame["t_sigma_n"]
    np.testing.assert_allclose(frame["t_position_covariance_det"], sigmas**2)


def test_presets_have_their_prevalence() -> None:
    assert 0.02 <= high_risk(many(preset("default"), size=30_000)).mean() <= 0.04
    assert 0.4 <= high_risk(many(preset("null"))).mean() <= 0.6


def test_imbalance_alone_moves_the_prevalence() -> None:
    assert high_risk(many(without(preset("default"), "imbalance"))).mean() > 0.4


def test_the_last_od_jump_is_the_informative_message() -> None:
    """Cause on: the last fresh OD predicts far better than the last row. Off: they agree."""
    for config, least in ((preset("default"), 0.12), (preset("null"), 0.0)):
        drawn = many(config, seed=5)
        everything = np.ones_like(drawn.present)
        fresh = drawn.messages["c_time_lastob_end"] == 0.0
        last_row, jump = (latest(drawn, rows, "risk") for rows in (everything, fresh))
        gain = average_precision_score(high_risk(drawn), jump) - average_precision_score(
            high_risk(drawn), last_row
        )
        assert gain >= least
        assert (gain == 0.0) == (least == 0.0)


def test_a_new_od_makes_older_ones_redundant() -> None:
    """Estimates have independent increments of the announced variance."""
    drawn = many(replace(preset("null"), od_update_probability=1.0), size=4000)
    y = drawn.messages["relative_position_r"]
    variance = np.square(np.hypot(drawn.messages["t_sigma_r"], drawn.messages["c_sigma_r"]))
    lost = -np.diff(variance, axis=1)
    real = drawn.present[:, 1:] & drawn.present[:, :-1] & (lost > 1e-6 * variance[:, 1:])
    steps = np.full(lost.shape, np.nan)
    steps[real] = np.diff(y, axis=1)[real] / np.sqrt(lost[real])
    assert np.nanstd(steps) == pytest.approx(1.0, abs=0.01)
    successive = real[:, 1:] & real[:, :-1]
    correlation = np.corrcoef(steps[:, 1:][successive], steps[:, :-1][successive])[0, 1]
    assert abs(correlation) < 0.02


def test_without_od_jumps_every_input_says_the_same() -> None:
    drawn = many(preset("null"), size=500)
    inputs = drawn.present[:, :-1]
    for column in ("risk", "miss_distance", "c_sigma_t", "c_obs_used"):
        values = np.where(inputs, drawn.messages[column][:, :-1], np.nan)
        np.testing.assert_array_equal(np.nanmin(values, axis=1), np.nanmax(values, axis=1))


def test_stale_messages_repeat_their_od() -> None:
    drawn = many(without(preset("default"), "missing_covariance"), size=300)
    stale = drawn.present & (drawn.messages["c_time_lastob_end"] > 0.0)
    assert 0.4 < stale.sum() / drawn.present.sum() < 0.7
    for column in ("c_sigma_t", "t_sigma_n", "c_obs_used"):
        values = drawn.messages[column]
        np.testing.assert_array_equal(values[:, 1:][stale[:, 1:]], values[:, :-1][stale[:, 1:]])


def test_covariance_realism_misreports_the_chaser_only() -> None:
    on = without(preset("default"), *(set(CAUSES) - {"covariance_realism"}))
    honest, reported = (many(config, size=5000) for config in (preset("null"), on))
    factor = np.log(reported.messages["c_sigma_t"] / honest.messages["c_sigma_t"])
    assert factor[honest.present].std() == pytest.approx(0.35, rel=0.05)
    np.testing.assert_array_equal(reported.messages["t_sigma_t"], honest.messages["t_sigma_t"])


def test_missing_covariance_blanks_whole_blocks() -> None:
    drawn = many(preset("default"), size=3000)
    absent = np.isnan(drawn.messages["c_sigma_r"])
    assert absent[drawn.present].mean() == pytest.approx(0.05, abs=0.005)
    np.testing.assert_array_equal(absent, np.isnan(drawn.messages["c_sigma_t"]))
    assert not np.isnan(drawn.messages["risk"]).any()
    for name, values in many(without(preset("default"), "missing_covariance")).messages.items():
        assert not np.isnan(values).any(), name


def test_mission_bias_moves_the_inputs_of_one_held_out_mission() -> None:
    config = GeneratorConfig(n_train=500, n_validation=300, n_test=1000)
    biased = generate(config, seed=2)
    fair = generate(replace(config, mission_bias=0.0), seed=2)
    for role in ("train", "validation"):
        assert biased[role].events["mission_id"].max() == 11.0
    held_out = biased["test"].events["mission_id"] == 12.0
    assert held_out.mean() == pytest.approx(0.15, abs=0.03)
    moved = biased["test"].messages["miss_distance"] != fair["test"].messages["miss_distance"]
    assert not moved[:, -1].any()  # the label is honest
    assert not moved[~held_out].any()
    assert (moved & biased["test"].present)[held_out].any(axis=1).all()


def test_label_noise_flips_train_labels_only() -> None:
    config = GeneratorConfig(n_train=8000, n_validation=300, n_test=300)
    noisy = generate(config, seed=1)
    clean = generate(without(config, "label_noise"), seed=1)
    flipped = high_risk(noisy["train"]) != high_risk(clean["train"])
    assert flipped.mean() == pytest.approx(0.05, abs=0.005)
    for role in ("validation", "test"):
        np.testing.assert_array_equal(noisy[role].messages["risk"], clean[role].messages["risk"])
    same = noisy["train"].messages["risk"][:, :-1] == clean["train"].messages["risk"][:, :-1]
    assert same.all()


def test_selection_truncates_train_events_only() -> None:
    drawn = generate(GeneratorConfig(n_train=3000, n_validation=300, n_test=300), seed=0)
    early = {role: split.messages["time_to_tca"][:, -1] >= 1.0 for role, split in drawn.items()}
    assert early["train"].mean() == pytest.approx(0.3, abs=0.03)
    assert not early["validation"].any()
    assert not early["test"].any()
    filtered = generate(without(SMALL, "selection"), seed=0)["train"]
    assert np.all(filtered.messages["time_to_tca"][:, -1] < 1.0)


def test_null_is_the_default_without_any_cause() -> None:
    assert preset("default") == GeneratorConfig()
    assert preset("null") == without(GeneratorConfig(), *CAUSES)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown preset 'hard'; the presets are default, null"):
        preset("hard")
    with pytest.raises(ValueError, match="unknown cause 'noise'; the causes are imbalance"):
        without(GeneratorConfig(), "noise")


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("n_train", 0, "data.generator.n_train must be 1 or more, got 0"),
        ("near_share", 1.5, r"data.generator.near_share must lie in \[0, 1\], got 1.5"),
        ("stale_noise", -1.0, "data.generator.stale_noise must be 0 or more, got -1.0"),
    ],
)
def test_impossible_settings_are_refused(field: str, value: float, message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        replace(GeneratorConfig(), **{field: value})  # type: ignore[arg-type]  # field by name


def test_every_impossible_setting_is_named() -> None:
    with pytest.raises(SpaceError) as refused:
        GeneratorConfig(n_train=0, label_noise=2.0, covariance_realism=-1.0)
    assert [problem.split(" must ")[0] for problem in refused.value.problems] == [
        "data.generator.n_train",
        "data.generator.label_noise",
        "data.generator.covariance_realism",
    ]
