"""The report as one HTML page: self-contained, no request leaves it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from repro import verdicts
from repro.aggregate import Group, dataset_entry
from repro.plan import USER_FILE
from repro.report import wording
from repro.report.document import Document
from repro.report.figures import RenderedFigure
from repro.report.table import Entry, Table

#: With more trials than this, lists of trials show the table's metrics alone: the page must load.
MANY_TRIALS = 1000


@dataclass(frozen=True)
class TrialList:
    """The trials behind a cell, as text: one row per seed."""

    anchor: str
    title: str
    metrics: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def html(document: Document, figures: Sequence[RenderedFigure]) -> str:
    """Return the page."""
    environment = Environment(
        loader=PackageLoader("repro.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["svg"] = Markup
    page: str = environment.get_template("report.html").render(
        document=document,
        plan=document.plan,
        spec=document.plan.spec,
        figures=figures,
        wording=wording,
        anchor=_Anchors(document).of_entry,
        describe_pair=verdicts.describe_pair,
        describe_p=verdicts.describe_p,
        paper_claims=[v for v in document.claims if not v.claim.ours],
        controls=[v for v in document.claims if v.claim.ours],
        states=_states(document),
        trial_lists=list(trial_lists(document)),
        shortened=len(document.records) > MANY_TRIALS,
        notes=_dataset_notes(document),
    )
    return page


class _Anchors:
    """Names the list of trials behind each cell."""

    def __init__(self, document: Document) -> None:
        self._names = {id(group): f"t{i}" for i, group in enumerate(document.data.groups)}

    def of_group(self, group: Group) -> str:
        return self._names[id(group)]

    def of_entry(self, entry: Entry) -> str:
        return self.of_group(entry.cell.group) if entry.cell else ""


def trial_lists(document: Document) -> list[TrialList]:
    """Return a list for every setting, sweeps included."""
    anchors = _Anchors(document)
    spec = document.plan.spec
    wanted = spec.metric_names()
    if len(document.records) > MANY_TRIALS:
        wanted = [name for name in wanted if spec.metric(name).table]
    return [_trial_list(document, group, wanted, anchors) for group in document.data.groups]


def _trial_list(
    document: Document, group: Group, wanted: Sequence[str], anchors: _Anchors
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
    swept = ", ".join(f"{name} = {value}" for name, value in setting.swept.items())
    place = dataset_entry(spec, setting.dataset).label
    title = f"{spec.methods[setting.method].label} on {place}" + (f", {swept}" if swept else "")
    labels = tuple(_metric_heading(document, name) for name in metrics)
    return TrialList(anchors.of_group(group), title, labels, tuple(rows))


def _metric_heading(document: Document, name: str) -> str:
    level = name.partition("@")[2]
    return document.plan.spec.metric(name).label + (f" @ {level}" if level else "")


def _clipped(text: str, length: int = 160) -> str:
    line = re.sub(r"\s+", " ", text)
    return line if len(line) <= length else line[: length - 1] + "…"


def _states(document: Document) -> list[str]:
    """Return the cell states that the page shows, for the legend."""
    tables: Sequence[Table] = (*document.tables, *document.other_tables)
    found = {state for table in tables for state in table.states}
    return [state for state in wording.SYMBOLS if state in found]


def _dataset_notes(document: Document) -> list[tuple[str, str]]:
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
