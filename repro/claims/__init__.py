"""Claims of a paper as tests: what the trials say of each, how surely, and in which words."""

from repro.claims.decision import decide
from repro.claims.finding import ALPHA, ClaimVerdict, Finding, Verdict
from repro.claims.headline import headline
from repro.claims.power import detectable
from repro.claims.scope import datasets_of, rivals_of, settings_of
from repro.claims.settling import SeedsToSettle, on_one_table, seeds_to_settle
from repro.claims.words import describe_p

__all__ = [
    "ALPHA",
    "ClaimVerdict",
    "Finding",
    "SeedsToSettle",
    "Verdict",
    "datasets_of",
    "decide",
    "describe_p",
    "detectable",
    "headline",
    "on_one_table",
    "rivals_of",
    "seeds_to_settle",
    "settings_of",
]
