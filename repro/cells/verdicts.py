"""What our runs say of each number that the paper prints, at the paper's own scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from repro.cells.aggregate import Aggregate, dataset_entry
from repro.cells.sentences import Wording, no_statistic, obstacle, on_what_seeds_share
from repro.cells.shared_artifacts import conditional_on
from repro.planning.plan import Plan
from repro.spec import Metric, Reported
from repro.spec.printed import equal_as_printed, parse_printed, standard_error
from repro.spec.reported import amount_of
from repro.statistics.against_printed import PrintedStatistic, compare_with_printed, our_statistic
from repro.statistics.estimate import Estimate
from repro.statistics.settling import Prospect, prospect
from repro.statistics.summary import prediction_interval

CellWord = Literal[
    "exact",
    "reproduced",
    "exceeds",
    "falls short",
    "consistent",
    "inconclusive",
    "single run",
    "not comparable",
]


@dataclass(frozen=True)
class CellVerdict:
    """How a cell stands against the paper's number.

    ``difference``    ours minus the printed number, in the metric's unit, whichever is better
    ``interval``      of the difference, 90 %: what the verdict rests on
    ``margin``        how far the two may differ, half of the last printed digit included
    ``prospect``      what a second stage can do for it; ``None`` where it is settled, and where
                      there may be no second stage
    """

    reported: Reported
    verdict: CellWord
    difference: float | None
    interval: tuple[float, float] | None
    margin: float | None
    prospect: Prospect | None
    sentence: str

    @property
    def further_seeds(self) -> int | None:
        """New seeds that settle it with chance 80 %, taken alone; ``None`` where none would."""
        return (self.prospect.seeds or None) if self.prospect else None


def cell_verdicts(
    plan: Plan, data: Aggregate, cap: int | None = None
) -> dict[tuple[str, str, str], CellVerdict]:
    """Return a verdict for each printed number, by (data set, method, metric).

    ``cap``  the most new seeds that a second stage may add, the scale's by default; 0: none

    Other scales than the paper's have other data and models: none of their cells has a verdict.
    """
    if plan.scale_name != "paper":
        return {}
    cap = plan.scale.settle if cap is None else cap
    verdicts = {}
    for number in plan.spec.reported:
        key = (number.dataset, number.method, number.metric)
        cell = data.cell(*key)
        reason = number.not_comparable or obstacle(cell, partial=plan.partial)
        if cell is None or reason:
            verdicts[key] = _not_comparable(number, reason)
        else:
            dataset = dataset_entry(plan.spec, number.dataset)
            metric = plan.spec.metric(number.metric)
            values = list(cell.values.values())
            given = [conditional_on([cell.group], plan.spec)]
            if dataset.shared:
                given.append(on_what_seeds_share([(dataset.shared, dataset.label)]))
            shared = " and ".join(filter(None, given))
            verdicts[key] = judge(values, number, metric, dataset.resplit, cap, shared)
    return verdicts


def judge(
    values: Sequence[float],
    number: Reported,
    metric: Metric,
    resplit: float = 0.0,
    cap: int = 0,
    shared: str = "",
) -> CellVerdict:
    """Return the verdict of finite ``values``, one per seed, on the printed ``number``.

    ``cap``        the most new seeds that a second stage may add, 0 where there may be none
    ``shared``     what it is conditional on, since all seeds share it; empty for nothing
    """
    paper = printed_statistic(number)
    wording = Wording(metric, number, paper, cap)
    margin = margin_of(number)
    difference = values[0] - paper.value
    if len(values) == 1:
        text = wording.single_run(values[0], margin)
        return CellVerdict(number, "single run", difference, None, margin, None, text)
    if _exact(values, number):
        text = wording.exact(len(values))
        return CellVerdict(number, "exact", difference, None, margin, None, text)
    return _compared(values, wording, margin, resplit, shared)


def printed_statistic(number: Reported) -> PrintedStatistic:
    """Return the printed number with the error that its printed spread implies."""
    value = parse_printed(number.value).value
    error = standard_error(number.spread, number.spread_kind, number.n)
    mean = None if error is None else Estimate(value, error, number.n - 1.0)
    return PrintedStatistic(value, number.statistic, number.n, mean)


def margin_of(number: Reported) -> float | None:
    """Return the declared margin and half of the last printed digit; ``None`` without a margin."""
    if not number.margin:
        return None
    return amount_of(number.margin, number) + parse_printed(number.value).half_digit


def _compared(
    values: Sequence[float],
    wording: Wording,
    margin: float | None,
    resplit: float,
    shared: str,
) -> CellVerdict:
    number, paper, better = wording.number, wording.paper, wording.metric.better
    ours = our_statistic(values, paper, better, resplit)
    if ours is None:
        return _not_comparable(number, no_statistic(len(values), number))
    reach = margin or 0.0
    width = amount_of(number.width, number) if number.width else 4 * reach
    found = compare_with_printed(ours, paper, margin=reach, width=width, better=better)
    if margin is None:
        text = wording.undeclared(found)
        word: CellWord = "not comparable"
        return CellVerdict(number, word, found.difference, found.interval, None, None, text)
    settled = found.place not in ("consistent", "inconclusive")
    cap = wording.cap
    hope = None if settled or cap == 0 else prospect(ours, paper, margin, cap)
    prediction = prediction_interval(values, resplit)
    text = wording.compared(found, ours, margin, hope, prediction, resplit, shared)
    return CellVerdict(number, found.place, found.difference, found.interval, margin, hope, text)


def _not_comparable(number: Reported, reason: str) -> CellVerdict:
    text = f"Not comparable: {reason}."
    return CellVerdict(number, "not comparable", None, None, None, None, text)


def _exact(values: Sequence[float], number: Reported) -> bool:
    """Say whether our runs do not vary, the paper's do not either, and both are equal."""
    varied = number.spread and parse_printed(number.spread).value != 0
    same = min(values) == max(values)
    return same and not varied and equal_as_printed(values[0], parse_printed(number.value))
