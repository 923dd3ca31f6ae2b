"""The kinds of claims, and the module that plans the tests of each."""

from __future__ import annotations

from collections.abc import Callable

from repro.claims import alike, better, crossing, equivalent, fit, frontier, monotone, ratio
from repro.claims.case import Case, Evidence
from repro.claims.planned import Planned

#: For each kind, what gives a claim's elementary tests and notes in the evidence what is missing.
PLANS: dict[str, Callable[[Case, Evidence], list[Planned]]] = {
    "better": better.plan,
    "ratio": ratio.plan_ratio,
    "gap_closed": ratio.plan_gap_closed,
    "monotone": monotone.plan,
    "crossing": crossing.plan,
    "fit": fit.plan,
    "alike": alike.plan,
    "frontier": frontier.plan,
    "equivalent": equivalent.plan,
}
