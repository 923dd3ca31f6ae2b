"""The one sentence over all claims of the paper, and over the cells beside its printed numbers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import get_args

from repro.cells.verdicts import CellVerdict, CellWord
from repro.claims.finding import ClaimVerdict, Verdict
from repro.planning.plan import Plan

_CLAIM_WORDS: tuple[Verdict, ...] = ("supported", "contradicted", "undecided")
_CELL_WORDS: tuple[CellWord, ...] = get_args(CellWord)


def headline(
    plan: Plan,
    verdicts: Sequence[ClaimVerdict],
    cells: Collection[CellVerdict] = (),
    *,
    ran: bool = True,
) -> str:
    """Return the one sentence that a reader should take away.

    ``cells``  the verdicts on printed numbers, of which only the paper's own scale has any
    ``ran``    whether any trial has
    """
    if not ran:
        return "No trial has run yet."
    where = f"At {plan.scale_name} scale"
    if plan.scale_name != "paper":
        where += " (direction only)"
    claims = [verdict for verdict in verdicts if not verdict.claim.ours]
    if plan.partial and (claims or cells):
        nothing = "none of the paper's claims is decided" if claims else "nothing is decided"
        return f"{where}: a partial selection was run, so {nothing}."
    parts = [_of_claims(claims), *([_of_cells(cells)] if cells else [])]
    return f"{where}: {'; '.join(parts)}."


def _of_claims(claims: Sequence[ClaimVerdict]) -> str:
    if not claims:
        return "the spec has no claims of the paper to decide"
    if len(claims) == 1:
        return f"the paper's one claim is {claims[0].verdict}"
    counts = [(sum(v.verdict == word for v in claims), word) for word in _CLAIM_WORDS]
    return f"of the paper's {len(claims)} claims {_listed(counts, ' is', ' are')}"


def _of_cells(cells: Collection[CellVerdict]) -> str:
    counts = [(sum(v.verdict == word for v in cells), word) for word in _CELL_WORDS]
    numbers = "one printed number" if len(cells) == 1 else f"{len(cells)} printed numbers"
    return f"beside the paper's {numbers} {_listed(counts, ' cell reads', ' cells read')}"


def _listed(counts: Sequence[tuple[int, str]], one: str, several: str) -> str:
    """Return "2 are supported and 1 undecided": the verb stands once."""
    (first, word), *rest = [(count, word) for count, word in counts if count]
    parts = [f"{first}{one if first == 1 else several} {word}"]
    parts += [f"{count} {word}" for count, word in rest]
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
