"""What fixes a table and its claim: how it was registered, tuned and run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from search.reports.priority_result import PriorityReport
from search.reports.text import number, plural

GLOSSARY = (
    ("technique", "something that one may switch on"),
    ("baseline", "the configuration without any of the techniques"),
    ("effect", "mean difference to the baseline over paired seeds; positive is better"),
    ("interval", "holds at whichever planned look an arm stopped: all looks share its 95 %"),
    ("smallest gain", "delta, the smallest effect that is worth adopting a technique for"),
    ("adopt", "the effect is above 0, after correction for every look and every technique"),
    ("reject", "the effect is smaller than delta, whether real or not"),
    ("harmful", "the effect is below 0"),
    ("inconclusive", "the seeds ran out before it was settled: neither adopted nor rejected"),
    ("not separated", "neighbours whose rank intervals overlap: their order is not known"),
    ("unstable", "a gain, but too many of the runs failed"),
    ("no effect", "the metric is exactly the same on every seed"),
    ("shrunken effect", "the effect pulled towards 0, as far as it is uncertain; ranks use it"),
    ("q", "p-value that is valid although the table was looked at several times"),
    ("adjusted p", "q after Holm's correction over every technique ever registered"),
    ("look", "a number of seeds, fixed beforehand, at which verdicts may be given"),
    ("cost ratio", "wall time of a run over the baseline's on the same seed"),
    ("exploratory", "shown and not tested: unadjusted, no decision rests on it"),
)


REPLICATION = {
    "fresh": "A new seed draws new data, a new initialisation and a new order.",
    "fixed": "Every seed is scored on this one test set: the effects hold on this test set.",
    "resplit": "Every seed draws its held-out rows anew.",
}


KINDS = {"rerun": "deviation: rerun"}  # from what was registered


def claim_sentence(report: PriorityReport) -> str:
    """Return the same as a sentence, with what it leaves open."""
    trials = plural(report.tuning.trials, "trial")
    return {
        "none": "Every effect is measured at the stated settings: no arm was tuned, so a technique "
        "that needs another learning rate may be worth more than it shows here.",
        "once": f"Every effect holds for the selected configuration: each arm was tuned once, with "
        f"{trials}, and the luck of that one tuning is part of its effect. This table says nothing "
        "about the techniques at other configurations.",
        "per-seed": f"Every effect is of the technique, tuned: each arm was tuned anew for every "
        f"seed, with {trials} each.",
    }[report.tuning.mode]


def amendments(report: PriorityReport) -> list[str]:
    """Return how the registration changed, oldest first."""
    return [
        f"{KINDS.get(record.kind, record.kind)} {record.version}: "
        f"{record.reason or 'no reason stored'}"
        for record in report.registrations[1:]
    ]


def delta_words(report: PriorityReport) -> str:
    """Return the smallest gain, or the range of the techniques' own ones."""
    deltas = sorted({line.row.delta for line in report.lines if line.row.delta is not None})
    if not deltas:
        stated = report.specification["smallest_gain"]
        return "not known before the first look" if stated is None else number(stated)
    found = " to ".join(number(delta) for delta in dict.fromkeys((deltas[0], deltas[-1])))
    return f"{found}, {report.table.delta_origin}"


def tuning_sentence(report: PriorityReport) -> str:
    """Return how the arms were tuned, and what may not be read from it."""
    return (
        f"Tuned {_tuning(report)}, on {report.objective.metric}, at the same sample points for "
        "what arms share. Which technique is better is "
        "said by the table, not by this display."
    )


def determinism_line(report: PriorityReport) -> str:
    """Return how the determinism check ended."""
    aa = report.aa
    if aa.identical is None:
        return "not run yet"
    if aa.identical:
        return f"seed {aa.seed} run twice: identical in every metric of every step"
    most = (
        "the runs differ in length" if aa.largest is None else f"by up to {number(aa.largest, 3)}"
    )
    where = f" ({aa.metric} at step {aa.step})" if aa.metric else ""
    return f"seed {aa.seed} run twice: different, {most}{where}"


def card(report: PriorityReport) -> list[tuple[str, str]]:
    """Return what is needed to make the table again, as names and values."""
    spec, table, cost = report.specification, report.table, report.cost
    seeds = [str(seed) for seed in report.seeds]
    found: dict[str, Any] = {
        "Evaluation": f"{report.evaluation.direction} {report.evaluation.metric}, held-out, at the "
        f"{spec['score_at']} step of {spec['max_steps']}",
        "Objective of tuning": f"{report.objective.direction} {report.objective.metric}",
        "Replication": f"{spec['replication']}. {REPLICATION[spec['replication']]}",
        "Split seed": spec["split_seed"],
        "Smallest gain": delta_words(report),
        "Alpha": f"{spec['alpha']:g}, familywise",
        "Looks": f"{', '.join(map(str, spec['looks']))} seeds",
        "Techniques in K": f"{table.n_registered}: {', '.join(_tried(report))}",
        "Tuning": _tuning(report),
        "Claim": claim_sentence(report),
        "Training runs in the table": f"{report.runs_used:,}",
        "Baseline": "" if report.baseline_score is None else number(report.baseline_score),
        "Seed-to-seed sd": number(table.sigma_b, 3) if table.sigma_b else "",
        "Correlation over seeds": number(table.rho_hat, 2) if table.rho_hat is not None else "",
        "Sd of a paired difference": _sd(report),
        "Determinism": determinism_line(report),
        "Registration": f"version {report.registration.version}, hash {report.registration.hash}, "
        f"{datetime.fromtimestamp(report.registration.created, UTC):%Y-%m-%d %H:%M} UTC",
        "Amendments": "; ".join(amendments(report)),
        "Code": ", ".join(sorted(set(spec["code"].values()))),
        "Data": spec["data"] or "made by the trainable",
        "Seeds": f"{', '.join(seeds)} (drawn from {spec['seed']})",
        "Per run": _listed(cost.resources),
        "Git commit": cost.git_commit,
        "Machine": cost.machine,
        "Versions": _listed(cost.versions),
    }
    return [(name, str(value)) for name, value in found.items() if value not in (None, "")]


def _tried(report: PriorityReport) -> list[str]:
    names = [
        line.technique + (" (withdrawn)" if line.entry.get("withdrawn") else "")
        for line in report.lines
        if line.entry["status"] != "planned"
    ]
    again = int(report.specification["also_registered"])
    return names + ([f"{again} tried earlier and again"] if again else [])


def _tuning(report: PriorityReport) -> str:
    if report.tuning.mode == "none":
        return "none: every arm at its stated settings"
    often = {"once": "once per arm", "per-seed": "for every seed of every arm"}[report.tuning.mode]
    return f"{often}, {plural(report.tuning.trials, 'trial')} each, the baseline included"


def _sd(report: PriorityReport) -> str:
    sd, share = report.table.sd_difference, report.table.sd_over_sigma
    if sd is None:
        return ""
    return number(sd, 3) + (f", {number(share, 2)} of the seed-to-seed sd" if share else "")


def _listed(entry: Mapping[str, Any]) -> str:
    return ", ".join(f"{k} {v}" for k, v in entry.items() if v is not None)


CLAIMS = {
    "none": "at the stated settings",
    "once": "for the selected configuration",
    "per-seed": "for the technique, tuned",
}


def claim(report: PriorityReport) -> str:
    """Return what the effects are effects of, by tuning mode."""
    return CLAIMS[report.tuning.mode]
