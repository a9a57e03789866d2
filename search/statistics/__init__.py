"""Statistics of the priority table: pure functions on arrays and frozen records.

Nothing here reads a database, knows a model, or draws from a global generator. The one entry point
of a study is `rank_table`::

    registration = Registration(arms=(Arm("Focal loss"), Arm("SWA")), smallest_gain=0.01)
    runs = [Replicate("baseline", seed=11, outcome="complete", score=0.81), ...]
    replicates = Replicates.collect(runs, columns=("baseline", "Focal loss", "SWA"), seeds=seeds)
    table = rank_table(registration, replicates, rng=np.random.default_rng(0))
    table.rows      # frozen, in table order
    table.needs     # which arms need how many seeds next; empty when the table is final
    table.looks     # store these, and pass them back as `history`

Around it: what a design can see and costs before it runs (`detectable`, `expected_runs`), the
stack, screening and ladders, learning curves, thresholds, tuning budgets, seed ensembles.

How the modules build on each other::

    arrays, errors, intervals
    registration, replicates   what was fixed, what was measured
    pairs                      paired differences, failures charged
    effects                    half-pooled variances, sigma_b, rho_hat
    sequential, evalues        looks, Holm, bounds
    verdicts, outcome, race    who is settled, at which look
    ranks, power, planning     shrinkage and rank intervals; seeds; runs
    impact, costs, values      words, ratios, value for money
    rows, standing, details    the table's records and how they fill
    table, ahead               rank_table; who is certain to go on
"""

from search.statistics.ahead import certain_to_go_on
from search.statistics.costs import cost_ratios
from search.statistics.curves import CurveSummary, summarise_curves
from search.statistics.designs import Screened, combinations_of, screen, screening_design
from search.statistics.details import Measurements
from search.statistics.ensembles import Ensemble, blocks_of, judge_ensemble
from search.statistics.errors import StatisticsError
from search.statistics.impact import MeasuredImpact, impact_of, impact_span
from search.statistics.intervals import Interval, mean_interval, proportion_bounds
from search.statistics.ladders import Removal, Rung, climb, judge_removals
from search.statistics.levels import ResponseCurve, response_curve
from search.statistics.pairs import Scores, paired_scores
from search.statistics.planning import ExpectedRuns, expected_runs
from search.statistics.power import (
    Detectable,
    SeedsNeeded,
    detectable,
    seeds_for,
    smallest_effect,
    t_power,
)
from search.statistics.registration import PROFILES, Arm, Registration, gain_weight
from search.statistics.replicates import Replicate, Replicates
from search.statistics.rows import ColumnLook, Look, Row, Table
from search.statistics.sequential import Rules, holm, spending
from search.statistics.stack import (
    Interaction,
    Member,
    Membership,
    Stack,
    choose_members,
    interaction,
    judge_stack,
)
from search.statistics.table import rank_table
from search.statistics.thresholds import Threshold, judge_threshold
from search.statistics.tuning import Crossing, crossings, expected_best, on_border, optimism
from search.statistics.verdicts import Verdict, WorthIt

__all__ = [
    "PROFILES",
    "Arm",
    "ColumnLook",
    "Crossing",
    "CurveSummary",
    "Detectable",
    "Ensemble",
    "ExpectedRuns",
    "Interaction",
    "Interval",
    "Look",
    "MeasuredImpact",
    "Measurements",
    "Member",
    "Membership",
    "Registration",
    "Removal",
    "Replicate",
    "Replicates",
    "ResponseCurve",
    "Row",
    "Rules",
    "Rung",
    "Scores",
    "Screened",
    "SeedsNeeded",
    "Stack",
    "StatisticsError",
    "Table",
    "Threshold",
    "Verdict",
    "WorthIt",
    "blocks_of",
    "certain_to_go_on",
    "choose_members",
    "climb",
    "combinations_of",
    "cost_ratios",
    "crossings",
    "detectable",
    "expected_best",
    "expected_runs",
    "gain_weight",
    "holm",
    "impact_of",
    "impact_span",
    "interaction",
    "judge_ensemble",
    "judge_removals",
    "judge_stack",
    "judge_threshold",
    "mean_interval",
    "on_border",
    "optimism",
    "paired_scores",
    "proportion_bounds",
    "rank_table",
    "response_curve",
    "screen",
    "screening_design",
    "seeds_for",
    "smallest_effect",
    "spending",
    "summarise_curves",
    "t_power",
]
