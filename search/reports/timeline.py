"""When and where attempts ran: one row per worker, long idle times cut out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from search.reports.text import duration
from search.storage.records import Attempt, TrialRecord

CUT = 0.25  # of the busy time: an idle time longer than this is cut
LEFT = 0.03  # of the busy time: what a cut leaves to see


@dataclass(frozen=True)
class Bar:
    """One attempt: `start` and `length` in the timeline's unit, `row` from the top."""

    number: int
    attempt: int
    row: int
    start: float
    length: float
    end: str
    host: str
    pid: int
    elapsed_s: float


@dataclass(frozen=True)
class Timeline:
    """All attempts of a series.

    Parameters
    ----------
    rows
        Labels, one per worker: workers of one host that never lived at once share a row.
    bars
        By start.
    unit
        s, min or h.
    cuts
        Where an idle time was cut out, and how long it was.
    elapsed_s
        From the first start to the last end.
    busy_s
        The same without the idle times in which nothing ran.
    worker_s
        Seconds of all attempts together.
    lost
        Attempts whose worker died or whose driver was interrupted.
    """

    rows: tuple[str, ...]
    bars: tuple[Bar, ...]
    unit: str
    cuts: tuple[tuple[float, str], ...]
    elapsed_s: float
    busy_s: float
    worker_s: float
    lost: int


@dataclass(frozen=True)
class _Ran:
    number: int
    attempt: Attempt
    ended: float
    end: str


def timeline(records: Sequence[TrialRecord]) -> Timeline:
    """Return the timeline of a series' trials."""
    ran = sorted(_attempts(records), key=lambda r: (r.attempt.started, r.number))
    gaps, busy = _gaps(ran)
    rows, labels = _rows(ran)
    unit, size = _unit(busy)
    first = ran[0].attempt.started if ran else 0.0
    long_gaps = [(start, length) for start, length in gaps if length > CUT * busy]

    def drawn(moment: float) -> float:
        shift = sum(length - LEFT * busy for start, length in long_gaps if start < moment)
        return (moment - first - shift) / size

    return Timeline(
        rows=labels,
        bars=tuple(
            Bar(
                number=r.number,
                attempt=r.attempt.number,
                row=rows[r.attempt.host, r.attempt.pid],
                start=drawn(r.attempt.started),
                length=(r.ended - r.attempt.started) / size,
                end=r.end,
                host=r.attempt.host,
                pid=r.attempt.pid,
                elapsed_s=r.ended - r.attempt.started,
            )
            for r in ran
        ),
        unit=unit,
        cuts=tuple(
            (drawn(start) + LEFT * busy / 2 / size, f"idle {duration(length)}")
            for start, length in long_gaps
        ),
        elapsed_s=max((r.ended for r in ran), default=first) - first,
        busy_s=busy,
        worker_s=sum(r.ended - r.attempt.started for r in ran),
        lost=sum(r.end in ("lost", "interrupted") for r in ran),
    )


def _attempts(records: Sequence[TrialRecord]) -> list[_Ran]:
    """Return every attempt with an end: one that still runs is drawn up to its last step."""
    found = []
    for record in records:
        last = record.steps[-1].finished if record.steps else 0.0
        for attempt in record.attempts:
            ended = max(last, attempt.started) if attempt.ended is None else attempt.ended
            found.append(_Ran(record.number, attempt, ended, attempt.end or "running"))
    return found


def _gaps(ran: Sequence[_Ran]) -> tuple[list[tuple[float, float]], float]:
    """Return the idle times as (start, seconds), and the seconds in which something ran."""
    gaps: list[tuple[float, float]] = []
    busy, until = 0.0, ran[0].attempt.started if ran else 0.0
    for r in ran:
        if r.attempt.started > until:
            gaps.append((until, r.attempt.started - until))
            until = r.attempt.started
        busy += max(0.0, r.ended - until)
        until = max(until, r.ended)
    return gaps, busy


def _rows(ran: Sequence[_Ran]) -> tuple[dict[tuple[str, int], int], tuple[str, ...]]:
    """Give every worker a row of its host: the first whose earlier workers have all ended."""
    lives: dict[tuple[str, int], tuple[float, float]] = {}
    for r in ran:
        key = (r.attempt.host, r.attempt.pid)
        start, end = lives.get(key, (r.attempt.started, r.ended))
        lives[key] = (min(start, r.attempt.started), max(end, r.ended))
    ends: dict[str, list[float]] = {}
    lanes: dict[tuple[str, int], int] = {}
    for (host, pid), (start, end) in sorted(lives.items(), key=lambda item: item[1]):
        taken = ends.setdefault(host, [])
        lane = next((i for i, until in enumerate(taken) if until <= start), len(taken))
        taken[lane : lane + 1] = [end]
        lanes[host, pid] = lane
    order = [(host, lane) for host in sorted(ends) for lane in range(len(ends[host]))]
    rows = {key: order.index((key[0], lane)) for key, lane in lanes.items()}
    return rows, tuple(f"{host} · {lane + 1}" for host, lane in order)


def _unit(busy_s: float) -> tuple[str, float]:
    if busy_s < 180:
        return "s", 1.0
    return ("min", 60.0) if busy_s < 3 * 3600 else ("h", 3600.0)
