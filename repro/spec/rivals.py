"""Which methods a claim sets its own against."""

from __future__ import annotations

from repro.spec.claim_entry import Claim
from repro.spec.schema import TableSpec

#: Kinds whose claim is about the method against rivals, named or not.
_AGAINST_RIVALS = ("better", "ratio", "frontier", "equivalent", "gap_closed", "crossing")


def rivals_of(claim: Claim, spec: TableSpec) -> list[str]:
    """Return the methods that the claim sets its own against.

    Without ``than`` these are all baselines; none for a claim on a curve of the method alone.
    """
    if not claim.than and claim.kind not in _AGAINST_RIVALS:
        return []
    if claim.than in ("", "all_baselines"):
        others = {claim.method, claim.reference}
        return [key for key in spec.methods_with_role("baseline") if key not in others]
    return [claim.than] if isinstance(claim.than, str) else list(claim.than)
