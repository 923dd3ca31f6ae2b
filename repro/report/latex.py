r"""The tables for LaTeX (booktabs, siunitx), read with ``\input``, and one macro per cell."""

from __future__ import annotations

import re

from repro.report.document import Document
from repro.report.table import Entry, Row, Table

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "−": r"$-$",
    "·": r"$\cdot$",
    "–": "--",
    "—": "---",
    "ε": r"$\varepsilon$",
    "β": r"$\beta$",
    "σ": r"$\sigma$",
    "∞": r"$\infty$",
    "“": "``",
    "”": "''",
    "…": r"\dots{}",
    "²": r"$^2$",
    "×": r"$\times$",
}
_PATTERN = re.compile("|".join(map(re.escape, _SPECIAL)))


def escape(text: str) -> str:
    """Return ``text`` so that LaTeX prints it as it is."""
    return _PATTERN.sub(lambda match: _SPECIAL[match[0]], text)


def table_tex(document: Document) -> str:
    """Return the headline tables, each a ``table`` environment."""
    head = [
        "% Needs \\usepackage{booktabs} and \\usepackage{siunitx} (version 3).",
        f"% {document.sentence}",
    ]
    return "\n".join(head + [_environment(document, table) for table in document.tables]) + "\n"


def macros_tex(document: Document) -> str:
    r"""Return macros for prose: ``\klaim{paper/scale/dataset/method/metric}`` prints a cell.

    A name that does not exist stops LaTeX with an error, so that no number is missing silently.
    """
    prefix = f"{document.plan.spec.paper}/{document.plan.scale_name}"
    tables = (*document.tables, *document.other_tables)
    entries = [entry for table in tables for row in table.rows for entry in row.entries]
    cells = [_macro(f"{prefix}/{e.cell.address}", _prose(e)) for e in entries if e.cell]
    claims = [_macro(f"{prefix}/claim/{c.claim.id}", c.verdict) for c in document.claims]
    return "\n".join([_ACCESSOR, *cells, *claims]) + "\n"


_ACCESSOR = r"""\makeatletter
\providecommand{\klaim}[1]{\ifcsname klaim@#1\endcsname\csname klaim@#1\endcsname
  \else\errmessage{No such cell in the report: #1}\fi}
\makeatother"""


def _macro(name: str, body: str) -> str:
    return rf"\expandafter\def\csname klaim@{name}\endcsname{{{body}}}"


def _prose(entry: Entry) -> str:
    value = f"{entry.value} \\pm {entry.spread}" if entry.spread else entry.value
    number = rf"\ensuremath{{{value}}}" if _numeric(entry.value) else escape(value)
    state = escape(entry.state)
    return f"{number} ({state})" if number and state else number or state


def _environment(document: Document, table: Table) -> str:
    spec = document.plan.spec
    columns = "".join(_column(table, index) for index in range(len(table.columns)))
    heads = " & ".join(f"{{{escape(column.label)}}}" for column in table.columns)
    lines = [r"\begin{table}", r"  \centering", rf"  \caption{{{_caption(document, table)}}}"]
    lines += [rf"  \begin{{tabular}}{{l{columns}}}", r"    \toprule", rf"    & {heads} \\"]
    for _, rows in table.groups:
        lines.append(r"    \midrule")
        lines += [f"    {_line(row)}" for row in rows]
    lines += [
        r"    \bottomrule",
        r"  \end{tabular}",
        rf"  \label{{tab:{_label(spec.paper, table)}}}",
    ]
    return "\n".join([*lines, r"\end{table}"])


def _caption(document: Document, table: Table) -> str:
    notes = " ".join(escape(note) for note in document.notes)
    text = f"{escape(table.title)}. Mean $\\pm$ half-width of the 95\\,\\% $t$ interval; "
    return f"{text}$\\star$ best mean. {escape(document.banner)}. {notes}".strip()


def _label(paper: str, table: Table) -> str:
    return f"{paper}-{table.columns[0].metric if table.columns else 'empty'}".replace("@", "-")


def _column(table: Table, index: int) -> str:
    """Return an ``S`` column wide enough for its numbers and their intervals."""
    entries = [row.entries[index] for row in table.rows]
    values = [entry.value for entry in entries if _numeric(entry.value)]
    spreads = [entry.spread for entry in entries if _numeric(entry.spread)]
    if not values:
        return "c"
    whole = max(len(value.lstrip("-").partition(".")[0]) for value in values)
    sign = "-" if any(value.startswith("-") for value in values) else ""
    decimals = table.metric.decimals
    number = f"{sign}{whole}.{decimals}" if decimals else f"{sign}{whole}"
    digits = max((len(spread.replace(".", "").lstrip("0")) or 1 for spread in spreads), default=0)
    uncertainty = f"({digits})" if digits else ""
    options = f"table-format={number}{uncertainty}, separate-uncertainty=true"
    return f"S[{options}, table-space-text-post={{$^\\star$}}, table-align-text-post=false]"


def _line(row: Row) -> str:
    return " & ".join([escape(row.label), *map(_entry, row.entries)]) + r" \\"


def _entry(entry: Entry) -> str:
    if not entry.value or entry.state or not _numeric(entry.value):
        return f"{{{_note(entry)}}}"
    spread = rf" \pm {entry.spread}" if _numeric(entry.spread) else ""
    star = r" {$^\star$}" if entry.best else ""
    return f"{entry.value}{spread}{star}"


def _note(entry: Entry) -> str:
    if entry.cell is None:
        return "---"
    text = f"{entry.value} ± {entry.spread}" if entry.spread else entry.value
    return rf"{escape(text)} \footnotesize {escape(entry.state)}".strip()


def _numeric(text: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?", text) is not None
