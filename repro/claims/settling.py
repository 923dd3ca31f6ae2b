"""How many new seeds would settle the claims that the first ones left undecided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from repro.cells.aggregate import dataset_entry
from repro.claims.finding import ALPHA, ClaimVerdict, Finding
from repro.claims.planned import multiples, wanted_datasets
from repro.claims.scope import settings_of
from repro.planning.plan import Plan
from repro.spec import Claim
from repro.statistics.power import POWER, detection_power, further_seeds


@dataclass(frozen=True)
class SeedsToSettle:
    """What further seeds could settle of the claims that are undecided.

    ``claims``     that ``seeds`` new seeds would settle, by id; 0 seeds where there are none
    ``hopeless``   that would need more seeds than are allowed
    ``one_table``  whose new seeds would only split the same table again
    """

    claims: tuple[str, ...]
    seeds: int
    hopeless: tuple[str, ...]
    one_table: tuple[str, ...]


def seeds_to_settle(
    plan: Plan, verdicts: Sequence[ClaimVerdict], cap: int, at_least: int = 0
) -> SeedsToSettle:
    """Return which undecided claims at most ``cap`` new seeds, taken alone, would settle.

    ``at_least``  so many are run anyway, for cells

    Each finding that a claim needs is to be found with a probability of 80 %, if the effect and the
    variance of the first stage are the true ones. The family of the second stage are the claims
    that it settles, the paper's and ours apart. Claims with missing trials, diverged runs or an
    untestable part are left out: seeds would not settle them.

    Claims on re-splits of one table are not settled either. What the splits share made the claim
    look promising, and it is the same in the new seeds: their verdict would err far too often.
    """
    waiting = [verdict for verdict in verdicts if _waits_for_seeds(verdict)]
    free = [verdict for verdict in waiting if not on_one_table(verdict.claim, plan)]
    needs = _within(free, cap)
    claims = tuple(need.claim.id for need in needs)
    return SeedsToSettle(
        claims,
        _seeds_for_all(needs, cap, at_least),
        hopeless=tuple(v.claim.id for v in free if v.claim.id not in claims),
        one_table=tuple(v.claim.id for v in waiting if on_one_table(v.claim, plan)),
    )


def on_one_table(claim: Claim, plan: Plan) -> bool:
    """Say whether the claim rests on a data set whose seeds split one finite table again."""
    datasets = {dataset for dataset, _ in settings_of(claim, plan)}
    return any(dataset_entry(plan.spec, dataset).resplit > 0 for dataset in datasets)


@dataclass(frozen=True)
class _Need:
    """What must be found for a verdict on a claim: all of ``findings``, at a two-sided level."""

    claim: Claim
    findings: Sequence[Finding]
    level: float

    def seeds(self, cap: int) -> int | None:
        """Return the least number that is enough; ``None`` where ``cap`` is not."""
        each = [self._seeds_of(finding, cap) for finding in self.findings]
        known = [seeds for seeds in each if seeds is not None]
        return _least_for_all([self], max(known), cap) if len(known) == len(each) else None

    def met_by(self, seeds: int) -> bool:
        """Say whether so many seeds are enough."""
        powers = (self._power(finding, seeds) for finding in self.findings)
        return all(power >= POWER for power in powers)

    def _seeds_of(self, finding: Finding, cap: int) -> int | None:
        return further_seeds(*_contrast(finding), self.level, cap=cap, test=self.claim.test)

    def _power(self, finding: Finding, seeds: int) -> float:
        return detection_power(_standardised(finding), seeds, self.level, test=self.claim.test)


def _waits_for_seeds(verdict: ClaimVerdict) -> bool:
    testable = all(finding.comparison.contrast is not None for finding in verdict.findings)
    undecided = verdict.verdict == "undecided" and not verdict.reasons
    return undecided and testable and bool(verdict.findings)


def _within(waiting: Sequence[ClaimVerdict], cap: int) -> list[_Need]:
    """Return what those claims need that ``cap`` seeds are enough for.

    A claim that they are not enough for is no part of the second stage's family, so that the others
    are judged at a level that is less strict.
    """
    needs = [_need(verdict, waiting) for verdict in waiting]
    hopeful = [
        verdict for verdict, need in zip(waiting, needs, strict=True) if need.seeds(cap) is not None
    ]
    return needs if len(hopeful) == len(waiting) else _within(hopeful, cap)


def _need(verdict: ClaimVerdict, family: Sequence[ClaimVerdict]) -> _Need:
    size = sum(other.claim.ours == verdict.claim.ours for other in family)
    support, contradiction = multiples(verdict.claim, verdict.findings, verdict.named)
    findings = _decisive(verdict)
    against = any(_standardised(finding) < 0 for finding in findings)
    level = ALPHA / size / (contradiction if against else support)
    return _Need(verdict.claim, findings, level)


def _decisive(verdict: ClaimVerdict) -> Sequence[Finding]:
    """Return what must be found for a verdict in the direction that the first stage points to."""
    if wanted_datasets(verdict.claim) is not None:
        # The weakest of the data sets that must hold, as if the rest were none of the claim.
        return [verdict.deciding] if verdict.deciding else []
    strongest = min(verdict.findings, key=_standardised)
    return [strongest] if _standardised(strongest) < 0 else verdict.findings


def _seeds_for_all(needs: Sequence[_Need], cap: int, at_least: int) -> int:
    """Return how many seeds are enough for each of ``needs``, and no fewer than ``at_least``."""
    most = max((need.seeds(cap) or 0 for need in needs), default=0)
    most = max(most, at_least)
    # Near the cap there may be no number that suits every sign test.
    return _least_for_all(needs, most, cap) or most


def _least_for_all(needs: Sequence[_Need], low: int, cap: int) -> int | None:
    """Return the least number from ``low`` on that is enough for all: more is not always enough."""
    numbers = range(low, cap + 1)
    return next((n for n in numbers if all(need.met_by(n) for need in needs)), None)


def _contrast(finding: Finding) -> tuple[float, float]:
    assert finding.comparison.contrast is not None
    return finding.comparison.contrast


def _standardised(finding: Finding) -> float:
    mean, sd = _contrast(finding)
    return mean / sd if sd > 0 else 0.0
