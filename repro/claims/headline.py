"""The one sentence over all claims of the paper."""

from __future__ import annotations

from collections.abc import Sequence

from repro.claims.finding import ClaimVerdict, Verdict
from repro.plan import Plan

_ORDER: tuple[Verdict, ...] = ("supported", "contradicted", "undecided")


def headline(plan: Plan, verdicts: Sequence[ClaimVerdict], *, ran: bool = True) -> str:
    """Return the one sentence that a reader should take away. ``ran``: whether any trial has."""
    if not ran:
        return "No trial has run yet."
    where = f"At {plan.scale_name} scale"
    if plan.scale_name != "paper":
        where += " (direction only)"
    claims = [verdict for verdict in verdicts if not verdict.claim.ours]
    if not claims:
        return f"{where}: the spec has no claims of the paper to decide."
    if plan.partial:
        return f"{where}: a partial selection was run, so none of the paper's claims is decided."
    counts = [(sum(v.verdict == word for v in claims), word) for word in _ORDER]
    parts = [f"{count} {word}" for count, word in counts if count]
    if len(claims) == 1:
        return f"{where}: the paper's one claim is {claims[0].verdict}."
    return f"{where}: of the paper's {len(claims)} claims {_listed(parts)}."


def _listed(parts: Sequence[str]) -> str:
    verb = " is" if parts[0].startswith("1 ") else " are"
    first = parts[0].replace(" ", f"{verb} ", 1)
    rest = list(parts[1:])
    if not rest:
        return first
    return ", ".join([first, *rest[:-1]]) + f" and {rest[-1]}"
