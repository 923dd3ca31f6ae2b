"""The pages in a real browser: offline, without errors, readable on a phone, in light and dark."""

from __future__ import annotations

import html
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from golden_report import golden_plan
from programs import require
from report_fixtures import filled_plan, write_figures

from repro import paths
from repro.report import build_report
from repro.report.index import write_index

pytestmark = pytest.mark.browser

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--enable-logging=stderr",
    "--virtual-time-budget=5000",
    "--host-resolver-rules=MAP * ~NOTFOUND",
]
DARK, LIGHT = "--blink-settings=preferredColorScheme=0", "--blink-settings=preferredColorScheme=1"

_QUESTIONS = (Path(__file__).parents[1] / "support" / "page_questions.js").read_text()

#: Loads a page in a frame of a given width and writes down its answers.
_PROBE = """<!DOCTYPE html><meta charset="utf-8"><meta name="color-scheme" content="light dark">
<body><iframe style="width:{width}px;height:900px" srcdoc="{page}"></iframe><script>{questions}
document.querySelector("iframe").onload = (event) => {{
  document.body.dataset.answers = JSON.stringify(ask(event.target.contentDocument));
}};
</script>"""


def chromium(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = require("chromium", "chromium", "google-chrome", hint="make system-packages")
    profile = tmp_path / "profile"
    command = [program, *FLAGS, f"--user-data-dir={profile}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


def answers(page: Path, tmp_path: Path, width: int, scheme: str = LIGHT) -> dict[str, Any]:
    """Return what the browser says of ``page`` in a window of ``width`` pixels."""
    probe = tmp_path / "probe.html"
    text = html.escape(page.read_text())
    probe.write_text(_PROBE.format(width=width, page=text, questions=_QUESTIONS))
    window = "--window-size=1400,1000"
    run = chromium(tmp_path, window, scheme, "--dump-dom", probe.as_uri())
    found = re.search(r'<body data-answers="([^"]*)"', run.stdout)
    assert found is not None, run.stderr[-2000:]
    return dict(json.loads(html.unescape(found[1])))


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A report with figures, one with printed numbers and tuning, and the page over both."""
    folder = tmp_path_factory.mktemp("browser")
    plan, records = filled_plan(folder)
    write_figures(folder / "figures")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paths, "FIGURES", folder / "figures")
        figures = build_report(plan, records).directory / "report.html"
        patch.setattr(paths, "FIGURES", folder / "no-figures")
        plan = golden_plan(folder)
        printed = build_report(plan, plan.records()).directory / "report.html"
    return {"figures": figures, "printed": printed, "index": write_index(folder / "results")}


NAMES = ["figures", "printed", "index"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [380, 1280])
def test_the_page_fits_its_window(
    pages: dict[str, Path], tmp_path: Path, name: str, width: int
) -> None:
    found = answers(pages[name], tmp_path, width)
    assert found["overflow"] <= 0
    assert found["figures"] == (4 if name == "figures" else 0)
    assert (found["tables"] > 1) == (name != "index")


@pytest.mark.parametrize("name", ["figures", "printed"])
def test_the_table_can_be_read_on_a_phone(
    pages: dict[str, Path], tmp_path: Path, name: str
) -> None:
    found = answers(pages[name], tmp_path, 380)
    assert found["named"]
    assert found["values"] >= 1
    assert found["smallest"] >= 12


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_every_text_stands_out_from_its_ground(
    pages: dict[str, Path], tmp_path: Path, name: str, scheme: str
) -> None:
    found = answers(pages[name], tmp_path, 1100, scheme)
    dark = sum(map(int, re.findall(r"\d+", found["ground"])[:3])) < 3 * 128
    assert dark == (scheme == DARK)
    assert found["texts"] > (10 if name == "index" else 500)
    assert found["hidden"] == 0
    assert found["worst"][0][0] >= 4.5, found["worst"]


@pytest.mark.parametrize("name", NAMES)
def test_every_link_leads_somewhere(pages: dict[str, Path], tmp_path: Path, name: str) -> None:
    assert answers(pages[name], tmp_path, 1100)["dead"] == []
    for link in re.findall(r'href="([^"#][^"]*)"', pages[name].read_text()):
        local = not link.startswith(("http", "data:"))
        assert not local or (pages[name].parent / link).is_file(), link


@pytest.mark.parametrize("name", NAMES)
def test_the_page_loads_without_an_error(pages: dict[str, Path], tmp_path: Path, name: str) -> None:
    picture = tmp_path / "page.png"
    run = chromium(
        tmp_path, "--window-size=1280,2000", f"--screenshot={picture}", pages[name].as_uri()
    )
    console = [line for line in run.stderr.splitlines() if "CONSOLE" in line]
    assert console == []
    assert picture.stat().st_size > 10_000


def test_a_link_into_a_folded_list_unfolds_it(pages: dict[str, Path], tmp_path: Path) -> None:
    address = pages["figures"].as_uri() + "#t0"
    run = chromium(tmp_path, "--dump-dom", address)
    assert re.search(r'<details id="t0" open', run.stdout)


def test_nothing_is_cut_off_in_print(pages: dict[str, Path], tmp_path: Path) -> None:
    """What is printed holds the last column of the widest table."""
    printed = tmp_path / "print.pdf"
    chromium(
        tmp_path, "--no-pdf-header-footer", f"--print-to-pdf={printed}", pages["printed"].as_uri()
    )
    program = require("latex", "pdftotext", hint="make system-packages")
    command = [program, "-layout", str(printed), "-"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "fold 3" in text
    assert text.count("single run") >= 2
    bounds = subprocess.run(
        [program, "-bbox", str(printed), "-"], capture_output=True, text=True, check=True
    ).stdout
    width = float(re.findall(r'<page width="([\d.]+)"', bounds)[0])
    assert max(map(float, re.findall(r'xMax="([\d.]+)"', bounds))) <= width
