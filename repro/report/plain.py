"""The report's table as plain text, for the terminal, and as Markdown."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from tabulate import tabulate

from repro.aggregate import dataset_entry
from repro.report import wording
from repro.report.document import Document
from repro.report.table import Entry, Row, Table
from repro.verdicts import describe_p

#: Columns of a terminal that the table should fit.
WIDTH = 100


def terminal_text(document: Document) -> str:
    """Return the headline tables, split by data set where they are wider than the terminal."""
    parts = []
    for table in document.tables:
        parts.append(f"{table.title} ({document.banner})")
        parts += _fitting(table)
    parts.append(textwrap.fill(_legend(document), WIDTH))
    return "\n".join(parts)


def markdown(document: Document) -> str:
    """Return tables, claims and deviations as Markdown."""
    spec = document.plan.spec
    parts = [f"# {spec.title}", f"**{document.sentence}**", *document.notes]
    for table in document.tables:
        parts.append(f"## {table.title}")
        parts.append(_grid(table, range(len(table.columns)), "pipe", paper=_paper(document)))
        parts.append(f"{document.banner}. {_legend(document)}")
    parts.append("## Claims")
    parts += [
        f"- {wording.SYMBOLS[claim.verdict]} **{claim.verdict}** — “{claim.claim.text}” "
        f"({'our control' if claim.claim.ours else claim.claim.source}). {claim.sentence} "
        f"p {describe_p(claim.p_holm)} after Holm over {claim.family}."
        for claim in document.claims
    ]
    if document.claims:
        parts.append(wording.INTERVALS)
    if spec.deviations:
        parts += ["## Deviations", "\n".join(f"- {text}" for text in spec.deviations)]
    return "\n\n".join(parts) + "\n"


def _legend(document: Document) -> str:
    plan = document.plan
    resplit = any(dataset_entry(plan.spec, name).resplit > 0 for name in plan.datasets)
    text = f"Mean ± half-width of the 95 % t interval. {wording.BEST} best mean of its column."
    if resplit:
        text += " Intervals over re-splits of one table use the corrected variance."
    return text


def _fitting(table: Table) -> list[str]:
    """Return the table in as few blocks of columns as fit the terminal's width."""
    blocks: list[list[int]] = []
    for index in range(len(table.columns)):
        trial = [*blocks[-1], index] if blocks else [index]
        wide = max(map(len, _grid(table, trial, "simple").splitlines())) > WIDTH
        if not blocks or wide:
            blocks.append([index])
        else:
            blocks[-1] = trial
    return [_grid(table, block, "simple") for block in blocks]


def _grid(table: Table, columns: Sequence[int], style: str, paper: str = "") -> str:
    headers = ["", *(table.columns[index].label for index in columns)]
    rows = [_line(row, columns, paper) for row in table.rows]
    return tabulate(rows, headers, tablefmt=style, disable_numparse=True)


def _line(row: Row, columns: Sequence[int], paper: str) -> list[str]:
    return [row.label, *(_text(row.entries[index], paper) for index in columns)]


def _paper(document: Document) -> str:
    return "paper" if document.plan.scale_name == "paper" else "paper, not compared"


def _text(entry: Entry, paper: str) -> str:
    printed = f" ({paper}: {entry.reported})" if paper and entry.reported else ""
    return entry.text.replace(" ± ", "±") + printed
