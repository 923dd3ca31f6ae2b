"""The page of measured error rates: ``python -m simulation.error_rates docs/error_rates.md``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from simulation import (
    bounded_claims,
    cell_intervals,
    curve_claims,
    families,
    order_tests,
    over_data_sets,
    paired_comparisons,
    printed_numbers,
    second_stage,
    several_comparisons,
    whole_reports,
)
from simulation.rates import ALLOWANCE, Rate

INTRODUCTION = """\
# Measured error rates

How often the verdicts of this project are wrong, measured: its own functions are called on made-up
runs for which the truth is known. Every rule is tried where it errs most easily. If a claim is
"better by more than the margin", the true advantage is the margin, so that any verdict is false.

- **Measured** is the share of simulated cases, ± its standard error from the number of cases.
- **Bound** is what the rule promises: at most (≤) for errors, at least (≥) for coverage. A claim's
  two-sided test at 5 % errs with at most 2.5 % in either direction.
- **Limit** stands where a rule is known not to keep its bound under these conditions, with the rate
  that it does keep. Read verdicts under such conditions with that in mind.
- **Instead** is what another common way errs, in the same simulated cases.
- **n** is the number of seeds or runs; "5 and 10" are ours and the paper's, or the two sides.

Lognormal noise is e to the power of a normal number, centred and scaled: skewed as losses and run
times often are. "Re-splits that share 20 %" have a fifth of their variance in common, as the seeds
that split one finite table again and again do.

A slow test measures all of it again, with the same numbers. It fails where a rate lies more than
{allowance:g} standard errors beyond its bound or limit, where a limit is not needed, and where this
page is not what the simulation says. To write the page again: `make error-rates`.
"""

_HEAD = """\
| What is counted | Conditions | n | Measured | Bound | Limit | Instead |
|---|---|---|---:|---:|---:|---|
"""


@dataclass(frozen=True)
class Group:
    """Rows that belong together: one section of the page."""

    title: str
    text: str
    rates: Callable[[], Iterator[Rate]]

    @staticmethod
    def of(module: ModuleType) -> Group:
        return Group(module.TITLE, module.TEXT, module.rates)


GROUPS = tuple(
    Group.of(module)
    for module in (
        cell_intervals,
        paired_comparisons,
        several_comparisons,
        bounded_claims,
        curve_claims,
        families,
        printed_numbers,
        over_data_sets,
        second_stage,
        order_tests,
        whole_reports,
    )
)


def introduction() -> str:
    """Return what stands above the first section."""
    return INTRODUCTION.format(allowance=ALLOWANCE)


def section(group: Group, rates: Iterable[Rate]) -> str:
    """Return a section of the page in Markdown."""
    rows = "".join(map(_row, rates))
    return f"## {group.title}\n\n{group.text}\n\n{_HEAD}{rows}"


def _row(rate: Rate) -> str:
    sign = "≥" if rate.coverage else "≤"
    cells = [
        rate.what,
        rate.under,
        rate.n,
        f"{100 * rate.rate:.1f} % ± {100 * rate.standard_error:.1f}",
        f"{sign} {100 * rate.bound:g} %",
        "" if rate.limit is None else f"**{sign} {100 * rate.limit:g} %**",
        f"{rate.naive}: {100 * rate.naive_rate:.1f} %" if rate.naive else "",
    ]
    return f"| {' | '.join(cells)} |\n"


def measured_section(index: int) -> str:
    """Measure one group and return its section."""
    group = GROUPS[index]
    return section(group, group.rates())


def main(path: Path) -> None:
    """Measure everything and write the page."""
    with ProcessPoolExecutor() as pool:
        sections = pool.map(measured_section, range(len(GROUPS)))
        path.write_text("\n".join([introduction(), *sections]), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
