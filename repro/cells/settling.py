"""Which cells new seeds would settle against their printed numbers, and how many it takes."""

from __future__ import annotations

from dataclasses import dataclass

from repro.cells.aggregate import Aggregate, dataset_entry
from repro.cells.verdicts import CellVerdict, cell_verdicts, printed_statistic
from repro.plan import Plan
from repro.spec import Reported
from repro.statistics.estimate import estimate_mean

#: The largest share of our own first standard error that the printed number's may have. The printed
#: error is the same in both stages: what it hid in the first it hides again (equal errors made a
#: second stage err in 15 % of cases, a third in 6 %).
LARGEST_PRINTED_ERROR = 1 / 3


@dataclass(frozen=True)
class CellsToSettle:
    """What ``seeds`` new seeds could settle, by the cells' addresses; 0 seeds where nothing.

    ``hopeless``     that would need more seeds than are allowed
    ``one_table``    whose new seeds would only split the same table again
    ``same_number``  whose printed number errs by too much itself
    """

    cells: tuple[str, ...] = ()
    seeds: int = 0
    hopeless: tuple[str, ...] = ()
    one_table: tuple[str, ...] = ()
    same_number: tuple[str, ...] = ()


def address_of(number: Reported) -> str:
    """Return the address of the cell that a printed number is about."""
    return f"{number.dataset}/{number.method}/{number.metric}"


def cells_to_settle(plan: Plan, data: Aggregate, cap: int) -> CellsToSettle:
    """Return which cells at most ``cap`` new seeds, taken alone, would settle.

    Settled is a cell that reads neither ``consistent`` nor ``inconclusive``. Where no number of
    seeds would do, because the paper does not print how its number varies, nothing is proposed.
    """
    places: dict[str, list[str]] = {}
    seeds = 0
    for verdict in cell_verdicts(plan, data).values():
        if verdict.further_seeds is None:
            continue
        place = _place(plan, data, verdict, cap)
        places.setdefault(place, []).append(address_of(verdict.reported))
        if place == "cells":
            seeds = max(seeds, verdict.further_seeds)
    return CellsToSettle(seeds=seeds, **{name: tuple(found) for name, found in places.items()})


def _place(plan: Plan, data: Aggregate, verdict: CellVerdict, cap: int) -> str:
    """Return which list of :class:`CellsToSettle` an unsettled cell belongs to."""
    number, needed = verdict.reported, verdict.further_seeds
    if dataset_entry(plan.spec, number.dataset).resplit > 0:
        return "one_table"
    if needed is None or needed > cap:
        return "hopeless"
    cell = data.cell(number.dataset, number.method, number.metric)
    ours = estimate_mean(list(cell.values.values())) if cell else None
    printed = printed_statistic(number).estimate
    if ours is None or printed is None:
        return "hopeless"
    too_large = printed.standard_error > LARGEST_PRINTED_ERROR * ours.standard_error
    return "same_number" if too_large else "cells"
