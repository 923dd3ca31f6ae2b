"""A claim in its circumstances, and the evidence that is gathered for it."""

from __future__ import annotations

from dataclasses import dataclass, field

from repro.cells.aggregate import Aggregate, dataset_entry
from repro.claims.finding import ALPHA, Finding
from repro.planning.plan import Plan
from repro.spec import Claim, TableSpec
from repro.statistics import Comparison, EachTest, simultaneous_tail


@dataclass(frozen=True)
class Case:
    """One claim of a family of ``family`` claims, and the trials that it is judged by."""

    claim: Claim
    plan: Plan
    data: Aggregate
    family: int

    @property
    def spec(self) -> TableSpec:
        """The paper's table spec."""
        return self.plan.spec

    @property
    def level(self) -> float:
        """The two-sided level that the claim's p must be able to reach: Holm's strictest."""
        return ALPHA / self.family

    def tail(self, findings: int) -> float:
        """Return what each end of a simultaneous interval leaves out, of so many findings."""
        return simultaneous_tail(findings, self.family, ALPHA)

    def metric_on(self, dataset: str) -> str:
        """Return the metric by which the claim is judged on a data set."""
        return self.claim.metric_for.get(dataset, self.claim.metric)

    def comparable(self, dataset: str) -> bool:
        """Say whether the claim's metrics have a meaning on a data set."""
        entry = dataset_entry(self.spec, dataset)
        return all(map(entry.compares, filter(None, (self.metric_on(dataset), self.claim.cost))))

    def resplit(self, dataset: str) -> float:
        """Return n_held_out / n_train where the data set's seeds re-split one table, else 0."""
        return dataset_entry(self.spec, dataset).resplit

    def shared(self, dataset: str) -> str:
        """Return what all seeds have in common of a data set, in words; empty for nothing."""
        return dataset_entry(self.spec, dataset).shared

    def label(self, method: str) -> str:
        """Return how a method is called."""
        return self.spec.methods[method].label

    def dataset_label(self, dataset: str) -> str:
        """Return how a data set is called."""
        return dataset_entry(self.spec, dataset).label

    def place(self, method: str, dataset: str, detail: str = "") -> str:
        """Return ``method on data set``, with a detail such as a budget."""
        text = f"{self.label(method)} on {self.dataset_label(dataset)}"
        return f"{text} {detail}" if detail else text


@dataclass
class Evidence:
    """What was found for a claim.

    ``test``      the findings taken together; nothing can be said where there is a problem
    ``deciding``  the finding that the test rests on
    ``left_out``  parts of the claim that this scale cannot test and the verdict must name
    ``named``     how many data sets the claim speaks of, tested or not
    ``problems``  why the claim cannot be decided at all; empty if it can
    """

    findings: list[Finding] = field(default_factory=list)
    test: EachTest = field(default_factory=lambda: EachTest(1.0, 1.0))
    deciding: Finding | None = None
    named: int = 0
    left_out: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def problem(self, text: str) -> None:
        """Note why the claim cannot be decided, once."""
        if text not in self.problems:
            self.problems.append(text)

    @property
    def comparisons(self) -> list[Comparison]:
        """The findings' tests."""
        return [finding.comparison for finding in self.findings]
