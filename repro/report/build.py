"""Writing the report's files, each whole or not at all."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from repro.files import make_directory, write_bytes, write_json
from repro.planning.plan import Plan
from repro.report import ReportSummary, latex, machine, page, plain
from repro.report.document import Document, make_document
from repro.report.figures.render import RenderedFigure, render_figures
from repro.report.pdf import Compiled, compile_pdf
from repro.report.stamp import STAMP, digest
from repro.trials.store import TrialRecord


def build(plan: Plan, records: Sequence[TrialRecord]) -> ReportSummary:
    """Build the report of ``plan`` in its folder; return its summary."""
    with _records_left_to_live():
        return _build(plan, records)


def _build(plan: Plan, records: Sequence[TrialRecord]) -> ReportSummary:
    folder = make_directory(plan.paths.report(partial=plan.partial))
    (folder / STAMP).unlink(missing_ok=True)
    document = make_document(plan, records)
    figures = render_figures(document)
    source = latex.report_tex(document, figures)
    compiled = compile_pdf(source, latex.figure_files(figures))
    contents = _contents(document, figures) | _paper(source, compiled)
    contents["report.html"] = page.html(document, figures, contents).encode()
    for name, content in contents.items():
        path = folder / name
        make_directory(path.parent)
        write_bytes(path, content, durable=False)
    _remove_old(folder, contents)
    summary = ReportSummary(folder, plain.terminal_text(document), document.sentence, compiled.note)
    stamp = {"digest": digest(plan, records), "files": list(contents), "pdf": compiled.state}
    text = {"table_text": summary.table_text, "sentence": summary.sentence}
    write_json(folder / STAMP, stamp | text | {"pdf_note": summary.pdf_note})
    return summary


@contextlib.contextmanager
def _records_left_to_live() -> Iterator[None]:
    """Hide what there is from the garbage collector.

    Ten thousand records live to the report's end; to look through them again and again for garbage
    would take a tenth of the time.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _contents(document: Document, figures: Sequence[RenderedFigure]) -> dict[str, bytes]:
    """Return the report's files but for page and paper: name below its folder → bytes."""
    contents = {
        "table.md": plain.markdown(document).encode(),
        "table.tex": latex.table_tex(document).encode(),
        "macros.tex": latex.macros_tex(document).encode(),
        "verdicts.json": machine.verdicts_json(document).encode(),
        "trials.parquet": machine.trials_parquet(document),
    }
    for figure in figures:
        contents[f"figures/{figure.spec.id}.pdf"] = figure.pdf
        contents[f"figures/{figure.spec.id}.png"] = figure.png
    return contents


def _paper(source: str, compiled: Compiled) -> dict[str, bytes]:
    """Return the LaTeX source with its PDF, or with LaTeX's account of what went wrong."""
    contents = {"report.tex": source.encode()}
    if compiled.state == "made":
        contents["report.pdf"] = compiled.pdf
    if compiled.state == "error":
        contents["report.log"] = compiled.log
    return contents


def _remove_old(folder: Path, contents: Iterable[str]) -> None:
    """Remove what an earlier report had and this one has not: figures, a PDF, a log."""
    kept = {folder / name for name in contents}
    for path in [*(folder / "figures").glob("*"), folder / "report.pdf", folder / "report.log"]:
        if path not in kept:
            path.unlink(missing_ok=True)
