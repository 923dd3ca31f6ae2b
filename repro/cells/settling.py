"""Which cells new seeds would settle against their printed numbers, and how many it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from repro.cells.aggregate import Aggregate
from repro.cells.verdicts import cell_verdicts
from repro.planning.plan import Plan
from repro.spec import Reported
from repro.statistics.settling import Outlook, Prospect


@dataclass(frozen=True)
class CellsToSettle:
    """What new seeds can do for each cell that is open, by its address."""

    prospects: Mapping[str, Prospect] = field(default_factory=dict)

    @property
    def seeds(self) -> int:
        """How many new seeds settle all cells that can be settled; 0 where there are none."""
        return max((found.seeds for found in self.prospects.values()), default=0)

    def with_outlook(self, outlook: Outlook) -> tuple[str, ...]:
        """Return the addresses of the cells of which ``outlook`` is true."""
        return tuple(cell for cell, found in self.prospects.items() if found.outlook == outlook)

    def over(self, seeds: int) -> CellsToSettle:
        """Return what so many new seeds can do: the more, the more the printed error weighs."""
        return CellsToSettle(
            {
                cell: Prospect("same_number") if 0 < found.most < seeds else found
                for cell, found in self.prospects.items()
            }
        )


def address_of(number: Reported) -> str:
    """Return the address of the cell that a printed number is about."""
    return f"{number.dataset}/{number.method}/{number.metric}"


def cells_to_settle(plan: Plan, data: Aggregate) -> CellsToSettle:
    """Return what new seeds, no more than the scale allows, can do for the cells that are open.

    Open is a cell that reads ``consistent`` or ``inconclusive``.
    """
    return CellsToSettle(
        {
            address_of(verdict.reported): verdict.prospect
            for verdict in cell_verdicts(plan, data).values()
            if verdict.prospect is not None
        }
    )
