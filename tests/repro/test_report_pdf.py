"""The report's PDF: made by real LaTeX, the same each time, and no trouble where it cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest
from latex_programs import pdf_text, require_latex, too_wide
from report_fixtures import filled_plan, write_figures

from repro import paths
from repro.planning.plan import Plan
from repro.report import ReportSummary, build_report, is_current, latex, pdf, read_summary

DOCUMENT = r"\documentclass{article}\begin{document}%s\end{document}"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, ReportSummary]:
    require_latex()
    folder = tmp_path_factory.mktemp("pdf")
    plan, records = filled_plan(folder)
    write_figures(folder / "figures")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paths, "FIGURES", folder / "figures")
        return plan, build_report(plan, records)


@pytest.fixture
def small_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.setattr(paths, "FIGURES", tmp_path / "no-figures")
    return filled_plan(tmp_path)[0]


def fake_latex(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a program called as LaTeX is in its place."""
    program = folder / "fake-latex"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(pdf, "PROGRAM", str(program))


def test_the_paper_says_what_the_page_says(made: tuple[Plan, ReportSummary]) -> None:
    plan, summary = made
    text = " ".join(pdf_text(summary.directory / "report.pdf").split())
    sentence = summary.sentence.replace("'", "’")
    for part in (plan.spec.title, sentence, "A. Author and B. Author", "small scale"):
        assert part in text
    for state in ("stale 5/5", "failed", "incomplete 3/5", "diverged 1/5", "not comparable"):
        assert state in text
    for heading in ("Results", "Claims", "Cost", "Deviations", "Provenance"):
        assert heading in text
    assert "References" in text
    assert summary.pdf_note == ""


def test_the_paper_holds_its_figures_as_vectors(made: tuple[Plan, ReportSummary]) -> None:
    folder = made[1].directory
    text = pdf_text(folder / "report.pdf")
    assert text.count("Figure ") >= len(list((folder / "figures").glob("*.pdf")))
    assert b"/Subtype /Image" not in (folder / "report.pdf").read_bytes()


def test_the_page_links_the_paper(made: tuple[Plan, ReportSummary]) -> None:
    assert 'href="report.pdf"' in (made[1].directory / "report.html").read_text()


def test_no_line_sticks_out(made: tuple[Plan, ReportSummary]) -> None:
    folder = made[1].directory
    files = {f"figures/{f.name}": f.read_bytes() for f in (folder / "figures").glob("*.pdf")}
    compiled = pdf.compile_pdf((folder / "report.tex").read_text(), files)
    assert too_wide(compiled.log) == []


def test_the_same_report_gives_the_same_bytes(made: tuple[Plan, ReportSummary]) -> None:
    folder = made[1].directory
    files = {f"figures/{f.name}": f.read_bytes() for f in (folder / "figures").glob("*.pdf")}
    again = pdf.compile_pdf((folder / "report.tex").read_text(), files)
    assert again.pdf == (folder / "report.pdf").read_bytes()


def test_without_latex_there_is_a_source_and_a_line_that_says_what_to_install(
    small_plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf, "PROGRAM", "no-such-latex")
    summary = build_report(small_plan, small_plan.records())
    assert "texlive-science" in summary.pdf_note
    assert "\n" not in summary.pdf_note
    assert read_summary(small_plan) == summary
    assert (summary.directory / "report.tex").is_file()
    assert not (summary.directory / "report.pdf").exists()
    assert "report.pdf" not in (summary.directory / "report.html").read_text()
    assert is_current(small_plan, small_plan.records())


def test_once_there_is_a_latex_the_report_is_made_again(
    small_plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(pdf, "PROGRAM", "no-such-latex")
        build_report(small_plan, small_plan.records())
    require_latex()
    assert not is_current(small_plan, small_plan.records())
    summary = build_report(small_plan, small_plan.records())
    assert (summary.directory / "report.pdf").is_file()
    assert is_current(small_plan, small_plan.records())


def test_an_error_of_latex_leaves_its_log_and_one_line(
    small_plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_latex()
    build_report(small_plan, small_plan.records())
    with monkeypatch.context() as patch:
        patch.setattr(latex, "report_tex", lambda *_: DOCUMENT % r"\undefinedcommand")
        summary = build_report(small_plan, small_plan.records())
    folder = summary.directory
    assert "report.log" in summary.pdf_note
    assert "Undefined control sequence" in (folder / "report.log").read_text(errors="replace")
    assert not (folder / "report.pdf").exists()
    assert "report.pdf" not in (folder / "report.html").read_text()
    assert is_current(small_plan, small_plan.records())
    build_report(small_plan, small_plan.records())
    assert not (folder / "report.log").exists()


def test_a_package_that_is_not_installed_is_named() -> None:
    require_latex()
    source = r"\documentclass{article}\usepackage{nosuchpackage}\begin{document}\end{document}"
    compiled = pdf.compile_pdf(source, {})
    assert compiled.state == "error"
    assert "nosuchpackage.sty" in compiled.note
    assert "apt-get install" in compiled.note


def test_a_latex_that_hangs_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_latex(tmp_path, monkeypatch, "exec sleep 30")
    monkeypatch.setattr(pdf, "_SECONDS", 0.2)
    compiled = pdf.compile_pdf(DOCUMENT % "x", {})
    assert (compiled.state, compiled.pdf) == ("error", b"")


def test_a_latex_that_writes_nothing_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_latex(tmp_path, monkeypatch, "exit 0")
    compiled = pdf.compile_pdf(DOCUMENT % "x", {})
    assert compiled.state == "error"
    assert compiled.log


def test_the_source_cannot_start_a_program_or_write_elsewhere(tmp_path: Path) -> None:
    require_latex()
    ran, written = tmp_path / "ran", tmp_path / "written"
    compiled = pdf.compile_pdf(DOCUMENT % rf"\immediate\write18{{touch {ran}}}x", {})
    assert compiled.state == "made"
    assert not ran.exists()
    body = rf"\newwrite\f\immediate\openout\f={written} \immediate\write\f{{x}}x"
    pdf.compile_pdf(DOCUMENT % body, {})
    assert not written.exists()
