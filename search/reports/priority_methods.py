"""The methods paragraph: how the table was made, every number from the database."""

from __future__ import annotations

from collections.abc import Iterator

from search.reports import priority_card
from search.reports.priority_result import PriorityReport
from search.reports.text import duration, number, percent, plural
from search.statistics.effects import PRIOR_DF
from search.statistics.ranks import DRAWS

FEW = 2  # arms with which no variance is pooled


def methods(report: PriorityReport) -> str:
    """Return the paragraph."""
    return " ".join([*_design(report), *_tests(report), *_ending(report)])


def _design(report: PriorityReport) -> Iterator[str]:
    spec = report.specification
    looks = ", ".join(str(n) for n in spec["looks"])
    k = report.table.n_registered
    yield (
        f"Each of {plural(k, 'registered technique')} was switched on alone, on one baseline, and "
        f"trained to full length ({plural(spec['max_steps'], 'step')}) without pruning, on the "
        f"same seeds as the baseline. A seed drove everything random in a run. Looks were "
        f"registered at {looks} seeds; settled techniques got no further seeds."
    )
    yield priority_card.REPLICATION[spec["replication"]]
    yield (
        f"{report.evaluation.metric} ({report.evaluation.direction}) was read on held-out data at "
        f"the {spec['score_at']} step; tuning saw {report.objective.metric} only."
    )
    yield priority_card.claim_sentence(report)


def _tests(report: PriorityReport) -> Iterator[str]:
    k = len([line for line in report.lines if line.row.p_adjusted is not None])
    df = 0 if k <= FEW else min(PRIOR_DF, k - 1)
    spec = report.specification
    pooled = (
        f"with variances pulled towards their pool ({plural(df, 'prior degree')} of freedom)"
        if df
        else "with each technique's own variance"
    )
    yield (
        f"An effect is the mean paired difference to the baseline; it was tested one-sidedly by t, "
        f"{pooled}. P-values were spent over the looks in proportion to their seeds, joined by the "
        f"union bound, and corrected by Holm over all {report.table.n_registered} techniques ever "
        f"registered."
    )
    share = percent(spec["alpha"])
    if report.tuning.mode == "once":
        yield "Each arm was tuned once, so no familywise guarantee is claimed."
    else:
        yield f"The chance of any false adoption is at most {share}."
    yield (
        f"A technique is rejected when the upper bound of its effect, one-sided at its look's "
        f"share of {share}, lies below the smallest gain ({priority_card.delta_words(report)}). "
        f"Printed {percent(1 - spec['alpha'])} intervals hold at all looks together. A failed run "
        "counts as the worst finite run so far. "
        f"Ranks order empirical-Bayes estimates; their 5-95 % intervals come from {DRAWS:,} draws."
    )


def _ending(report: PriorityReport) -> Iterator[str]:
    cost = report.cost
    sd, found = report.table.sd_difference, report.table.detectable
    if found and sd is not None:
        last = found[-1]
        unit = f"{number(last.in_sequence * sd, 2)} {report.evaluation.metric}"
        yield (
            f"With {last.n_seeds} seeds the design sees effects of {number(last.in_sequence, 2)} "
            f"sd of a paired difference ({unit}) 4 times in 5."
        )
    kinds = ", ".join(f"{n:,} {kind}" for kind, n in cost.runs.items())
    gpu = f", {duration(cost.gpu_s)} of GPU time" if cost.gpu_s else ""
    machine = f" on {cost.machine}" if cost.machine else ""
    yield (
        f"{plural(cost.n_runs, 'run')} ({kinds}) took {duration(cost.worker_s)} of workers' "
        f"time{gpu}{machine}."
    )
    record = report.registration
    yield f"The registration (version {record.version}, hash {record.hash}) precedes the runs."
    if report.provisional:
        yield "The table is provisional: not every technique has its verdict."
