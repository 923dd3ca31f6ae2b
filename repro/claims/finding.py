"""What a claim's tests found, and the verdict on the claim: the data that reports print."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from repro.spec import Claim
from repro.statistics import Comparison, EachTest

Verdict = Literal["supported", "contradicted", "undecided", "not decided"]

#: The chance of any false verdict in a family of claims.
ALPHA = 0.05


@dataclass(frozen=True)
class Finding:
    """One elementary test of a claim.

    ``place``     where it was made, in words: "VIB on Diabetes at 0.1"
    ``rival``     "" where the claim sets the method against nothing; ``metric`` "" where the
                  finding is over several
    ``comparison``  its ``p_greater`` is that of the claim, its ``p_less`` that of the opposite
    ``interval``  of the estimate. Simultaneous: the true values of all findings of the family lie
                  within their intervals together, with probability at least 95 % (as far as each
                  kind of interval keeps its own promise). ``None`` where there is none
    ``holds``     the open range in which the claim says that the estimate lies; ``None`` at an
                  open end
    ``signed``    whether the estimate is a difference, printed with its sign
    """

    place: str
    dataset: str
    rival: str
    metric: str
    comparison: Comparison
    interval: tuple[float, float] | None
    estimate_label: str = "advantage"
    unit: str = ""
    decimals: int = 3
    budget: float | None = None
    holds: tuple[float | None, float | None] = (0.0, None)
    signed: bool = True

    @property
    def favourable(self) -> bool:
        """Whether the estimate lies where the claim says."""
        estimate = self.comparison.estimate
        return estimate is not None and self._inside(estimate)

    @property
    def reaches_bound(self) -> bool:
        """Whether the interval lies partly where the claim says and partly elsewhere."""
        if self.interval is None:
            return False
        low, high = self.interval
        return any(bound is not None and low <= bound <= high for bound in self.holds)

    def number(self, value: float) -> str:
        """Return a value of the estimate as it is printed, without its unit."""
        return f"{value:{'+' if self.signed else ''}.{self.decimals}f}"

    def _inside(self, value: float) -> bool:
        low, high = self.holds
        return (low is None or value > low) and (high is None or value < high)


@dataclass(frozen=True)
class ClaimVerdict:
    """The verdict on one claim.

    ``deciding``  the finding that support fails or holds on: the weakest; for a contradicted claim
                  the one that contradicts it most
    ``p_holm``    two-sided, after Holm over the family of ``family`` claims
    ``named``     how many data sets the claim speaks of, tested or not
    ``tables``    the labels of the data sets among the tested ones whose seeds split one table anew
    ``shared``    (what all seeds have in common of a tested data set, the set's label)
    ``conditional``  on what, in words, where compared settings share a teacher or a base network
    ``reasons``   why nothing could be decided; ``notes`` what limits the verdict
    """

    claim: Claim
    verdict: Verdict
    test: EachTest
    p_holm: float
    family: int
    findings: tuple[Finding, ...]
    deciding: Finding | None
    left_out: tuple[str, ...]
    reasons: tuple[str, ...]
    notes: tuple[str, ...]
    named: int = 0
    tables: tuple[str, ...] = ()
    shared: tuple[tuple[str, str], ...] = ()
    conditional: str = ""
    sentence: str = ""

    @property
    def estimate(self) -> float | None:
        """The deciding finding's estimate."""
        return self.deciding.comparison.estimate if self.deciding else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The deciding finding's simultaneous interval."""
        return self.deciding.interval if self.deciding else None

    @property
    def wins(self) -> int:
        """Number of findings whose estimate lies where the claim says."""
        return sum(finding.favourable for finding in self.findings)
