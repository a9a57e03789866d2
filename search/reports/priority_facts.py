"""What a priority report says about the study as a whole, the same in every format."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from search.reports.priority_result import Line, PriorityReport
from search.reports.priority_words import change, fixed, interval_words
from search.reports.search_words import Fact
from search.reports.text import duration, number, percent, plural
from search.statistics import Detectable, Verdict

CLAIMS = {
    "none": "at the stated settings",
    "once": "for the selected configuration",
    "per-seed": "for the technique, tuned",
}
REPLICATION = {
    "fresh": "A new seed draws new data, a new initialisation and a new order.",
    "fixed": "Every seed is scored on this one test set: the effects hold on this test set.",
    "resplit": "Every seed draws its held-out rows anew.",
}
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


def claim(report: PriorityReport) -> str:
    """Return what the effects are effects of, by tuning mode."""
    return CLAIMS[report.tuning.mode]


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


def guarantee(report: PriorityReport) -> tuple[str, str]:
    """Return the guarantee against false adoptions in a few words, and in a note."""
    if report.table.refusal:
        return "none", "no test was made"
    if report.tuning.mode == "once":
        return "none", "tuned once: the luck of one tuning is not covered"
    share = percent(report.specification["alpha"])
    k = report.table.n_registered
    family = f"for all {plural(k, 'technique')} and looks together" if k > 1 else "at all looks"
    return f"≤ {share}", f"chance of any false adoption, {family}"


def headline(report: PriorityReport) -> str:
    """Return the result in one sentence."""
    if report.table.refusal:
        return f"No verdict: {report.table.refusal}."
    adopted = report.with_verdict(Verdict.ADOPT)
    total = plural(len(report.lines), "technique")
    names = ", ".join(
        f"{line.technique} ({change(line.row.effect, report.decimals)})" for line in adopted
    )
    found = f"{len(adopted)} of {total} adopted: {names}." if adopted else ""
    waiting = len(report.with_verdict(None))
    if report.provisional:
        undecided = f"{waiting} of {total} undecided"
        return f"Provisional: {undecided} {_so_far(report)}. {found}".strip()
    if not adopted:
        open_ = len(report.with_verdict(Verdict.INCONCLUSIVE))
        tail = f" {open_} of them inconclusive." if open_ else ""
        return f"None of {total} is adopted.{tail}"
    return f"{found[:-1]} in {report.evaluation.metric}, {claim(report)}."


def _so_far(report: PriorityReport) -> str:
    done = report.table.looks[-1].n_seeds if report.table.looks else 0
    last = max(report.specification["looks"])
    return (
        f"after {done} of {last} seeds" if done else f"before the first look, {last} seeds planned"
    )


def status(report: PriorityReport) -> str:
    """Return how far the study is."""
    if not report.provisional:
        return "Final"
    return f"Provisional, {_so_far(report)}: verdicts may still be given, effects will move"


def smallest(report: PriorityReport) -> tuple[str, str]:
    """Return the smallest effect that this design can see, in the metric's unit if known."""
    found = _last_look(report)
    if found is None:
        return "not known", ""
    in_sd = f"{number(found.in_sequence, 2)} sd of a paired difference"
    sd = report.table.sd_difference
    note = f"with {found.n_seeds} seeds, 4 times in 5"
    if sd is None:
        return in_sd, note
    return fixed(found.in_sequence * sd, report.decimals), f"{note}; {in_sd}"


def _last_look(report: PriorityReport) -> Detectable | None:
    return report.table.detectable[-1] if report.table.detectable else None


def facts(report: PriorityReport) -> Iterator[Fact]:
    """Yield the line above the table."""
    cost = report.cost
    kinds = ", ".join(f"{n} {kind}" for kind, n in cost.runs.items() if n)
    yield Fact("Cost", plural(cost.n_runs, "run"), kinds)
    worked = f"{duration(cost.worker_s)} of workers' time"
    gpu = f", {duration(cost.gpu_s)} of GPUs" if cost.gpu_s else ""
    yield Fact("Time", duration(cost.busy_s), worked + gpu)
    yield Fact("Machine", ", ".join(cost.hosts) or "not known", cost.machine)
    value, note = smallest(report)
    yield Fact("Smallest detectable effect", value, note)
    value, note = guarantee(report)
    yield Fact("False adoptions", value, note)


