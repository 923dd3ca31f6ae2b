"""Pieces of text that the page and the paper share: each is put into words here alone."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

from repro.cells.aggregate import Cell, dataset_entry
from repro.cells.overall_row import OverallRow
from repro.claims import ClaimVerdict, Finding, describe_p
from repro.claims.words import SHOWN_REASONS, unit_of
from repro.planning.plan import USER_FILE
from repro.report import wording
from repro.report.document import Document
from repro.report.table import Mark
from repro.spec import TableSpec


def citation(spec: TableSpec) -> list[str]:
    """Return where the paper can be found: venue, year, arXiv."""
    year = "" if str(spec.cite.year) in spec.cite.venue else str(spec.cite.year or "")
    arxiv = f"arXiv:{spec.cite.arxiv}" if spec.cite.arxiv else ""
    return [part for part in (spec.cite.venue, year, arxiv) if part]


def references(document: Document) -> list[str]:
    """Return the sources of the statistics that the report uses."""
    found = [_HOLM] if document.claims else []
    names = document.plan.datasets
    if any(dataset_entry(document.plan.spec, name).resplit > 0 for name in names):
        found.append(_RESPLITS)
    return found


_HOLM = (
    "S. Holm. A simple sequentially rejective multiple test procedure. Scandinavian Journal of "
    "Statistics, 6(2):65–70, 1979."
)
_RESPLITS = (
    "C. Nadeau and Y. Bengio. Inference for the generalization error. Machine Learning, "
    "52(3):239–281, 2003."
)


def dataset_notes(document: Document) -> list[tuple[str, str]]:
    """Return (data set, what a reader must know of it)."""
    notes = []
    for name in document.plan.datasets:
        entry = dataset_entry(document.plan.spec, name)
        text = [name] if name.startswith(USER_FILE) else []
        text += [entry.note.rstrip(".")] if entry.note else []
        if entry.resplit > 0:
            text.append(
                f"seeds re-split one finite table, so intervals and tests use the variance factor "
                f"1/n + {entry.resplit:g} of Nadeau and Bengio in place of 1/n"
            )
        if text:
            notes.append((entry.label, "; ".join(text)))
    return notes


def verdict_sentences(document: Document) -> list[tuple[str, Mark]]:
    """Return (method on data set, verdict) for each cell that is compared with a printed number."""
    return [
        (_place(document.plan.spec, entry.cell), mark)
        for table in (*document.tables, *document.other_tables)
        for entry in table.entries
        if entry.cell is not None and entry.verdict is not None
        for mark in entry.marks
        if mark.sentence
    ]


def _place(spec: TableSpec, cell: Cell) -> str:
    dataset = dataset_entry(spec, cell.dataset).label
    return f"{spec.methods[cell.method].label} on {dataset}, {metric_heading(spec, cell.metric)}"


@dataclass(frozen=True)
class OverallBlock:
    """One ``overall:`` statistic of the spec: every method's value over all runs and data sets."""

    title: str
    rows: tuple[OverallRow, ...]

    @property
    def how(self) -> str:
        """How its intervals were made, or what its ranks say together."""
        for p in (row.p for row in self.rows if row.p is not None):
            test = f"Friedman's test that all are alike: p {describe_p(p)}"
            return f"ranks of means over runs; {test}; pairs by Holm"
        row = next((row for row in self.rows if row.interval), None)
        if row is None:
            return ""
        if not row.draws:
            return f"{100 * row.level:g} % t interval (Satterthwaite)"
        return (
            f"{100 * row.level:g} % stratified bootstrap over runs and data sets, {row.draws:,} "
            f"draws, seed {row.seed}"
        )


def overall_blocks(document: Document) -> list[OverallBlock]:
    """Return the overall statistics, one block for each entry of the spec."""
    found: dict[str, list[OverallRow]] = {}
    for row in document.overall:
        found.setdefault(row.id, []).append(row)
    return [OverallBlock(rows[0].title, tuple(rows)) for rows in found.values()]


def overall_value(row: OverallRow, spec: TableSpec) -> str:
    """Return a row's value; a dash where it has none."""
    return wording.number(row.value, _decimals(row, spec))


def overall_interval(row: OverallRow, spec: TableSpec) -> str:
    """Return a row's interval; a dash where it has none."""
    if row.interval is None:
        return "—"
    low, high = (wording.number(end, _decimals(row, spec)) for end in row.interval)
    return f"{low} to {high}"


