"""The page in a real browser: it loads offline without errors and fits a phone."""

from __future__ import annotations

import html
import re
import subprocess
from pathlib import Path

import pytest
from programs import require
from report_fixtures import filled_plan, write_figures

from repro import paths
from repro.report import build_report

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

#: Loads the page in a frame of a given width and writes down what the browser made of it.
_PROBE = """<!DOCTYPE html><meta charset="utf-8"><body><iframe style="width:{width}px;height:900px"
srcdoc="{page}"></iframe><script>
document.querySelector("iframe").onload = (event) => {{
  const page = event.target.contentDocument, root = page.documentElement;
  const shown = (element) => element.getClientRects().length > 0;
  const svgs = [...page.querySelectorAll("figure svg")].filter(shown);
  page.querySelectorAll("details").forEach((list) => {{ list.open = true; }});
  document.body.dataset.overflow = root.scrollWidth - root.clientWidth;
  document.body.dataset.figures = svgs.length;
  document.body.dataset.tables = page.querySelectorAll("table.results").length;
}};
</script>"""


def chromium(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = require("chromium", "chromium", "google-chrome", hint="make system-packages")
    profile = tmp_path / "profile"
    command = [program, *FLAGS, f"--user-data-dir={profile}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("browser")
    plan, records = filled_plan(folder)
    write_figures(folder / "figures")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paths, "FIGURES", folder / "figures")
        return build_report(plan, records).directory / "report.html"


@pytest.mark.browser
@pytest.mark.parametrize("width", [380, 1280])
def test_the_page_fits_its_window(page: Path, tmp_path: Path, width: int) -> None:
    probe = tmp_path / "probe.html"
    probe.write_text(_PROBE.format(width=width, page=html.escape(page.read_text())))
    run = chromium(tmp_path, "--window-size=1400,1000", "--dump-dom", probe.as_uri())
    body = re.search(r"<body[^>]*>", run.stdout)
    assert body is not None
    found = dict(re.findall(r'data-(\w+)="(-?\d+)"', body[0]))
    assert int(found["overflow"]) <= 0
    assert int(found["figures"]) == 4
    assert int(found["tables"]) > 1


@pytest.mark.browser
def test_the_page_loads_without_an_error(page: Path, tmp_path: Path) -> None:
    picture = tmp_path / "page.png"
    run = chromium(tmp_path, "--window-size=1280,2000", f"--screenshot={picture}", page.as_uri())
    console = [line for line in run.stderr.splitlines() if "CONSOLE" in line]
    assert console == []
    assert picture.stat().st_size > 50_000
