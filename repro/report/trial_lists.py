"""The trials behind every number of the page: one list per setting, one row per seed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from repro.cells.aggregate import Group, aggregate, dataset_entry
from repro.claims import Finding
from repro.report import parts, wording
from repro.report.document import Document
from repro.report.table import Entry, Row
from repro.spec import Claim

#: With more trials than this, lists of trials show the table's metrics alone: the page must load.
MANY_TRIALS = 1000


@dataclass(frozen=True)
class TrialList:
    """The trials behind a cell, as text: one row per seed."""

    anchor: str
    title: str
    metrics: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Anchors:
    """Names the lists of the trials behind the numbers of one stage."""

    def __init__(self, groups: Sequence[Group], prefix: str) -> None:
        self.groups = tuple(groups)
        self._names = {id(group): f"{prefix}{index}" for index, group in enumerate(groups)}
        self._places: dict[tuple[str, str], str] = {}
        for group in sorted(groups, key=lambda group: not group.setting.in_table):
            place = (group.setting.dataset, group.setting.method)
            self._places.setdefault(place, self.of_group(group))

    def of_group(self, group: Group) -> str:
        """Return the anchor of a setting."""
        return self._names[id(group)]

    def of_entry(self, entry: Entry) -> str:
        """Return the anchor of a table's entry; empty where it has no cell."""
        return self.of_group(entry.cell.group) if entry.cell else ""

    def of_rival(self, finding: Finding) -> str:
        """Return the anchor of what a finding sets its method against; else of the results."""
        return self._places.get((finding.dataset, finding.rival), "results")

    def of_method(self, finding: Finding, claim: Claim) -> str:
        """Return the anchor of the method that a finding is about; else of the results."""
        return self._places.get((finding.dataset, claim.method), "results")


def rows_of(document: Document) -> dict[tuple[str, str], str]:
    """Return (metric, method) → the anchor of the first row of a table that shows it."""
    found: dict[tuple[str, str], str] = {}
    for index, table in enumerate((*document.tables, *document.other_tables)):
        for column in table.columns:
            for row in table.rows:
                found.setdefault((column.metric, row.method), row_anchor(index, row))
    return found


def row_anchor(table: int, row: Row) -> str:
    """Return the anchor of a row in one of the document's tables, counted from 0."""
    return f"row{table}-{row.method}" + (f"-{quote(row.dataset)}" if row.dataset else "")


def anchors_of(document: Document) -> tuple[Anchors, Anchors]:
    """Return the anchors of the first stage's trials and of the second's."""
    second = document.second_stage
    groups = aggregate(document.plan, second.records).groups if second else ()
    return Anchors(document.data.groups, "t"), Anchors(groups, "second-")


def trial_lists(document: Document, first: Anchors, second: Anchors) -> list[TrialList]:
    """Return a list for every setting, sweeps included, and for those of the second stage."""
    wanted = _wanted(document)
    return [
        _trial_list(document, group, wanted, anchors.of_group(group), prefix)
        for anchors, prefix in ((first, ""), (second, "Second stage: "))
        for group in anchors.groups
    ]


def _wanted(document: Document) -> list[str]:
    spec = document.plan.spec
    names = spec.metric_names()
    if len(document.records) > MANY_TRIALS:
        return [name for name in names if spec.metric(name).table]
    return names


def _trial_list(
    document: Document, group: Group, wanted: Sequence[str], anchor: str, prefix: str
) -> TrialList:
    spec, setting = document.plan.spec, group.setting
    measured = {name for record in group.records for name in record.metrics}
    metrics = tuple(name for name in wanted if name in measured)
    rows = []
    for record in group.records:
        values = [
            wording.number(record.metrics.get(name), spec.metric(name).decimals + 1)
            for name in metrics
        ]
        why = record.error.get("message") or ", ".join(record.moved)
        state = f"{record.state}: {_clipped(str(why))}" if why else record.state
        rows.append((str(record.trial.seed), *values, state, record.trial.trial_id))
    own = {name: setting.params[name] for name in _tuned(document, group) if name in setting.params}
    shown = own | dict(setting.swept)
    swept = ", ".join(f"{name} = {value}" for name, value in shown.items())
    place = dataset_entry(spec, setting.dataset).label
    title = f"{spec.methods[setting.method].label} on {place}" + (f", {swept}" if swept else "")
    labels = tuple(parts.metric_heading(spec, name) for name in metrics)
    return TrialList(anchor, prefix + title, labels, tuple(rows))


def _tuned(document: Document, group: Group) -> Iterable[str]:
    """Return the parameters that tuning chose for the setting."""
    setting = group.setting
    return document.plan.tuned.get((setting.dataset, setting.method), {})


def _clipped(text: str, length: int = 160) -> str:
    line = re.sub(r"\s+", " ", text)
    return line if len(line) <= length else line[: length - 1] + "…"
