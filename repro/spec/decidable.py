"""What no data could decide: a claim on nothing, or on a curve that nobody runs."""

from __future__ import annotations

from repro.spec.checker import Checker
from repro.spec.claim_entry import Claim
from repro.spec.rivals import rivals_of
from repro.spec.schema import TableSpec


def check_decidable(check: Checker, key: str, claim: Claim, spec: TableSpec) -> None:
    """Raise ``UserError`` for a claim that would stay undecided whatever the trials measure."""
    if claim.over == []:
        check.fail(f"{key}.over", "names no data set")
    if claim.than == []:
        check.fail(f"{key}.than", "names no method; leave it out to mean all baselines")
    rivals = rivals_of(claim, spec)
    if claim.kind == "gap_closed" and not rivals:
        place = f"{key}.reference"
        check.fail(place, f"{claim.reference!r} is the only rival, so there is no gap to close")
    datasets = spec.datasets if claim.over == "datasets" else claim.over
    if claim.kind == "alike" and (isinstance(datasets, str) or len(datasets) < 2):
        check.fail(f"{key}.over", "names one data set: nothing to compare it with")
    if claim.kind == "frontier":
        _check_curves(check, key, claim, [claim.method, *rivals], spec)


def _check_curves(
    check: Checker, key: str, claim: Claim, methods: list[str], spec: TableSpec
) -> None:
    if claim.cost in (claim.metric, *claim.metric_for.values()):
        check.fail(f"{key}.cost", f"{claim.cost!r} is the claim's metric: name another as the cost")
    for method in methods:
        if not any(isinstance(value, dict) for value in spec.methods[method].params.values()):
            place = f"{key}.method" if method == claim.method else f"{key}.than"
            check.fail(place, f"{method!r} has no parameter with a sweep, so it has no frontier")
