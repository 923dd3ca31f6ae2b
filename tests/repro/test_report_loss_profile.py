"""A report shows what was measured of the paper's losses, says on what, and nothing else.

The records here are made up: TEST DATA.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from latex_programs import pdf_text, require_latex
from report_fixtures import made_up_plan

from repro import paths
from repro.errors import UserError
from repro.planning.plan import Plan
from repro.report import build_report, is_current, loss_profile, pdf
from repro.spec import load_spec
from repro.trials.fingerprint import imported_names

GPU, CPU = "TEST DATA, no GPU", "TEST DATA, no processor"
TITLE = loss_profile.TITLE


def result(operation: str, variant: str, mode: str, ms: float, **more: Any) -> dict[str, Any]:
    return {
        "operation": operation,
        "variant": variant,
        "mode": mode,
        "dtype": "bfloat16",
        "shape": {"tokens": 8192, "vocabulary": 128_256},
        "time_ms": {"p50": ms, "interval": [ms * 0.9, ms * 1.1]},
        **more,
    }


def record(device: str = "cuda", name: str = GPU) -> dict[str, Any]:
    both = "forward + gradient"
    return {
        "schema_version": 2,
        "timestamp": "2000-01-02T03:04:05+00:00",
        "git": {"sha": "ab" * 20, "dirty": False},
        "device": {"type": device, "name": name},
        "software": {"python": "0.1", "torch": "0.2", "triton": None},
        "protocol": {"repetitions": 50, "clock": "a test's clock"},
        "results": [
            result("kl_divergence", "ours", "forward", 1.25),
            result("kl_divergence", "ours", both, 2.5, relative_error=[0, 2e-3], peak_bytes=7e6),
            result("kl_divergence", "eager", both, 10.0),
            {"operation": "js_divergence", "variant": "ours", "mode": both, "error": "TEST DATA"},
            result("skew_kl", "ours", both, 44.4),
        ],
    }


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """A paper whose sources import three losses, one of which a record lacks and one failed."""
    names = {"kl_divergence", "js_divergence", "median_distance"}
    monkeypatch.setattr(loss_profile, "imported_names", lambda *_: names)
    monkeypatch.setattr(paths, "FIGURES", tmp_path / "no-figures")
    monkeypatch.setattr(
        paths, "LOSS_PROFILES", (tmp_path / "profile.json", tmp_path / "profile-cpu.json")
    )
    return made_up_plan(tmp_path, "smoke")


def write(place: int, content: dict[str, Any] | str) -> None:
    text = content if isinstance(content, str) else json.dumps(content)
    paths.LOSS_PROFILES[place].write_text(text)


def build(plan: Plan) -> Path:
    return build_report(plan, plan.records()).directory


def texts(folder: Path) -> dict[str, str]:
    return {name: (folder / name).read_text() for name in ("report.html", "report.tex", "table.md")}


@pytest.fixture
def no_latex(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "PROGRAM", "no-such-latex")


def test_without_a_record_no_report_speaks_of_it(plan: Plan, no_latex: None) -> None:
    assert not any(TITLE in text for text in texts(build(plan)).values())


def test_a_record_of_other_losses_is_not_shown(
    plan: Plan, no_latex: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(0, record())
    monkeypatch.setattr(loss_profile, "imported_names", lambda *_: {"js_divergence"})
    for text in texts(build(plan)).values():
        assert TITLE not in text
        assert GPU not in text


def test_what_was_measured_is_shown_with_device_versions_and_date(plan: Plan) -> None:
    require_latex()
    write(0, record())
    folder = build(plan)
    paper = " ".join(pdf_text(folder / "report.pdf").split())
    for name, text in (texts(folder) | {"report.tex": paper}).items():
        assert TITLE in text, name
        for word in (GPU, "2000-01-02", "torch 0.2", "abababababab", "8192 × 128256, bfloat16"):
            assert word in text, (name, word)
        for number in ("1.25 (1.12 to 1.38)", "2.50 (2.25 to 2.75)", "7 MB", "2e-03", "4.00×"):
            assert number in text, (name, number)
        assert "Not measured: js_divergence." in text, name
        assert "44.4" not in text, name  # a loss of another paper
        assert "triton" not in text, name  # what was not there has no version


def test_a_processor_is_never_taken_for_a_gpu(plan: Plan, no_latex: None) -> None:
    write(1, record("cpu", CPU))
    (profile,) = loss_profile.loss_profiles(plan)
    assert f"{CPU} (CPU, one thread)" in profile.caption
    assert "GPU" not in profile.caption
    write(0, record())
    assert [each.caption.count("(GPU)") for each in loss_profile.loss_profiles(plan)] == [1, 0]


def test_an_unmeasured_mode_is_a_dash(plan: Plan) -> None:
    write(0, record())
    (profile,) = loss_profile.loss_profiles(plan)
    ours, eager = profile.rows
    assert (ours.variant, ours.ratio) == ("ours", "1.00×")
    assert (eager.forward, eager.memory, eager.error, eager.ratio) == ("—", "—", "—", "4.00×")


def test_a_new_record_makes_a_report_old(plan: Plan, no_latex: None) -> None:
    build(plan)
    assert is_current(plan, plan.records())
    write(0, record())
    assert not is_current(plan, plan.records())
    build(plan)
    assert is_current(plan, plan.records())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is no record of schema 2: measure again"),
        ({"schema_version": 1}, "is no record of schema 2: measure again"),
        ({"schema_version": 2}, "lacks 'results' in what a report reads"),
    ],
)
def test_a_record_that_does_not_fit_is_one_clear_line(
    plan: Plan, content: dict[str, Any] | str, message: str
) -> None:
    write(0, content)
    with pytest.raises(UserError, match=message):
        loss_profile.loss_profiles(plan)


def test_a_paper_uses_the_losses_that_its_sources_import() -> None:
    spec = load_spec("cs_ib")
    names = [spec.task, *(method.use for method in spec.methods.values())]
    found = imported_names(names, loss_profile.PACKAGE)
    assert "conditional_cauchy_schwarz_divergence" in found
    assert "kl_divergence" not in found


def test_the_record_that_is_written_is_the_one_that_is_read() -> None:
    """``repro`` imports no loss, so that it knows the layout's number by itself."""
    source = (paths.ROOT / "losses/profile/record.py").read_text()
    assert f"SCHEMA_VERSION = {loss_profile._SCHEMA}\n" in source