def _decimals(row: OverallRow, spec: TableSpec) -> int:
    """A ratio, a probability or a rank has no unit, so not the metric's decimals either."""
    if row.statistic == "mean_rank":
        return 2
    return 3 if row.rival else spec.metric(row.metric).decimals


def families(document: Document) -> list[tuple[str, list[ClaimVerdict]]]:
    """Return the two families of claims, each with its heading."""
    return [("Claims of the paper", document.paper_claims), ("Our controls", document.controls)]


def origin(verdict: ClaimVerdict) -> str:
    """Return who says what the claim says, and where."""
    if verdict.claim.ours:
        return "Our control, not a claim of the paper"
    return f"The paper, {verdict.claim.source}"


def rests(verdict: ClaimVerdict) -> Finding | None:
    """Return the finding that the verdict rests on; none where a reason says why there is none."""
    return None if verdict.reasons else verdict.deciding


def rests_on(verdict: ClaimVerdict) -> str:
    """Return where that finding was made, or why there is none."""
    finding = rests(verdict)
    if finding is not None:
        return finding.place
    return verdict.reasons[0] if verdict.reasons else "—"


def further_reasons(verdict: ClaimVerdict) -> tuple[str, ...]:
    """Return why nothing could be decided, where the verdict's sentence does not say all of it."""
    return verdict.reasons if len(verdict.reasons) > SHOWN_REASONS else ()


def shared_limits(document: Document) -> dict[str, int]:
    """Return the limits that several claims share, to be said once: text → number of claims."""
    counts = Counter(note for verdict in document.claims for note in verdict.notes)
    return {note: count for note, count in counts.items() if count > 1}


def staged_findings(document: Document) -> list[tuple[str, ClaimVerdict]]:
    """Return (stage, verdict) for each verdict with findings; the stage is empty for the first."""
    second = document.second_stage.claims if document.second_stage else ()
    staged = [("", verdict) for verdict in document.claims]
    staged += [(", second stage", verdict) for verdict in second]
    return [(stage, verdict) for stage, verdict in staged if verdict.findings]


def estimate(finding: Finding | None) -> str:
    """Return a finding's estimate with its unit; a dash where there is none."""
    if finding is None or finding.comparison.estimate is None:
        return "—"
    return f"{bare_estimate(finding)} {unit_of(finding)}".rstrip()


def what_is_estimated(verdict: ClaimVerdict) -> str:
    """Return what a claim's findings estimate, with its unit; several, where they differ."""
    labels = dict.fromkeys(
        f"{finding.estimate_label} [{unit_of(finding)}]" if finding.unit else finding.estimate_label
        for finding in verdict.findings
    )
    return ", ".join(labels)


def bare_estimate(finding: Finding) -> str:
    """Return a finding's estimate without its unit; a dash where there is none."""
    value = finding.comparison.estimate
    return "—" if value is None else finding.number(value)


def interval(finding: Finding | None) -> str:
    """Return a finding's simultaneous interval; a dash where there is none."""
    if finding is None or finding.interval is None:
        return "—"
    low, high = finding.interval
    return f"{finding.number(low)} to {finding.number(high)}"


#: What stands beside the interval of a curve's parameter, and what it is.
LIKELIHOOD = "profile likelihood, 95 %"
LIKELIHOOD_MEANS = (
    "Profile likelihood: what the scatter of the means about their curve allows, 95 %, for one "
    "parameter alone; it decides nothing."
)


def likelihood(finding: Finding) -> str:
    """Return the interval of a curve's parameter by profile likelihood; nothing without one."""
    ends = finding.comparison.likelihood
    if ends is None:
        return ""
    low, high = (finding.number(end) if math.isfinite(end) else _INFINITE[end] for end in ends)
    return f"{low} to {high}"


_INFINITE = {math.inf: "∞", -math.inf: "−∞"}


def has_likelihood(verdict: ClaimVerdict) -> bool:
    """Say whether any finding of a verdict has an interval by profile likelihood."""
    return any(finding.comparison.likelihood is not None for finding in verdict.findings)


def metric_heading(spec: TableSpec, name: str) -> str:
    """Return a metric's label with its level."""
    level = name.partition("@")[2]
    return spec.metric(name).label + (f" @ {level}" if level else "")
