"""A priority report as Markdown, for a pull request: what the page draws, as tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from search.reports import priority_card, priority_facts, priority_words
from search.reports.go_no_go import decision_words
from search.reports.log_table import priority_log
from search.reports.markdown import escape, fenced, table
from search.reports.priority_bars import effect_bar, effect_scale, text_bar
from search.reports.priority_details import details
from search.reports.priority_levels import level_label, level_words
from search.reports.priority_parts import ArmTuning
from search.reports.priority_result import Line, PriorityReport
from search.reports.priority_words import change, interval_words, ratio_words
from search.reports.text import number, percent, plural, signed
from search.reports.views import View
from search.technique import Impact


def priority_markdown(report: PriorityReport, *, folded: bool = True) -> str:
    """Return the report as Markdown.

    Parameters
    ----------
    report
        What `priority_report` returned.
    folded
        Whether every number of every technique is folded away, which takes a bit of HTML.
    """
    parts = [
        f"# Priority report: {escape(report.name)}",
        f"**{escape(priority_facts.headline(report))}**",
        f"_{escape(priority_facts.status(report))}_",
        _summary(report),
        *_table(report),
        *_details(report, folded=folded),
        *_log(report),
        *_stack(report),
        *_levels(report),
        *_tuning(report),
        *_flags(report),
        *_checks(report),
        *(report.historic.markdown() if report.historic else ()),
        "## Reproduce",
        table(["", ""], [[escape(n), escape(v)] for n, v in priority_card.card(report)]),
    ]
    return "\n\n".join(parts) + "\n"


def _summary(report: PriorityReport) -> str:
    rows = [(fact.name, fact.value, fact.note) for fact in priority_facts.facts(report)]
    return table(["", "value", ""], [[escape(cell) for cell in row] for row in rows])


def _table(report: PriorityReport) -> Iterator[str]:
    scale = effect_scale(report.lines)
    heads = ["rank", "technique", "expected", "measured effect", "", "verdict", "effort", "cost"]
    yield table(heads, [_row(line, report, scale) for line in report.lines])
    metric = escape(report.evaluation.metric)
    yield (
        f"Effect on {metric}, {priority_card.claim(report)}; positive is better. In the bars: `│` "
        f"no effect, `┊` the smallest gain worth adopting "
        f"({escape(priority_card.delta_words(report))}), `├─●─┤` the effect with an interval that "
        "holds at every planned look."
    )
    yield from (f"> {escape(line)}" for line in priority_words.separation(report))
    yield escape(priority_card.claim_sentence(report))
    yield from (f"> **Note:** {escape(text)}" for text in priority_facts.warnings(report))
    yield from (f"> {escape(text)}" for text in priority_card.amendments(report))


def _row(line: Line, report: PriorityReport, scale: View) -> list[str]:
    row = line.row
    interval = f" ({row.rank_low}–{row.rank_high})" if row.rank_low != row.rank_high else ""
    late = f" _({escape(line.stage)})_" if line.stage != "training" else ""
    return [
        "–" if row.rank is None else f"{row.rank}{interval}",
        f"**{escape(line.technique)}**{late}",
        _stated(line.expected),
        _effect(line, report.decimals),
        f"`{_bar(line, scale)}`" if row.effect is not None else "",
        f"**{line.word}**: {escape(line.detail)}",
        _stated(line.effort),
        ratio_words(row.compute.estimate if row.compute else None),
    ]


def _effect(line: Line, digits: int) -> str:
    row = line.row
    spread = interval_words(row.ci_low, row.ci_high, digits)
    own = priority_words.own_words(line)
    return (
        change(row.effect, digits)
        + (f" ({spread})" if row.ci_low is not None else "")
        + (f"; {escape(own)}" if own else "")
    )


def _bar(line: Line, scale: View) -> str:
    """Return a bar with spaces that Markdown keeps."""
    return text_bar(effect_bar(line, scale)).replace(" ", "\N{NO-BREAK SPACE}")


def _stated(word: str) -> str:
    return "–" if word == Impact.NOT_STATED.value else escape(word)


def _details(report: PriorityReport, *, folded: bool) -> Iterator[str]:
    title = "Every number of every technique"
    yield f"<details><summary>{title}</summary>" if folded else f"## {title}"
    for line in report.lines:
        yield f"### {escape(line.technique)}"
        found = details(line, report)
        yield table(["", ""], [[escape(d.name), escape(d.text)] for d in found])
        if line.bug:
            yield fenced(line.bug, "text")
    if folded:
        yield "</details>"


def _log(report: PriorityReport) -> Iterator[str]:
    if report.log:
        yield "## Experiment log"
        yield from priority_log(report).markdown()


def _stack(report: PriorityReport) -> Iterator[str]:
    yield "## Stack"
    yield "\n".join(f"- {escape(line)}" for line in priority_facts.stack_lines(report))
    judged, digits = report.stack.judged, report.decimals
    if judged is None:
        return
    yield table(
        ["technique", "alone", "on top of the others", "difference"],
        [
            [
                escape(member.name),
                *(
                    f"{change(i.estimate, digits)} ({interval_words(i.low, i.high, digits)})"
                    for i in (member.alone, member.in_stack, member.shift)
                ),
            ]
            for member in judged.members
        ],
    )


def _levels(report: PriorityReport) -> Iterator[str]:
    curved = [line for line in report.lines if line.row.response]
    if curved:
        yield "## Response curves"
    for line in curved:
        curve = line.row.response
        if curve is None:
            continue
        yield f"**{escape(line.technique)}**: {escape(level_words(line))}"
        rows: list[Sequence[str]] = [
            [
                escape(level_label(level, line.technique)),
                change(found.estimate, report.decimals),
                interval_words(found.low, found.high, report.decimals),
            ]
            for level, found in zip(curve.levels, curve.effects, strict=True)
        ]
        yield table(["level", "effect", "interval"], rows)


def _tuning(report: PriorityReport) -> Iterator[str]:
    if not report.tuning.arms:
        return
    yield "## Tuning: display, not evidence"
    yield escape(priority_card.tuning_sentence(report))
    yield from (f"> {escape(line)}" for line in report.tuning.crossings)
    heads = ["arm", "trials", "chosen", "selected", "selected minus re-run", "at the border"]
    rows = [_tuned(arm) for arm in report.tuning.arms]
    yield table([*heads, "importances (display, not evidence)"], rows)


def _tuned(arm: ArmTuning) -> list[str]:
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in arm.outcomes.items())
    shares = ", ".join(f"{name} {percent(share)}" for name, share in arm.importances.shares.items())
    return [
        escape(arm.arm),
        f"{arm.n_trials} ({outcomes})",
        escape(arm.chosen),
        number(arm.best),
        signed(arm.optimism.estimate if arm.optimism else None),
        escape(", ".join(name for name, share in arm.border.items() if share)) or "none",
        escape(shares or arm.importances.note),
    ]


def _flags(report: PriorityReport) -> Iterator[str]:
    yield "## Flags"
    if not report.flags:
        yield "No flag is raised."
        return
    found: dict[str, list[str]] = {}
    for flag in report.flags:
        found.setdefault(flag.words, []).append(flag.arm)
    yield "\n".join(
        f"- {escape(words)}: {escape(', '.join(arms))}" for words, arms in found.items()
    )


def _checks(report: PriorityReport) -> Iterator[str]:
    if not report.checks:
        return
    yield "## Go or no-go"
    if report.decisions:
        yield "\n".join(f"- {escape(decision_words(found))}" for found in report.decisions)
    rows = []
    for found in report.checks:
        judged = found.threshold
        needed = judged.seeds_needed if judged else None
        more = f" ({plural(needed, 'more seed')})" if needed else ""
        sign = "≥" if found.direction == "maximize" else "≤"
        rows.append(
            [
                escape(f"{found.criterion}: {found.metric} {sign} {number(found.target)}"),
                escape(found.arm),
                number(judged.mean) if judged else "",
                f"{number(judged.low)} to {number(judged.high)}" if judged else "",
                f"**{found.word}**{more}",
            ]
        )
    yield table(["criterion", "arm", "mean", "one-sided 95 % bounds", "decision"], rows)
