"""The report's files: what every state looks like in each format, and that nothing is lost."""

from __future__ import annotations

import html.parser
import json
import re
import shutil
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from programs import require
from report_fixtures import (
    FIGURES,
    PAPER,
    fill,
    filled_plan,
    made_up_plan,
    write_figures,
)
from scipy import stats

from repro import paths
from repro.cells.aggregate import aggregate
from repro.errors import UserError
from repro.explain import explain
from repro.planning.plan import Plan, Selection, make_plan
from repro.report import ReportSummary, build_report, is_current, pdf, read_summary
from repro.report.figures.style import COLORS

STATES = ["stale 5/5", "failed", "incomplete 3/5", "diverged 1/5", "not comparable"]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, ReportSummary]:
    folder = tmp_path_factory.mktemp("report")
    plan, records = filled_plan(folder)
    write_figures(folder / "figures")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paths, "FIGURES", folder / "figures")
        patch.setattr(pdf, "PROGRAM", "no-such-latex")
        return plan, build_report(plan, records)


@pytest.fixture
def no_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No figures and no PDF: what these tests are about needs neither."""
    monkeypatch.setattr(paths, "FIGURES", tmp_path / "no-figures")
    monkeypatch.setattr(pdf, "PROGRAM", "no-such-latex")


class Page(html.parser.HTMLParser):
    """Collects ids, links, and the tags left open."""

    VOID = ("meta", "link", "br", "path", "use", "rect", "img")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.open: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if given.get("id"):
            self.ids.append(str(given["id"]))
        links = [given.get("href"), given.get("xlink:href")]
        self.links += [link for link in links if link]
        if tag != "a":
            self.loaded += [str(given[key]) for key in ("src", "href") if given.get(key)]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


def _text(built: tuple[Plan, ReportSummary], name: str) -> str:
    return (built[1].directory / name).read_text()


def test_every_format_is_written(built: tuple[Plan, ReportSummary]) -> None:
    names = ["table.md", "table.tex", "macros.tex", "report.html", "report.tex", "verdicts.json"]
    names += ["trials.parquet", "summary.json"]
    names += [f"figures/{f['id']}.{kind}" for f in FIGURES["figures"] for kind in ("pdf", "png")]
    for name in names:
        assert (built[1].directory / name).stat().st_size > 200, name


@pytest.mark.parametrize("name", ["table.md", "table.tex", "report.tex", "report.html"])
@pytest.mark.parametrize("state", STATES)
def test_every_state_is_visible(built: tuple[Plan, ReportSummary], name: str, state: str) -> None:
    assert state in _text(built, name)


def test_the_terminal_shows_the_table_in_its_width(built: tuple[Plan, ReportSummary]) -> None:
    text = built[1].table_text
    assert max(map(len, text.splitlines())) <= 100
    for state in STATES:
        assert state in text


def test_scale_and_device_stand_in_every_caption(built: tuple[Plan, ReportSummary]) -> None:
    banner = "small scale · 5 seeds · CPU"
    page = _text(built, "report.html")
    captions = re.findall(r'<(?:figcaption|p class="caption")>.*?</(?:figcaption|p)>', page)
    assert len(captions) > len(FIGURES["figures"])
    assert all(banner in caption for caption in captions)
    assert "not comparable with the paper" in page
    assert banner in _text(built, "table.md")


def test_the_page_is_whole_and_asks_for_nothing(built: tuple[Plan, ReportSummary]) -> None:
    page = Page(_text(built, "report.html"))
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    assert [link for link in page.loaded if not link.startswith(("#", "data:"))] == []
    inner = {link[1:] for link in page.links if link.startswith("#")}
    assert inner <= set(page.ids)
    outer = {link for link in page.links if not link.startswith(("#", "data:"))}
    assert {link for link in outer if link.startswith("http")} == {
        "https://arxiv.org/abs/0000.00000"
    }
    for link in outer:
        assert link.startswith("http") or (built[1].directory / link).is_file(), link


def test_every_number_leads_to_its_trials(built: tuple[Plan, ReportSummary]) -> None:
    page = _text(built, "report.html")
    plan, _ = built
    assert page.count('class="number') > 100
    assert '<td class="none"' not in page
    for trial in plan.trials:
        assert trial.trial_id in page


def test_text_from_trials_is_escaped(built: tuple[Plan, ReportSummary]) -> None:
    page = _text(built, "report.html")
    assert "out of &lt;memory&gt;" in page
    assert "out of <memory>" not in page


def _refuse(name: str) -> None:
    raise AssertionError(f"{name} is not strict JSON")


def test_verdicts_are_strict_json_with_everything(built: tuple[Plan, ReportSummary]) -> None:
    content = json.loads(_text(built, "verdicts.json"), parse_constant=_refuse)
    cells = {cell["address"]: cell for cell in content["cells"]}
    assert cells["diabetes/released/rmse"]["mean"] is None
    assert cells["diabetes/released/rmse"]["not_finite"] == {"2": "nan"}
    assert cells["diabetes/mse/rmse"]["corrected_for_resplits"] is True
    assert cells["skewed/hsic/rmse"]["n"] == 3
    claims = {claim["id"]: claim for claim in content["claims"]}
    assert claims.keys() == {claim.id for claim in built[0].spec.claims}
    assert claims["lower-error"]["verdict"] == "supported"
    assert claims["robust"]["verdict"] == "undecided"
    assert content["headline"] == built[1].sentence


def test_the_export_has_one_row_per_trial(built: tuple[Plan, ReportSummary]) -> None:
    frame = pd.read_parquet(built[1].directory / "trials.parquet")
    assert list(frame.trial_id) == [trial.trial_id for trial in built[0].trials]
    assert {"metric.rmse", "cost.wall_seconds", "cost.parameters", "state"} <= set(frame.columns)
    assert frame.state.value_counts()["failed"] == 5


def test_the_tables_compile_in_someone_elses_document(
    built: tuple[Plan, ReportSummary], tmp_path: Path
) -> None:
    for name in ("table.tex", "macros.tex"):
        shutil.copy(built[1].directory / name, tmp_path)
    (tmp_path / "main.tex").write_text(
        r"\documentclass{article}\usepackage{booktabs,siunitx}\begin{document}"
        rf"\input{{table}}\input{{macros}}\klaim{{{PAPER}/small/gaussian/mse/rmse}}"
        r"\end{document}"
    )
    pdflatex = require("latex", "pdflatex", hint="make system-packages")
    command = [pdflatex, "-interaction=nonstopmode", "-halt-on-error", "main.tex"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-2000:]


def test_a_report_is_current_until_something_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_figures: None
) -> None:
    plan, records = filled_plan(tmp_path)
    assert not is_current(plan, records)
    with pytest.raises(UserError, match="there is no report"):
        read_summary(plan)
    summary = build_report(plan, records)
    assert is_current(plan, plan.records())
    assert read_summary(plan) == summary
    write_figures(tmp_path / "no-figures", kinds=("points",))
    assert not is_current(plan, records)
    (tmp_path / "no-figures" / f"{PAPER}.yaml").unlink()
    trial = next(t for t in plan.trials if t.setting.method == "mse")
    plan.folder(trial).result.unlink()
    assert not is_current(plan, plan.records())


def test_a_report_that_lost_a_file_is_not_current(tmp_path: Path, no_figures: None) -> None:
    plan, records = filled_plan(tmp_path)
    summary = build_report(plan, records)
    (summary.directory / "table.md").unlink()
    assert not is_current(plan, records)


def test_a_partial_report_decides_nothing(tmp_path: Path, no_figures: None) -> None:
    full = made_up_plan(tmp_path)
    selection = Selection(datasets=("gaussian",), seeds=2)
    plan = make_plan(full.spec, "small", tmp_path / "results", selection)
    fill(plan, curves=False, troubled=False)
    summary = build_report(plan, plan.records())
    page = (summary.directory / "report.html").read_text()
    assert summary.directory.name == "report-partial"
    assert "decides nothing new" in page
    assert "supported</p>" not in page.replace("\n", "")
    assert "partial selection" in summary.table_text


def test_a_fits_likelihood_stands_beside_its_interval_in_every_format(
    tmp_path: Path, no_figures: None
) -> None:
    claim = {
        "id": "attack-hurts",
        "text": "The error grows with the attack.",
        "source": "abstract",
        "kind": "fit",
        "method": "mse",
        "metric": "fgsm_rmse",
        "over": ["gaussian"],
        "along": "level",
        "form": "linear",
        "parameter": "slope",
        "at_least": 0.0,
    }
    plan = made_up_plan(tmp_path, claims=[claim])
    fill(plan, curves=False, troubled=False)
    records = plan.records()
    folder = build_report(plan, records).directory
    (verdict,) = json.loads((folder / "verdicts.json").read_text())["claims"]
    (finding,) = verdict["comparisons"]
    # The textbook's interval of a slope through the three means.
    levels = [0.05, 0.1, 0.2]
    data = aggregate(plan, records)
    means = [
        statistics.mean(data.cells["gaussian", "mse", f"fgsm_rmse@{level:g}"].values.values())
        for level in levels
    ]
    line = stats.linregress(levels, means)
    reach = stats.t.ppf(0.975, 1) * line.stderr
    ends = line.slope - reach, line.slope + reach
    assert finding["profile_likelihood"] == pytest.approx(ends)
    assert finding["interval"] != pytest.approx(ends)
    assert not any("likelihood" in note for note in verdict["notes"])
    text = f"{ends[0]:.3f} to {ends[1]:.3f}"
    typeset = text.replace("-", "−")
    page = (folder / "report.html").read_text()
    assert f'<td class="whole">{typeset}</td>' in page
    assert '<th scope="col">Profile likelihood, 95 %</th>' in page
    assert (
        f"  Slope, profile likelihood, 95 %: MSE on Gaussian noise {text}."
        in (folder / "table.md").read_text()
    )
    source = (folder / "report.tex").read_text()
    row = source.partition("profile likelihood, 95")[2].partition("\n")[0]
    assert f"{ends[1]:.3f}" in row
    assert f", profile likelihood, 95 % {text}, 5 of 5 seeds won" in explain(plan, records)


def test_nothing_finished_still_makes_a_report(tmp_path: Path, no_figures: None) -> None:
    plan = made_up_plan(tmp_path)
    summary = build_report(plan, plan.records())
    assert "incomplete 0/5" in summary.table_text
    assert summary.sentence == "No trial has run yet."


def test_printed_numbers_stand_beside_ours_but_are_not_compared(
    tmp_path: Path, no_figures: None
) -> None:
    printed: dict[str, Any] = {"dataset": "gaussian", "method": "mse", "metric": "rmse"}
    printed |= {"value": "0.4170", "spread": "0.010", "spread_kind": "sd", "source": "Table 2"}
    plan, records = filled_plan(tmp_path, reported=[printed])
    summary = build_report(plan, records)
    page = (summary.directory / "report.html").read_text()
    assert "paper: 0.4170 ± 0.010 (not compared)" in page
    assert "paper, not compared: 0.4170 ± 0.010" in (summary.directory / "table.md").read_text()


def test_a_number_of_other_data_stands_beside_ours_with_its_reason_in_every_format(
    tmp_path: Path, no_figures: None
) -> None:
    printed: dict[str, Any] = {"dataset": "gaussian", "method": "mse", "metric": "rmse"}
    printed |= {
        "value": "0.4170",
        "source": "Table 2",
        "not_comparable": "other data, not released",
    }
    paper = {"scales": {"paper": {"datasets": ["gaussian"], "seeds": 2}}, "claims": []}
    plan = made_up_plan(tmp_path, "paper", **paper, reported=[printed])
    fill(plan, curves=False, troubled=False)
    folder = build_report(plan, plan.records()).directory
    reason = "Not comparable: other data, not released."
    for name in ("report.html", "table.md", "report.tex"):
        text = " ".join((folder / name).read_text().split())
        assert "0.4170" in text, name
        assert "not comparable" in text, name
        assert reason in text, name
    (cell,) = [
        cell
        for cell in json.loads((folder / "verdicts.json").read_text())["cells"]
        if cell["method"] == "mse" and cell["metric"] == "rmse"
    ]
    assert cell["against_paper"]["verdict"] == "not comparable"


def test_a_users_file_has_a_narrow_name_and_can_be_traced(tmp_path: Path, no_figures: None) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("1,2\n")
    user_data = {"label": "", "resplit": 0.25}
    full = made_up_plan(tmp_path, user_data=user_data)
    name = f"file:{path}?target=last"
    plan = make_plan(full.spec, "small", tmp_path / "results", Selection(datasets=(name,)))
    fill(plan, curves=False, troubled=False)
    summary = build_report(plan, plan.records())
    assert "mine.csv?target=last" in summary.table_text
    assert str(tmp_path) not in summary.table_text
    assert "corrected variance" in summary.table_text
    page = (summary.directory / "report.html").read_text()
    assert f"<b>mine.csv?target=last</b>: {name}; seeds re-split one finite table" in page
    cells = json.loads((summary.directory / "verdicts.json").read_text())["cells"]
    assert {cell["dataset"] for cell in cells} == {name}


def test_the_page_says_once_what_intervals_promise(built: tuple[Plan, ReportSummary]) -> None:
    for name in ("report.html", "table.md", "verdicts.json"):
        assert _text(built, name).count("probability all those of a family") == 1


def test_importing_the_report_is_cheap() -> None:
    code = (
        "import sys, repro.report, repro.report.figures.spec; "
        "print([m for m in ('pandas', 'matplotlib', 'scipy', 'jinja2') if m in sys.modules])"
    )
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def _luminance(color: str) -> float:
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    bright, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def _schemes() -> list[dict[str, str]]:
    css = (paths.ROOT / "repro/report/templates/report.css").read_text()
    blocks = re.findall(r":root \{(.*?)\}", css, re.DOTALL)[:2]
    return [dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", block)) for block in blocks]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_contrast_is_enough_for_everyone(scheme: int) -> None:
    colors = _schemes()[scheme]
    for ground in ("paper", "card", "shade"):
        for ink in ("ink", "quiet", "link", "good", "bad", "open"):
            assert contrast(colors[ink], colors[ground]) >= 4.5, (ink, ground)
    for color in COLORS:
        assert contrast(color, colors["paper"]) >= 3, color
