"""The report on a paper at a scale: tables, claims, figures, cost and provenance, in every format.

Importing this package is cheap: what a format needs (pandas, matplotlib, jinja2) is imported when
a report is built.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from repro.errors import UserError
from repro.files import read_json
from repro.planning.plan import Plan
from repro.trials.store import TrialRecord


@dataclass(frozen=True)
class ReportSummary:
    """What the terminal shows of a report.

    ``directory``   where the report lies
    ``table_text``  the headline table as plain text
    ``sentence``    the headline verdict
    ``pdf_note``    why there is no PDF and what to do; empty where there is one
    """

    directory: Path
    table_text: str
    sentence: str
    pdf_note: str = ""


def build_report(plan: Plan, records: Sequence[TrialRecord]) -> ReportSummary:
    """Write the report on ``records``, the present state of all trials of ``plan``."""
    from repro.report.build import build

    return build(plan, records)


def is_current(plan: Plan, records: Sequence[TrialRecord]) -> bool:
    """Say whether the stored report is whole and made from just these trials, specs and sources.

    One that lacks its PDF because there was no LaTeX is not, as soon as there is one.
    """
    from repro.report.pdf import has_latex
    from repro.report.stamp import STAMP, digest

    folder = plan.paths.report(partial=plan.partial)
    stored = read_json(folder / STAMP)
    if stored is None or not all((folder / name).is_file() for name in stored.get("files", [])):
        return False
    if stored.get("pdf") == "no LaTeX" and has_latex():
        return False
    return bool(stored.get("digest") == digest(plan, records))


def read_summary(plan: Plan) -> ReportSummary:
    """Return the stored report's summary. No report: ``UserError``."""
    from repro.report.stamp import STAMP

    folder = plan.paths.report(partial=plan.partial)
    stored = read_json(folder / STAMP)
    if stored is None:
        raise UserError(
            f"there is no report in {folder}: run `make report PAPER={plan.spec.paper} "
            f"SCALE={plan.scale_name}`"
        )
    note = str(stored.get("pdf_note", ""))
    return ReportSummary(folder, str(stored["table_text"]), str(stored["sentence"]), note)
