"""What a priority report says about the study as a whole, the same in every format."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from search.reports.priority_card import claim
from search.reports.priority_result import PriorityReport
from search.reports.priority_words import change, fixed, interval_words
from search.reports.search_words import Fact
from search.reports.text import duration, number, percent, plural
from search.statistics import Detectable, Member, Verdict


def guarantee(report: PriorityReport) -> tuple[str, str]:
    """Return the guarantee against false adoptions in a few words, and in a note."""
    if report.table.refusal:
        return "no guarantee", "no test was made"
    if report.tuning.mode == "once":
        return "no guarantee", "tuned once: the luck of one tuning is not covered"
    share = percent(report.specification["alpha"])
    k = report.table.n_registered
    family = f"for all {plural(k, 'technique')} and looks together" if k > 1 else "at all looks"
    return f"≤ {share}", f"chance of any false adoption, {family}"


def headline(report: PriorityReport) -> str:
    """Return the result in one sentence."""
    if report.table.refusal:
        return f"No verdict: {report.table.refusal}."
    adopted = report.with_verdict(Verdict.ADOPT)
    planned = sum(line.entry["status"] == "planned" for line in report.lines)
    total = plural(len(report.lines) - planned, "technique")
    names = ", ".join(
        f"{line.technique} ({change(line.row.effect, report.decimals)})" for line in adopted
    )
    found = f"{len(adopted)} of {total} adopted: {names}." if adopted else ""
    waiting = len(report.with_verdict(None))
    if report.provisional:
        undecided = f"{waiting} of {total} undecided"
        return f"Provisional: {undecided} {_so_far(report)}. {found}".strip()
    if not adopted:
        words = [line.word.lower() for line in report.lines if line.entry["status"] != "planned"]
        counts = ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words))
        return f"No technique is adopted, out of {len(words)}: {counts}."
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
    return f"Provisional, {_so_far(report)}"


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
        yield f"{runs} made with other code, data or settings: kept, and not counted."
    slow = [flag.arm for flag in report.flags if flag.kind == "under_trained"]
    if "baseline" in slow:
        others = len(slow) - 1
        also = f", and so do {others} other arms" if others > 1 else ""
        yield f"The baseline still improves at its last step{also}: longer runs may reorder them."


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
            f"{change(excess.estimate, digits)} "
            f"({interval_words(excess.low, excess.high, digits)})."
        )
        yield "A confirmation on the table's own seeds, outside its correction for multiplicity."
        for name, others in stack.dependents.items():
            yield f"Without {name}, what needs it is out, too: {', '.join(others)}."
        yield from _member_lines(judged.members)
        if stack.note:
            yield stack.note
    for weaker, stronger in stack.left_out:
        yield f"{weaker} stays out of the stack: it excludes {stronger}, which gains more."


def _member_lines(members: Sequence[Member]) -> Iterator[str]:
    for member in members:
        if member.drop:
            yield f"{member.name} adds less than its smallest gain to the others: leave it out."
    kinds = {
        "gain less on top of the others than alone: in part they do the same": [
            m.name for m in members if m.redundant and not m.drop
        ],
        "gain more on top of the others than alone": [
            m.name for m in members if m.synergic and not m.drop
        ],
    }
    for words, names in kinds.items():
        if names:
            yield f"{', '.join(names)}: {words}."
