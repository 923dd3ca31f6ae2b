r"""The LaTeX files: tables and macros for someone's own paper, and the report as a paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from jinja2 import Environment, PackageLoader, StrictUndefined

from repro.claims import describe_p
from repro.report import loss_profile, parts, wording
from repro.report.document import Document
from repro.report.figures.render import RenderedFigure
from repro.report.latex_table import SETUP, is_number, legend, tabulars
from repro.report.latex_text import Tex, code, comment, csname, escape, prose
from repro.report.table import Entry, Table


def table_tex(document: Document) -> str:
    """Return the headline tables, each a ``table`` environment."""
    head = [
        "% Needs \\usepackage{booktabs} and \\usepackage{siunitx} (version 3).",
        f"% {comment(document.sentence)}",
        SHAPES,
    ]
    tables = [text for table in document.tables for text in _environments(document, table)]
    return "\n".join(head + tables) + "\n"


def macros_tex(document: Document) -> str:
    r"""Return macros for prose: ``\klaim{paper/scale/dataset/method/metric}`` prints a cell.

    A name that does not exist stops LaTeX with an error, so that no number is missing silently.
    """
    prefix = f"{document.plan.spec.paper}/{document.plan.scale_name}"
    tables = (*document.tables, *document.other_tables, *document.silent_tables)
    entries = [entry for table in tables for entry in table.entries]
    cells = [_macro(f"{prefix}/{e.cell.address}", _in_prose(e)) for e in entries if e.cell]
    claims = [_macro(f"{prefix}/claim/{c.claim.id}", c.verdict) for c in document.claims]
    return "\n".join([ACCESSOR, *cells, *claims]) + "\n"


def report_tex(document: Document, figures: Sequence[RenderedFigure]) -> str:
    """Return the whole report as a LaTeX document, which finds its figures in ``figures/``."""
    environment = Environment(
        loader=PackageLoader("repro.report"),
        block_start_string="<%",
        block_end_string="%>",
        variable_start_string="<<",
        variable_end_string=">>",
        comment_start_string="<#",
        comment_end_string="#>",
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
        # Whatever the template prints is escaped, unless it is LaTeX already.
        finalize=lambda value: prose(str(value)) if not isinstance(value, Tex) else value,
    )
    environment.filters |= {
        "code": code,
        "name": lambda text: Tex(csname(text)),
        "estimate": parts.estimate,
        "bare_estimate": parts.bare_estimate,
        "estimated": parts.what_is_estimated,
        "interval": parts.interval,
        "likelihood": parts.likelihood,
        "origin": parts.origin,
        "rests": parts.rests,
        "rests_on": parts.rests_on,
        "further_reasons": parts.further_reasons,
        "overall_value": partial(parts.overall_value, spec=document.plan.spec),
        "overall_interval": partial(parts.overall_interval, spec=document.plan.spec),
    }
    page = environment.get_template("report.tex").render(
        document=document,
        plan=document.plan,
        spec=document.plan.spec,
        figures=figures,
        wording=wording,
        tabulars=tabulars,
        describe_p=describe_p,
        legend=legend,
        loss_profile=loss_profile,
        setup=SETUP,
        citation=parts.citation(document.plan.spec),
        dataset_notes=parts.dataset_notes(document),
        families=parts.families(document),
        likelihood_name=parts.LIKELIHOOD,
        likelihood_means=parts.LIKELIHOOD_MEANS
        if any(map(parts.has_likelihood, document.claims))
        else "",
        gpu=any(cost.cuda_memory for cost in document.costs),
        overall=parts.overall_blocks(document),
        references=parts.references(document),
        shared_limits=parts.shared_limits(document),
        staged_findings=parts.staged_findings(document),
        verdict_sentences=parts.verdict_sentences(document),
    )
    return page + "\n"


def figure_files(figures: Sequence[RenderedFigure]) -> Mapping[str, bytes]:
    """Return the files that the report's LaTeX source includes."""
    return {f"figures/{figure.spec.id}.pdf": figure.pdf for figure in figures}


#: Shapes that a document may define for itself; these need no package.
SHAPES = r"""\providecommand{\klaimcheck}{\ensuremath{\surd}}
\providecommand{\klaimagain}{\ensuremath{\hookleftarrow}}"""

#: Defines the command that prints a cell.
ACCESSOR = r"""\makeatletter
\providecommand{\klaim}[1]{\ifcsname klaim@#1\endcsname\csname klaim@#1\endcsname
  \else\errmessage{No such cell in the report: #1}\fi}
\makeatother"""


def _macro(name: str, body: str) -> str:
    return rf"\expandafter\def\csname klaim@{csname(name)}\endcsname{{{body}}}"


def _in_prose(entry: Entry) -> str:
    value = f"{entry.value} \\pm {entry.spread}" if entry.spread else entry.value
    number = rf"\ensuremath{{{value}}}" if is_number(entry.value) else escape(entry.value)
    state = escape(entry.state)
    return f"{number} ({state})" if number and state else number or state


def _environments(document: Document, table: Table) -> list[str]:
    """Return a ``table`` environment for each part of a table that fits a page."""
    pieces = tabulars(table)
    caption, label = _caption(document, table), _label(document.plan.spec.paper, table)
    return [
        "\n".join(
            [
                r"\begin{table}",
                rf"\centering {SETUP}",
                rf"\caption{{{caption}{_continued(index, len(pieces))}}}",
                rf"\label{{tab:{label}{f'-{index + 1}' if index else ''}}}",
                piece,
                r"\end{table}",
            ]
        )
        for index, piece in enumerate(pieces)
    ]


def _continued(index: int, parts: int) -> str:
    return f" Part {index + 1} of {parts}." if parts > 1 else ""


def _caption(document: Document, table: Table) -> Tex:
    notes = " ".join(prose(note) for note in document.notes)
    printed = f" {prose(document.printed_note)}" if document.printed_note else ""
    text = f"{prose(table.title)}. {legend(table)}{printed} {prose(document.banner)}. {notes}"
    return Tex(text.strip())


def _label(paper: str, table: Table) -> str:
    metric = table.columns[0].metric if table.columns else "empty"
    return csname(f"{paper}-{metric}").replace("@", "-").replace("_", "-")
