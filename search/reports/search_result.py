"""What a search report holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from search.reports.confirmation import Confirmation
from search.reports.historic import Historic
from search.reports.importances import Importances
from search.reports.learning_curves import Curves, Rung
from search.reports.projections import Parallel, ParameterRow, Slice, ranked
from search.reports.search_log import TrialEntry
from search.reports.timeline import Timeline
from search.reports.trial_rows import TrialRow
from search.reports.views import View
from search.study import Objective

OUTCOMES = ("complete", "pruned", "diverged", "failed", "stopped", "running")


@dataclass(frozen=True)
class SearchReport:
    """A search with all that its report shows; figures and renderers compute nothing.

    Parameters
    ----------
    name, created, specification
        As registered.
    objectives
        The metrics searched on, the first of which slices and importances are about.
    trials
        By number.
    best
        The completed trial with the best score; None without one, and for several objectives.
    baseline
        The trial of the baseline configuration, completed if there is such a one.
    gain
        Best minus baseline, positive when better, on the metric that selected the best.
    front
        For several objectives: numbers of the completed trials that no other one dominates.
    improvements
        (number, value) of every trial that was the best so far when it was asked.
    steps_saved
        Share of the steps of complete, pruned and diverged trials that pruning saved.
    targets
        Named values that are drawn as lines.
    targets_beyond
        Those that lie too far away to be drawn.
    code
        The best configuration as an expression ready to paste.
    log
        The experiment log: the baseline, what was tried first, the best.
    diagnostics
        What explains the baseline's and the best trial, by what each is called.
    historic
        Runs of the past that were imported.
    """

    name: str
    created: float
    specification: Mapping[str, Any]
    objectives: tuple[Objective, ...]
    max_steps: int
    trials: tuple[TrialRow, ...]
    best: TrialRow | None
    baseline: TrialRow | None
    gain: float | None
    front: tuple[int, ...]
    improvements: tuple[tuple[int, float], ...]
    steps_saved: float | None
    targets: Mapping[str, float]
    targets_beyond: Mapping[str, float]
    code: str
    view: View
    parameters: tuple[ParameterRow, ...]
    curves: tuple[Curves, ...]
    rungs: tuple[Rung, ...]
    slices: tuple[Slice, ...]
    parallel: Parallel
    importances: Importances
    timeline: Timeline
    confirmation: Confirmation | None
    log: tuple[TrialEntry, ...] = ()
    diagnostics: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    historic: Historic | None = None

    @property
    def objective(self) -> Objective:
        """The first objective."""
        return self.objectives[0]

    @property
    def counts(self) -> dict[str, int]:
        """Trials by outcome, in the order of `OUTCOMES`."""
        counted = Counter(row.outcome for row in self.trials)
        return {outcome: counted[outcome] for outcome in OUTCOMES if counted[outcome]}

    @property
    def asked_for(self) -> int | None:
        """How many trials the search was asked for; None when that is not registered."""
        return self.specification.get("n_trials")

    @property
    def steps_trained(self) -> int:
        """Steps of all trials together."""
        return sum(row.last_step for row in self.trials)

    @property
    def finished(self) -> bool:
        """Whether all trials that were asked for have ended."""
        ended = len(self.trials) - self.counts.get("running", 0)
        return ended >= (self.asked_for or 0) and not self.counts.get("running", 0)

    @property
    def best_first(self) -> tuple[TrialRow, ...]:
        """The completed trials, best first."""
        return tuple(ranked(self.trials, self.objective))

    def trial(self, number: int) -> TrialRow:
        """Return the trial of this number."""
        return next(row for row in self.trials if row.number == number)

    @property
    def flagged(self) -> tuple[TrialRow, ...]:
        """The trials that a guard flagged."""
        return tuple(row for row in self.trials if row.flags)

    @property
    def failures(self) -> tuple[TrialRow, ...]:
        """The trials that raised an error, whether or not they were retried with success."""
        return tuple(row for row in self.trials if row.outcome == "failed" or row.error)
