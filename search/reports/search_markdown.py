"""A search report as Markdown, for a pull request: what the page draws, as tables."""

from __future__ import annotations

from collections.abc import Iterator

from search.reports import search_words
from search.reports.importances import LABEL
from search.reports.markdown import bar, escape, fenced, spark, table
from search.reports.search_log_table import search_log
from search.reports.search_result import SearchReport
from search.reports.text import duration, number, percent, plural, shown, signed
from search.reports.timeline import Timeline
from search.reports.trial_rows import TrialRow

FIRST = 10  # trials that are listed
SPARKS = 60  # blocks of the history at most


def search_markdown(report: SearchReport) -> str:
    """Return the report as Markdown."""
    parts = [
        f"# Search report: {escape(report.name)}",
        f"**{escape(search_words.headline(report))}**",
    ]
    parts += [f"_{search_words.status(report)}_"]
    parts += [_summary(report), *_result(report), *_check(report), *_log(report)]
    parts += [*_course(report), *_parameters(report), *_time(report), *_trials(report)]
    parts += report.historic.markdown() if report.historic else ()
    parts += _flags(report)
    parts += _failures(report)
    parts += ["## Reproduce", table(["", ""], _escaped(search_words.card(report)))]
    return "\n\n".join(parts) + "\n"


def _escaped(rows: list[tuple[str, str]]) -> list[list[str]]:
    return [[escape(cell) for cell in row] for row in rows]


def _summary(report: SearchReport) -> str:
    rows = [(fact.name, fact.value, fact.note) for fact in search_words.facts(report)]
    return table(["", "value", ""], [[escape(cell) for cell in row] for row in rows])


def _result(report: SearchReport) -> Iterator[str]:
    for warning in search_words.warnings(report):
        yield f"> **Note:** {escape(warning)}"
    if report.parameters:
        yield "## Best configuration" if report.best else "## Parameters"
        yield table(
            ["parameter", "baseline", "best", "best fifth of the trials", "domain"],
            [
                [
                    escape(row.axis.name),
                    escape(row.baseline or "not set"),
                    f"**{escape(row.best or 'not set')}**"
                    if row.changed
                    else escape(row.best or ""),
                    escape(row.best_fifth or "–"),
                    escape(row.axis.domain + (f"; when {row.axis.when}" if row.axis.when else ""))
                    + (" (best value at the edge)" if row.at_edge else ""),
                ]
                for row in report.parameters
            ],
        )
    if report.code:
        yield fenced(report.code, "python")
    if report.front:
        yield "## Pareto front"
        yield _rows([row for row in report.trials if row.number in report.front], report)


def _check(report: SearchReport) -> Iterator[str]:
    check = report.confirmation
    if check is None:
        return
    yield "## Check on held-out data"
    yield "\n".join(f"- {escape(line)}" for line in search_words.check_lines(report, check))
    yield table(
        ["seed", "baseline", "best configuration", "difference", "note"],
        [
            [
                str(pair.seed),
                number(pair.baseline),
                number(pair.best),
                signed(pair.difference),
                escape(pair.note),
            ]
            for pair in check.pairs
        ],
    )
    for name, by_seed in check.references.items():
        listed = ", ".join(f"seed {seed}: {number(value)}" for seed, value in by_seed.items())
        yield f"- {escape(name)}: {listed}"
    yield f"> {escape(search_words.caution(check))}"


def _log(report: SearchReport) -> Iterator[str]:
    if report.log:
        yield "## Experiment log"
        yield from search_log(report).markdown()


def _course(report: SearchReport) -> Iterator[str]:
    yield "## Course of the search"
    done = [row for row in report.trials if row.complete]
    metric = escape(report.objective.metric)
    if done and len(report.objectives) == 1:
        last = done[-SPARKS:]
        line = spark(report.view.position(row.values[0]) for row in last)
        yield f"Scores of the last {plural(len(last), 'completed trial')}, oldest first: `{line}`"
        yield table(
            ["best so far at trial", metric],
            [[str(n), number(value)] for n, value in report.improvements],
            numeric=0,
        )
    if report.targets or report.targets_beyond:
        targets = {**report.targets, **report.targets_beyond}
        yield "Targets: " + ", ".join(f"{escape(n)} {number(v)}" for n, v in targets.items())
    if report.rungs:
        yield "### Rungs"
        yield table(
            ["bracket", "rung at step", "reached", "went on", "stopped there", f"best {metric}"],
            [
                [
                    str(r.bracket),
                    str(r.step),
                    str(r.reached),
                    str(r.passed),
                    str(r.stopped),
                    number(r.best),
                ]
                for r in report.rungs
            ],
            numeric=0,
        )


def _parameters(report: SearchReport) -> Iterator[str]:
    yield f"## Importances: {LABEL}"
    found = report.importances
    if not found.shares:
        yield found.note
        return
    yield table(
        ["parameter", "share", ""],
        [[escape(name), percent(share), bar(share)] for name, share in found.shares.items()],
    )


def _time(report: SearchReport) -> Iterator[str]:
    yield "## Time"
    yield search_words.time_line(report)
    if report.timeline.bars:
        yield table(
            ["worker", "attempts", "busy", "lost or interrupted"],
            [_worker(report.timeline, row, name) for row, name in enumerate(report.timeline.rows)],
        )


def _worker(drawn: Timeline, row: int, name: str) -> list[str]:
    bars = [found for found in drawn.bars if found.row == row]
    lost = sum(found.end in ("lost", "interrupted") for found in bars)
    busy = sum(found.elapsed_s for found in bars)
    return [escape(name), str(len(bars)), duration(busy), str(lost)]


def _trials(report: SearchReport) -> Iterator[str]:
    if report.best_first and len(report.objectives) == 1:
        yield "## Best trials"
        yield _rows(report.best_first[:FIRST], report)


def _rows(rows: tuple[TrialRow, ...] | list[TrialRow], report: SearchReport) -> str:
    metrics = [escape(goal.metric) for goal in report.objectives]
    names = [row.axis.name for row in report.parameters]
    flagged = any(row.flags for row in rows)
    heads = ["trial", *metrics, "steps", "time", "techniques", *(escape(name) for name in names)]
    heads += ["flags"] * flagged
    return table(
        heads,
        [
            [
                str(row.number),
                *(number(value) for value in row.values),
                str(row.last_step),
                duration(row.elapsed_s),
                escape(row.arm),
                *(escape(shown(row.params[n])) if n in row.params else "–" for n in names),
                *[escape(row.flag_names) or "–"] * flagged,
            ]
            for row in rows
        ],
    )


def _flags(report: SearchReport) -> Iterator[str]:
    if not report.flagged:
        return
    yield "## Flags"
    listed = report.flagged[:FIRST]
    yield "\n".join(
        f"- Trial {row.number}: {escape('; '.join(flag.words for flag in row.flags))}"
        for row in listed
    )
    if len(report.flagged) > FIRST:
        yield f"And {plural(len(report.flagged) - FIRST, 'further trial')}."


def _failures(report: SearchReport) -> Iterator[str]:
    if not report.failures:
        return
    yield "## Failures"
    for row in report.failures:
        reason = f": {escape(row.reason)}" if row.reason else ""
        attempts = plural(row.attempts, "attempt")
        yield f"**Trial {row.number}**, {attempts}, now {row.outcome}{reason}"
        if row.error:
            yield fenced(row.error.rstrip(), "text")
