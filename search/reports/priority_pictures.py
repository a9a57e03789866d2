"""The report's figures for a paper: forest plot, curves, stack, levels, tuning; SVG and PDF."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path as File

from search.errors import OptionError, near_miss
from search.reports import palette, verdict_looks
from search.reports.picture_plots import BASELINE, Reach, course_of, interval_plot, line_plot
from search.reports.priority_bars import effect_scale
from search.reports.priority_levels import level_label
from search.reports.priority_result import PriorityReport
from search.reports.vector import Picture, svg
from search.reports.vector_pdf import pdf
from search.reports.views import view_of

FORMATS = ("svg", "pdf")
MOST = 8  # lines that paper can tell apart, beside the baseline and the stack


def write_figures(report: PriorityReport, folder: File, format: str) -> list[File]:  # noqa: A002 - the option's own name
    """Write every figure of a report into a folder; return the files.

    Parameters
    ----------
    report
        What `priority_report` returned.
    folder
        Created where it does not exist.
    format
        "svg" or "pdf".

    Raises
    ------
    OptionError
        If there is no such format.
    """
    if format not in FORMATS:
        raise OptionError(
            f"figures are written as svg or pdf, not '{format}'{near_miss(format, FORMATS)}"
        )
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for picture in pictures(report):
        path = folder / f"{report.name}-{picture.key}.{format}"
        if format == "svg":
            path.write_text(svg(picture), encoding="utf-8")
        else:
            path.write_bytes(pdf(picture))
        written.append(path)
    return written


def pictures(report: PriorityReport) -> Iterator[Picture]:
    """Yield the figures that the report's data allow."""
    if any(line.row.effect is not None for line in report.lines):
        yield forest(report)
    if report.curves:
        yield curves(report)
    if report.stack.judged is not None:
        yield stack(report)
    yield from levels(report)
    if any(arm.expected_best for arm in report.tuning.arms):
        yield tuning(report)


def forest(report: PriorityReport) -> Picture:
    """Return every effect with its interval."""
    shown = [line for line in report.lines if line.row.effect is not None]
    rows = [
        Reach(
            line.technique,
            line.row.effect or 0.0,
            line.row.ci_low,
            line.row.ci_high,
            verdict_looks.TONES[line.verdict],
            filled=verdict_looks.SYMBOLS[line.verdict] == "circle",
        )
        for line in shown
    ]
    deltas = {line.row.delta for line in shown if line.row.delta is not None}
    marks = [line.word for line in shown]
    title, scale = "Effects and their intervals", effect_scale(shown)
    return interval_plot("forest", title, rows, marks, scale, report, deltas=sorted(deltas))


def stack(report: PriorityReport) -> Picture:
    """Return the stack, the sum of its parts, and each part."""
    judged = report.stack.judged
    rows: list[Reach] = []
    if judged is not None:
        found = [
            ("all together", judged.gain, palette.BEST, True),
            ("sum of the single effects", judged.sum_of_singles, palette.PRUNED, False),
        ]
        for member in judged.members:
            found.append((f"{member.name}, alone", member.alone, palette.COMPLETE, False))
            found.append((f"{member.name}, added last", member.in_stack, palette.RUNNING, True))
        rows = [
            Reach(name, i.estimate, i.low, i.high, tone, filled=filled)
            for name, i, tone, filled in found
        ]
    ends = [end for row in rows for end in (row.low, row.high) if end is not None]
    scale = view_of(ends, [0.0, *(row.estimate for row in rows)])
    return interval_plot(
        "stack", "Together, alone, and on top of the others", rows, [], scale, report
    )


def curves(report: PriorityReport) -> Picture:
    """Return the validation curves of the arms."""
    lines = [
        course_of(c.arm, c.steps, c.mean, c.low, c.high, place)
        for place, c in enumerate(sorted(report.curves, key=lambda c: c.arm == BASELINE))
        if place < MOST or c.arm in (BASELINE, report.stack.arm)
    ]
    title = f"Learning curves of {report.objective.metric}"
    return line_plot("curves", title, lines, "step", report)


def tuning(report: PriorityReport) -> Picture:
    """Return the expected best validation score by the number of trials."""
    arms = [arm for arm in report.tuning.arms if arm.expected_best]
    lines = [
        course_of(arm.arm, range(1, len(arm.expected_best) + 1), arm.expected_best, (), (), place)
        for place, arm in enumerate(arms)
        if place <= MOST
    ]
    return line_plot("tuning", "What tuning was worth", lines, "trials of tuning", report)


def levels(report: PriorityReport) -> Iterator[Picture]:
    """Yield the response curve of every technique measured at several values."""
    for place, line in enumerate(report.lines):
        curve = line.row.response
        if curve is None:
            continue
        tone = verdict_looks.TONES[line.verdict]
        rows = [
            Reach(level_label(level, line.technique), found.estimate, found.low, found.high, tone,
                  filled=level == curve.best)
            for level, found in zip(curve.levels, curve.effects, strict=True)
        ]  # fmt: skip
        ends = [end for row in rows for end in (row.low, row.high) if end is not None]
        scale = view_of(ends, [0.0, *(row.estimate for row in rows)])
        title = f"Response curve of {line.technique}"
        yield interval_plot(f"levels-{place + 1}", title, rows, [], scale, report)
