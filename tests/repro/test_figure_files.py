"""The files of each kind of figure: embedded fonts, natural size, SVG that is safe in a page."""

from __future__ import annotations

import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from figure_fixtures import ALL_FIGURES, filled, tuned_plan
from report_fixtures import write_yaml

from repro import paths
from repro.report.document import make_document
from repro.report.figures.drawing import NARROW, WIDE
from repro.report.figures.render import RenderedFigure, render_figures
from repro.report.figures.style import INK

NAMES = [figure["id"] for figure in ALL_FIGURES]
POINTS_PER_INCH = 72


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, RenderedFigure]:
    found = {}
    for make, tuning in ((filled, False), (tuned_plan, True)):
        folder = tmp_path_factory.mktemp("files")
        plan = make(folder)
        kept = [f for f in ALL_FIGURES if (f["kind"] == "tuning") == tuning]
        write_yaml(folder / "figures", {"figures": kept})
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(paths, "FIGURES", folder / "figures")
            rendered = render_figures(make_document(plan, plan.records()))
        found |= {figure.spec.id: figure for figure in rendered}
    return found


@pytest.mark.parametrize("name", NAMES)
def test_the_pdf_is_as_wide_as_a_text_column(files: dict[str, RenderedFigure], name: str) -> None:
    (box,) = re.findall(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", files[name].pdf)
    assert float(box[0]) == pytest.approx(WIDE * POINTS_PER_INCH, abs=0.01)


@pytest.mark.parametrize("name", NAMES)
def test_the_pdf_embeds_its_fonts_as_truetype(
    files: dict[str, RenderedFigure], name: str, tmp_path: Path
) -> None:
    if shutil.which("pdffonts") is None:
        pytest.skip("pdffonts is not installed (Debian: poppler-utils)")
    (tmp_path / "figure.pdf").write_bytes(files[name].pdf)
    command = ["pdffonts", str(tmp_path / "figure.pdf")]
    listed = subprocess.run(command, capture_output=True, text=True, check=True)
    assert listed.stderr == ""
    fonts = listed.stdout.splitlines()[2:]
    assert fonts
    for font in fonts:
        assert "TrueType" in font
        assert "Type 3" not in font
        # Columns: name, type, encoding, embedded, subset, …
        assert re.search(r"\s(Identity-H|WinAnsi|Custom)\s+yes\s", font)


@pytest.mark.parametrize("name", NAMES)
def test_the_svg_takes_the_pages_ink_and_nothing_from_outside(
    files: dict[str, RenderedFigure], name: str
) -> None:
    for text, width in ((files[name].wide, WIDE), (files[name].narrow, NARROW)):
        declared = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
        root = ET.fromstring(text.replace("<svg", f"<svg {declared}", 1))
        assert float(root.attrib["viewBox"].split()[2]) == pytest.approx(width * POINTS_PER_INCH)
        assert INK not in text
        assert "currentColor" in text
        links = re.findall(r'(?:xlink:href|src|href)="([^"]*)"', text)
        assert all(link.startswith(("#", "data:image/png;base64,")) for link in links)
        ids = re.findall(r'\bid="([^"]*)"', text)
        assert len(ids) == len(set(ids))
        assert {link[1:] for link in links if link.startswith("#")} <= set(ids)


def test_captions_say_how_to_read_a_figure_and_what_it_lacks(
    files: dict[str, RenderedFigure],
) -> None:
    assert all(figure.caption.endswith(".") for figure in files.values())
    assert "Mean over 5 seeds; bars: 95 % t interval." in files["error-bars"].caption
    swept = "Mean over 3 seeds (5 for the setting of the table); bars: 95 % t interval."
    assert swept in files["information-plane"].caption
    assert "Line: linear, fitted to the means" in files["fitted-attack"].caption
    assert files["error"].caption.endswith("Heavy tails is left out: infinite variance.")
    assert "One mark per seed." in files["cloud"].caption
    assert "simultaneous 95 % intervals" in files["advantage"].caption
    assert "(500 draws, generator's seed 0)" in files["fitted-attack"].caption
