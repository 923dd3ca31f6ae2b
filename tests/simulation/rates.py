"""How often something happens in repeated simulation, and whether that keeps its bound."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from repro.claims import ALPHA
from repro.statistics import Comparison, EachTest, each, holm
from simulation.conditions import Random, generator

#: How many standard errors of the simulation a rate may lie beyond its bound.
ALLOWANCE = 3.0

#: A claim's two-sided test at level α errs with at most α / 2 in either direction.
ONE_TAIL = ALPHA / 2


#: One simulated case: which outcomes it met.
Once = Callable[[Random], Mapping[str, bool]]


@dataclass(frozen=True)
class Rate:
    """One row of the tables.

    ``what``   that is counted, ``under`` which conditions, over ``n`` seeds or runs
    ``hits``   in ``repetitions``
    ``bound``  at most this, or, for a ``coverage``, at least
    ``limit``  where a rule is known not to keep its bound: what it keeps instead
    ``naive``  what one might do instead, and ``naive_hits`` of it in the same simulation
    """

    what: str
    under: str
    n: str
    hits: int
    repetitions: int
    bound: float
    coverage: bool = False
    limit: float | None = None
    naive: str = ""
    naive_hits: int = 0

    @property
    def rate(self) -> float:
        return self.hits / self.repetitions

    @property
    def naive_rate(self) -> float:
        return self.naive_hits / self.repetitions

    @property
    def standard_error(self) -> float:
        return math.sqrt(self.rate * (1 - self.rate) / self.repetitions)

    @property
    def beyond_bound(self) -> bool:
        """Whether the rate lies on the wrong side of its bound, by however little."""
        return self.rate < self.bound if self.coverage else self.rate > self.bound

    def keeps(self, bound: float) -> bool:
        """Say whether the rate keeps ``bound``, but for the simulation's own error."""
        error = math.sqrt(bound * (1 - bound) / self.repetitions)
        excess = bound - self.rate if self.coverage else self.rate - bound
        return excess <= ALLOWANCE * error


@dataclass(frozen=True)
class Tally:
    """How often each outcome was met in ``repetitions``."""

    repetitions: int
    counts: Counter[str]

    def rate(
        self,
        what: str,
        under: str,
        n: object,
        bound: float,
        *,
        naive: str = "",
        limit: float | None = None,
        coverage: bool = False,
        of: str = "",
    ) -> Rate:
        """Return the row of outcome ``what``, among those repetitions that met ``of``.

        What the ``naive`` way met is counted under ``"naive " + what``.
        """
        return Rate(
            what,
            under,
            str(n),
            self.counts[what],
            self.counts[of] if of else self.repetitions,
            bound,
            coverage,
            limit,
            naive,
            self.counts[f"naive {what}"],
        )


def repeat(repetitions: int, once: Once, *key: str | float) -> Tally:
    """Return how often ``once`` met each of its outcomes; the same for the same ``key``."""
    random, counts = generator(*key), Counter[str]()
    for _ in range(repetitions):
        counts.update(name for name, met in once(random).items() if met)
    return Tally(repetitions, counts)


def verdict(test: EachTest | Comparison, family: int = 1) -> str:
    """Return the verdict of a claim in a family whose other claims show nothing."""
    test = each([test]) if isinstance(test, Comparison) else test
    adjusted = holm([test.p, *[1.0] * (family - 1)])[0]
    return test.direction if adjusted <= ALPHA else "undecided"


SUPPORTED, CONTRADICTED = "false `supported`", "false `contradicted`"


def false_verdict(word: str, prefix: str = "") -> dict[str, bool]:
    """Return the outcomes of a claim that is neither true nor clearly false."""
    return {
        prefix + SUPPORTED: word == "supported",
        prefix + CONTRADICTED: word == "contradicted",
    }