def warnings(report: PriorityReport) -> Iterator[str]:
    """Yield what a reader must know before believing the table."""
    if report.provisional:
        yield _provisional(report)
    aa = report.aa
    if aa.identical is False:
        most = "" if aa.largest is None else f" by up to {number(aa.largest, 2)} ({aa.metric})"
        yield (
            f"The same baseline seed, run twice, differs{most}: a seed does not determine a run "
            "here, so pairing helps less than it could."
        )
    if report.table.delta_origin != "stated":
        yield (
            "The smallest gain was not stated: it is half, once or twice the seed-to-seed standard "
            "deviation, by effort. That is a default, not your choice."
        )
    failed = report.table.baseline_failed
    if failed:
        yield f"{failed} of {plural(report.table.baseline_runs, 'baseline run')} failed."
    if report.n_superseded:
        runs = plural(report.n_superseded, "finished run")
        yield f"{runs} made with other code, data or settings are kept, and not counted."
    slow = [flag.arm for flag in report.flags if flag.kind == "under_trained"]
    if "baseline" in slow:
        others = len(slow) - 1
        also = f", and so do {others} other arms" if others > 1 else ""
        yield f"The baseline still improves at its last step{also}: longer runs may order them anew."


def _provisional(report: PriorityReport) -> str:
    first = report.table.detectable[0] if report.table.detectable else None
    text = (
        "This table is provisional: undecided rows have no verdict, and every number may move "
        "until the last look."
    )
    looks = report.table.looks
    if first is not None and len(looks) <= 1:
        sd = report.table.sd_difference
        unit = f" (about {fixed(first.in_sequence * sd, report.decimals)})" if sd else ""
        text += (
            f" At {first.n_seeds} seeds an adoption needs about {number(first.in_sequence, 2)} sd "
            f"of the paired difference{unit}: expect no adoption yet."
        )
    return text


def amendments(report: PriorityReport) -> list[str]:
    """Return how the registration changed, oldest first."""
    return [
        f"{record.kind} {record.version}: {record.reason or 'no reason stored'}"
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


def stack_lines(report: PriorityReport) -> Iterator[str]:
    """Yield what the stack showed."""
    stack, digits = report.stack, report.decimals
    if stack.judged is None:
        yield stack.note
    else:
        judged = stack.judged
        gain, excess = judged.gain, judged.excess
        yield (
            f"{stack.arm} together: {change(gain.estimate, digits)} "
            f"({interval_words(gain.low, gain.high, digits)}) against the baseline, on "
            f"{plural(judged.n_seeds, 'seed')}. Adding the single effects up would claim "
            f"{change(judged.sum_of_singles.estimate, digits)}: the stack differs from that by "
            f"{change(excess.estimate, digits)} ({interval_words(excess.low, excess.high, digits)})."
        )
        yield "A confirmation on the table's own seeds, outside its correction for multiplicity."
        for member in judged.members:
            if member.drop:
                yield f"{member.name} adds less than its smallest gain to the others: leave it out."
            elif member.redundant:
                yield f"{member.name} repeats in part what the others do."
            elif member.synergic:
                yield f"{member.name} does more together with the others than alone."
        if stack.note:
            yield stack.note
    for weaker, stronger in stack.left_out:
        yield f"{weaker} stays out of the stack: it excludes {stronger}, which gains more."


def tuning_sentence(report: PriorityReport) -> str:
    """Return how the arms were tuned, and what may not be read from it."""
    return (
        f"Tuned {_tuning(report)}, on {report.objective.metric}, at the same sample points for what "
        "arms share. This display says nothing about which technique is better: the table does."
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


def peers(line: Line) -> str:
    """Return the rank interval in words."""
    low, high = line.row.rank_low, line.row.rank_high
    if low is None or high is None:
        return "not ranked"
    return f"{low}" if low == high else f"{low} to {high}"


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
