"""The report as one HTML page: self-contained, no request leaves it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from repro.claims import describe_p
from repro.report import loss_profile, parts, tuning_effort, wording
from repro.report.document import Document
from repro.report.figures.render import RenderedFigure
from repro.report.trial_lists import MANY_TRIALS, anchors_of, row_anchor, rows_of, trial_lists

#: The report's other files, as the page calls them.
FILES = {
    "report.pdf": "PDF",
    "report.tex": "LaTeX",
    "table.tex": "tables for LaTeX",
    "macros.tex": "macros for LaTeX",
    "table.md": "Markdown",
    "verdicts.json": "verdicts (JSON)",
    "trials.parquet": "trials (Parquet)",
}


def html(document: Document, figures: Sequence[RenderedFigure], files: Iterable[str]) -> str:
    """Return the page. ``files``: the names of those that lie beside it, which it links."""
    first, second = anchors_of(document)
    present = set(files)
    page: str = (
        page_environment()
        .get_template("report.html")
        .render(
            document=document,
            plan=document.plan,
            spec=document.plan.spec,
            figures=figures,
            files=[(name, label) for name, label in FILES.items() if name in present],
            wording=wording,
            loss_profile=loss_profile,
            parts=parts,
            anchors=first,
            second_anchors=second,
            rows=rows_of(document),
            shared_limits=parts.shared_limits(document),
            row_anchor=row_anchor,
            describe_p=describe_p,
            shown_params=tuning_effort.shown_params,
            trial_lists=trial_lists(document, first, second),
            shortened=len(document.records) > MANY_TRIALS,
        )
    )
    return page.lstrip()


def page_environment() -> Environment:
    """Return what every page is rendered with: all text escaped, nothing undefined."""
    environment = Environment(
        loader=PackageLoader("repro.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"svg": Markup, "prose": wording.typeset}
    return environment
