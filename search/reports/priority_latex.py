"""A priority report for a paper: a booktabs table, and an appendix to input after it."""

from __future__ import annotations

from collections.abc import Iterator

from search.reports import priority_card, priority_facts, priority_words
from search.reports.latex import comment, escape, floating, tabular
from search.reports.priority_methods import methods
from search.reports.priority_result import Line, PriorityReport
from search.reports.priority_words import change, fixed, p_words, ratio_words
from search.reports.text import number, percent, plural
from search.technique import Impact


def priority_latex(report: PriorityReport) -> str:
    r"""Return a fragment to ``\input``: the table, then the appendix."""
    parts = [
        comment(
            f"Priority table of the study {report.name}, registration {report.registration.hash}"
        ),
        comment(r"Needs \usepackage{booktabs}; input this file where the table belongs."),
        _main(report),
        r"\section*{Appendix: how the priority table was made}",
        r"\paragraph{Methods.} " + escape(methods(report)),
        *(rf"\paragraph{{Amendment.}} {escape(t)}." for t in priority_card.amendments(report)),
        r"\paragraph{Stack.} " + " ".join(escape(t) for t in priority_facts.stack_lines(report)),
        _estimates(report),
        _settings(report),
        *_spaces(report),
    ]
    return "\n\n".join(parts) + "\n"


def _main(report: PriorityReport) -> str:
    metric = escape(report.evaluation.metric)
    notes = " ".join(escape(text) for text in priority_words.separation(report))
    state = r"\textbf{Provisional.} " if report.provisional else ""
    caption = (
        f"{state}Priority table of {escape(report.name)}: effect of each technique on {metric} "
        f"(positive is better), {priority_card.claim(report)}, with intervals that hold at every "
        f"planned look. Smallest gain worth adopting: "
        f"{escape(priority_card.delta_words(report))}. {notes}"
    )
    heads = ["Rank", "Technique", "Expected", "Effect", "Interval", "Verdict", "Effort", "Cost"]
    body = tabular("rllrlllr", heads, [_row(line, report) for line in report.lines])
    return floating(body, caption.strip(), f"tab:{_label(report)}")


def _label(report: PriorityReport) -> str:
    """Return the study's name, which holds nothing that a label could not."""
    return f"priority-{report.name}"


def _row(line: Line, report: PriorityReport) -> list[str]:
    row, digits = line.row, report.decimals
    interval = (
        f"[{fixed(row.ci_low, digits)}, {fixed(row.ci_high, digits)}]"
        if row.ci_low is not None
        else "–"
    )
    cells = [
        "–" if row.rank is None else f"{row.rank}",
        line.technique,
        _stated(line.expected),
        change(row.effect, digits),
        interval,
        line.word,
        _stated(line.effort),
        ratio_words(row.compute.estimate if row.compute else None),
    ]
    return [escape(cell) for cell in cells]


def _stated(word: str) -> str:
    return "–" if word == Impact.NOT_STATED.value else word


def _estimates(report: PriorityReport) -> str:
    heads = ["Technique", "Seeds", "Failed", "Ranks", "Shrunken", "$q$", "Adjusted $p$", "Verdict"]
    rows = []
    for line in report.lines:
        row = line.row
        ranks = "–" if row.rank_low is None else f"{row.rank_low}–{row.rank_high}"
        cells = [
            line.technique,
            str(row.n_seeds),
            str(row.n_failed),
            ranks,
            change(row.shrunken_effect, report.decimals),
            p_words(row.q_value),
            p_words(row.p_adjusted),
            f"{line.word}: {line.detail.splitlines()[0] if line.detail else ''}",
        ]
        rows.append([escape(cell) for cell in cells])
    body = tabular(r"lrrrrrrp{0.3\linewidth}", heads, rows)
    return floating(body, "All estimates.", f"tab:{_label(report)}-estimates")


def _settings(report: PriorityReport) -> str:
    rows = []
    for line in report.lines:
        source = line.entry["reference"] or "–"
        stated = [line.entry["expected_note"], line.entry["effort_note"]]
        words = "; ".join(text for text in stated if text) or "–"
        rows.append([escape(cell) for cell in (line.technique, line.settings, words, source)])
    width = r"p{0.24\linewidth}"
    body = tabular(f"l{width}{width}{width}", ["Technique", "Sets", "Stated", "Source"], rows)
    return floating(body, "Techniques as they were registered.", f"tab:{_label(report)}-techniques")


def _spaces(report: PriorityReport) -> Iterator[str]:
    """Yield the spaces and budgets of tuning; without tuning no space was searched."""
    arms = report.tuning.arms
    if not arms:
        seeds = plural(max(report.specification["looks"]), "seed")
        yield (
            r"\paragraph{Spaces and budgets.} No hyperparameter was searched: every arm was "
            f"measured at its stated settings, on up to {seeds}."
        )
        return
    rows = []
    for arm in arms:
        ranges = "; ".join(f"{name}: {text}" for name, text in arm.ranges.items())
        border = ", ".join(
            f"{name} ({percent(share)})" for name, share in arm.border.items() if share
        )
        cells = [
            arm.arm,
            str(arm.n_trials),
            ranges or "–",
            arm.chosen,
            number(arm.best),
            border or "–",
        ]
        rows.append([escape(cell) for cell in cells])
    width = r"p{0.24\linewidth}"
    body = tabular(
        f"lr{width}{width}rl",
        ["Arm", "Trials", "Space", "Chosen", "Selected", "At a border"],
        rows,
    )
    caption = (
        f"Spaces and budgets of tuning, on {escape(report.objective.metric)}: "
        f"{escape(priority_card.tuning_sentence(report))}"
    )
    yield floating(body, caption, f"tab:{_label(report)}-spaces")
