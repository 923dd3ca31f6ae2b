"""Text, tables and macros for LaTeX: whatever they contain, someone else's paper compiles."""

from __future__ import annotations

import subprocess
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from latex_programs import compiled_text
from report_fixtures import PAPER, SPEC, fill, made_up_plan

from repro import paths
from repro.planning.plan import Selection, make_plan
from repro.report import build_report, page, pdf
from repro.report.document import make_document
from repro.report.latex import ACCESSOR, macros_tex
from repro.report.latex_table import number_cell, number_column
from repro.report.latex_text import Tex, code, csname, escape, prose

#: Every character that is likely in a spec, in an author's name or in a file's, and some that are
#: not: control characters, other scripts, an emoji.
AWKWARD = (
    "".join(map(chr, range(1, 0x250)))
    + "".join(map(chr, range(0x370, 0x400)))
    + "‐‑–—‘’“”…•′‖⁰¹²³⁴⁵⁶⁷⁸⁹₀₁₂₃ⁱⁿ←→↔↦⇒⇔↑↓∂∇∈∏∑−√∝∞∩∪∫∼≈≠≡≤≥⊘◇◐▲★✓✕✗↻ℓЖ漢字ق☃🙂\u2009\u202f"
)


def test_every_character_compiles_in_an_old_and_in_a_new_font_encoding(tmp_path: Path) -> None:
    lines = "\n\n".join(escape(f"a{character}b") for character in AWKWARD)
    breakable = "\n\n".join(
        [code(AWKWARD[:200]), r"\section{" + escape("50 % of [x] & é ≤ ☃ #1_2") + "}"]
    )
    for encoding in ("", r"\usepackage[T1]{fontenc}"):
        source = (
            rf"\documentclass{{article}}{encoding}\usepackage{{hyperref}}"
            r"\newcommand{\klaimcheck}{\ensuremath{\surd}}"
            r"\newcommand{\klaimagain}{\ensuremath{\hookleftarrow}}\begin{document}"
            f"{lines}\n\n{breakable}\\end{{document}}"
        )
        text = compiled_text(source, {}, tmp_path)
        for visible in ("[U+6F22]", "[U+1F642]", "[U+0007]", "a%b", "a#b"):
            assert visible in text


@given(st.text())
def test_nothing_that_latex_would_read_as_a_command_is_left(text: str) -> None:
    safe = escape(text)
    assert safe.isascii()
    assert "\n" not in safe
    assert safe.count("{") - safe.count(r"\{") == safe.count("}") - safe.count(r"\}")
    assert all(safe[i - 1] == "\\" for i, c in enumerate(safe) if c in "%#&_")


def test_what_is_latex_already_is_not_escaped_again() -> None:
    assert escape(Tex(r"\alpha_1")) == r"\alpha_1"
    assert escape(escape("50 %")) == escape("50 %") == r"50 \%"


def test_sentences_get_minus_signs_and_thin_spaces_but_words_keep_their_hyphens() -> None:
    assert prose("from -0.5 to 1, 95 % of a 5-shot x-1") == (
        r"from \ensuremath{-}0.5 to 1, 95\,\% of a 5-shot x-1"
    )


@given(st.text(max_size=30), st.text(max_size=30))
def test_macro_names_can_be_typed_and_stay_apart(one: str, other: str) -> None:
    assert csname(one).isascii()
    assert not set(csname(one)) & set("%#\\{}&~^$ ")
    if unicodedata.normalize("NFC", one) != unicodedata.normalize("NFC", other):
        assert (csname(one) == csname(other)) == (one == other)


@pytest.mark.parametrize(
    ("values", "spreads", "format_"),
    [
        (["0.431", "12.5"], ["0.012"], "table-format=2.3(2)"),
        (["-1", "20"], [], "table-format=-2"),
        (["60.2"], ["1.5"], "table-format=2.1(2)"),
    ],
)
def test_columns_are_as_wide_as_their_numbers(
    values: list[str], spreads: list[str], format_: str
) -> None:
    assert format_ in number_column(values, spreads)


def test_a_spread_with_more_decimals_adds_no_zero_to_the_printed_value() -> None:
    assert number_cell("60.2", "0.4") == r"60.2 \pm 0.4"
    assert number_cell("60.2", "0.15") == r"{\ensuremath{60.2 \pm 0.15}}"


def test_a_column_without_numbers_is_centred() -> None:
    assert number_column(["—", "∞"]) == "c"


def test_a_path_full_of_tex_does_not_break_the_macros(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "FIGURES", tmp_path / "no-figures")
    monkeypatch.setattr(pdf, "PROGRAM", "no-such-latex")
    path = tmp_path / "50%_#1 & é~{x}\\y^z$.csv"
    path.write_text("1,2\n")
    name = f"file:{path}"
    full = made_up_plan(tmp_path)
    plan = make_plan(full.spec, "small", tmp_path / "results", Selection(datasets=(name,)))
    fill(plan, curves=False, troubled=False)
    folder = build_report(plan, plan.records()).directory
    monkeypatch.undo()
    files = {n: (folder / n).read_bytes() for n in ("table.tex", "macros.tex")}
    macro = csname(f"{PAPER}/small/{name}/mse/rmse")
    source = (
        r"\documentclass{article}\usepackage{booktabs,siunitx}\begin{document}"
        rf"\input{{macros}}\input{{table}}Ours: \klaim{{{macro}}}.\end{{document}}"
    )
    text = compiled_text(source, files, tmp_path)
    assert "Ours: 0." in text
    assert "50%" in text
    assert "#1" in text


def test_a_macro_that_does_not_exist_stops_latex(tmp_path: Path) -> None:
    accessor = r"\makeatletter\expandafter\def\csname klaim@a\endcsname{1}\makeatother"
    source = rf"\documentclass{{article}}\begin{{document}}{ACCESSOR}{accessor}%s\end{{document}}"
    assert "1" in compiled_text(source % r"\klaim{a}", {}, tmp_path)
    with pytest.raises(subprocess.CalledProcessError):
        compiled_text(source % r"\klaim{b}", {}, tmp_path)


@pytest.mark.parametrize("printed", [False, True])
def test_a_table_that_compares_nothing_stays_where_the_paper_prints_it(
    tmp_path: Path, printed: bool
) -> None:
    """Its macros stay in any case: what is cited may be that nothing can be said."""
    name = "rmse_noise_free"
    number = {"dataset": "gaussian", "method": "mse", "metric": name, "value": "0.2671"}
    number |= {"source": "Table 3", "margin": "0.1"}
    plan = made_up_plan(
        tmp_path,
        claims=[],
        datasets={key: entry | {"not_compared": [name]} for key, entry in SPEC["datasets"].items()},
        reported=[number] if printed else [],
    )
    fill(plan, curves=False, troubled=False)
    document = make_document(plan, plan.records())
    shown = [table for table in document.other_tables if table.columns[0].metric == name]
    assert len(shown) == printed
    assert ("0.2671 (not compared)" in page.html(document, [], {})) == printed
    macros = macros_tex(document)
    for cell in document.data.cells.values():
        assert csname(f"{PAPER}/small/{cell.address}") + r"\endcsname{" in macros
    assert csname(f"{PAPER}/small/gaussian/mse/{name}") + r"\endcsname{not comparable}" in macros
