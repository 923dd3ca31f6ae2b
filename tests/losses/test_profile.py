"""The profile as far as a CPU goes: clocks, records, tables, figures, pages, what is refused.

The records here are made up, or measured on a CPU at toy sizes: TEST DATA, never shown as results.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from losses.profile import clocks, figures, measuring, record, tables
from losses.profile.__main__ import main, write_pages
from losses.profile.goals import goals
from losses.profile.machine import commit
from losses.profile.operations import operations
from losses.profile.page import page
from losses.profile.peers import peers
from losses.profile.small_operations import small_operations
from losses.profile.summary import quantile, summary
from repro.errors import UserError

ROOT = Path(__file__).parents[2]
TEST_DEVICE = "TEST DATA, no device"


def result(operation="kl_divergence", variant="ours", ms=2.0, **more):
    return {
        "operation": operation,
        "variant": variant,
        "mode": "forward + gradient",
        "dtype": "bfloat16",
        "shape": {"tokens": 8192, "vocabulary": 128_256},
        "least_bytes": 0 if "linear" in operation else 8_000_000_000,
        "products": 30e12 if "linear" in operation else 0,
        "event_ms": summary([ms * 0.9, ms, ms * 1.2]),
        **more,
    }


@pytest.fixture
def made_up():
    return {
        "schema_version": record.SCHEMA_VERSION,
        "timestamp": "2000-01-01T00:00:00+00:00",
        "git": {"sha": "0" * 40, "dirty": True},
        "gpu": {"name": TEST_DEVICE, "cuda": "0.0"},
        "software": {"python": "0", "torch": "0", "triton": "0", "liger-kernel": None},
        "ceilings": {"copy_tb_per_s": 4.0, "product_tflop_per_s": 800.0},
        "clocks": {},
        "results": [
            result(ms=2.0, peak_bytes=100, relative_error=[1e-7, 2e-3], wall_ms=summary([3.0])),
            result(variant="eager", ms=8.0, peak_bytes=1000),
            result("linear_kl_divergence", ms=40.0, peak_bytes=10),
            result("linear_kl_divergence", "eager", ms=90.0, peak_bytes=100),
            {
                key: value
                for key, value in result(variant="Liger-Kernel").items()
                if key != "event_ms"
            }
            | {"error": "OutOfMemoryError: TEST DATA"},
        ],
    }


def test_the_page_of_this_repository_is_that_of_its_record():
    found = record.read(ROOT / "docs/profile.json")
    figures_there = (ROOT / "docs/profile/roofline.svg").exists()
    assert (ROOT / "docs/profile.md").read_text(encoding="utf-8") == page(found, figures_there)


def test_without_a_record_the_page_says_so_and_shows_no_number_as_a_result():
    text = page(None)
    assert "**Not yet measured.**" in text
    assert "## Results" not in text
    assert re.search(r"\d\s*(ms|TB/s|TFLOP)", text) is None


def test_a_page_from_a_record(made_up, tmp_path):
    record.write(tmp_path / "profile.json", made_up)
    write_pages(tmp_path)
    text = (tmp_path / "profile.md").read_text(encoding="utf-8")
    assert TEST_DEVICE in text
    assert "Not yet measured" not in text
    # 8 GB in 2 ms are 4 TB/s: all of the made-up copy rate.
    row = next(line for line in text.splitlines() if "| ours | forward + gradient | 2.000" in line)
    assert "| 100% |" in row
    assert "| 2.0e-03 |" in row
    assert "OutOfMemoryError: TEST DATA" in text
    assert "| 4.00× | met |" in text
    latex = (tmp_path / "profile.tex").read_text(encoding="utf-8")
    assert latex.count("\\\\") == 1 + len(made_up["results"])
    assert r"kl\_divergence" in latex
    for name in ("roofline", "copy_rate"):
        assert (tmp_path / f"profile/{name}.svg").read_text(encoding="utf-8").startswith("<?xml")


def test_the_same_record_draws_the_same_figures(made_up, tmp_path):
    one, two = (figures.draw(made_up, tmp_path / name) for name in ("a", "b"))
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]


def test_goals_say_what_was_reached(made_up):
    assert [goal.met for goal in goals(made_up)] == [True, True, True, True]
    made_up["results"] = [result(ms=4.0), result(variant="eager", ms=4.4)]
    assert [(goal.reached, goal.met) for goal in goals(made_up)] == [
        ("50%", False),
        ("1.10×", False),
        ("not measured", None),
        ("not measured", None),
    ]


def test_tables_hold_every_result(made_up):
    assert len(tables.rows(made_up)) == len(made_up["results"])
    assert {len(row) for row in tables.rows(made_up)} == {len(tables.HEAD)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r.pop("ceilings"), "lacks ceilings: measure again"),
        (lambda r: r.update(schema_version=0), "has schema 0, this version reads"),
        (lambda r: r["results"][1].pop("mode"), "result 1 lacks mode"),
    ],
)
def test_a_record_that_does_not_fit_is_refused(made_up, change, message, tmp_path, capsys):
    change(made_up)
    record.write(tmp_path / "profile.json", made_up)
    with pytest.raises(UserError, match=message):
        record.read(tmp_path / "profile.json")
    assert main(["page", "--folder", str(tmp_path)]) == 2
    assert message in capsys.readouterr().err


def test_a_broken_record_is_refused(tmp_path):
    (tmp_path / "profile.json").write_text("{", encoding="utf-8")
    with pytest.raises(UserError, match="is no JSON object"):
        record.read(tmp_path / "profile.json")


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is here")
def test_without_cuda_make_profile_says_in_one_line_what_is_missing(tmp_path):
    done = subprocess.run(
        ["make", "--no-print-directory", "profile", "SETUP=0", f"PYTHON={sys.executable}"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    first = done.stderr.splitlines()[0]
    assert first.startswith("profile: PyTorch")
    assert "Traceback" not in done.stderr


def test_without_torch_make_profile_says_in_one_line_what_is_missing(tmp_path):
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n', encoding="utf-8")
    python.chmod(0o755)  # without site-packages
    done = subprocess.run(
        ["make", "--no-print-directory", "profile", "SETUP=0", f"PYTHON={python}"],
        cwd=ROOT,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stderr.startswith(f"profile: {python} has no PyTorch: name a Python that has it")


def test_old_triton_is_refused(monkeypatch):
    from losses.profile import machine

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(machine, "version", lambda name: "3.5.1")
    with pytest.raises(UserError, match=r"Triton 3\.5\.1 is installed, the kernels need 3\.6"):
        machine.require_gpu()
    monkeypatch.setattr(machine, "version", lambda name: "3.10.0")
    machine.require_gpu()


def test_runs_take_turns():
    calls = []
    runs = {name: (lambda name=name: calls.append(name)) for name in ("a", "b")}
    times = clocks.interleaved(runs, clocks.WallClock(), repetitions=4, warm_up=1)
    assert calls == ["a", "b", *["a", "b"] * 4]
    assert {name: len(own) for name, own in times.items()} == {"a": 4, "b": 4}
    assert clocks.spread_of_equals([1.0, 1.0, 1.0, 1.0]) == 0
    assert clocks.spread_of_equals([1.0, 2.0, 1.0, 2.0]) == 1


def test_summary_by_hand():
    found = summary([4.0, 1.0, 3.0, 2.0, 5.0])
    assert found["p50"] == 3
    assert found["p10"] == pytest.approx(1.4)
    assert quantile([1.0, 3.0], 0.5) == 2
    assert found["interval"][0] <= 3 <= found["interval"][1]
    assert found["repetitions"] == 5
    with pytest.raises(ValueError, match="at least one repetition"):
        summary([])


def test_every_operation_runs_at_a_toy_size_and_is_right(tmp_path):
    """The whole way from an operation to a record, on the CPU: the numbers are TEST DATA."""
    results = []
    for operation in operations(tokens=6, vocabulary=1100, hidden=16):
        variants = {"ours": operation.ours, "eager": operation.eager}
        timers = {"event_ms": clocks.WallClock()}
        found = measuring.measure(operation, variants, "cpu", timers, repetitions=2)
        assert [entry for entry in found if "error" in entry] == []
        assert len(found) == 2 * len(measuring.MODES)
        own = next(entry for entry in found if "relative_error" in entry)
        assert own["relative_error"][0] < 2e-2
        assert max(own["relative_error"][1:]) < 5e-2
        results += found
    json.dumps(results)


@pytest.mark.slow
@pytest.mark.parametrize("operation", small_operations(), ids=lambda operation: operation.name)
def test_small_operations_run(operation):
    variants = {"ours": operation.ours}
    timers = {"event_ms": clocks.WallClock()}
    found = measuring.measure(operation, variants, "cpu", timers, repetitions=1)
    assert [entry for entry in found if "error" in entry] == []


def test_a_variant_that_fails_is_recorded_and_the_others_go_on():
    def broken(*inputs):
        raise RuntimeError("TEST DATA: a peer's bug")

    operation = operations(tokens=3, vocabulary=40, hidden=8)[0]
    variants = {"broken": broken, "ours": operation.ours}
    timers = {"event_ms": clocks.WallClock()}
    found = measuring.measure(operation, variants, "cpu", timers, repetitions=1)
    assert [entry["error"] for entry in found if entry["variant"] == "broken"] == [
        "RuntimeError: TEST DATA: a peer's bug"
    ] * 3
    assert all("event_ms" in entry for entry in found if entry["variant"] == "ours")


def test_bytes_are_those_of_the_scheme():
    sizes = {o.name: o.least_bytes(True) for o in operations(10, 100, 4)}
    one_pass = 10 * 100 * 2
    assert sizes["kl_divergence"] == 5 * one_pass  # two sweeps read both sides, one writes
    assert sizes["js_divergence"] == 7 * one_pass
    assert sizes["cross_entropy"] == 3 * one_pass
    linear = next(o for o in operations(10, 100, 4) if o.name == "linear_kl_divergence")
    assert linear.products == (2 * 2 * 10 * 4 * 100, 4 * 2 * 10 * 4 * 100)


def test_peers_are_those_that_are_installed(monkeypatch):
    monkeypatch.setattr("losses.profile.peers.find_spec", lambda name: None)
    assert peers("kl_divergence") == {}
    monkeypatch.setattr("losses.profile.peers.find_spec", lambda name: object())
    assert set(peers("kl_divergence")) == {"Liger-Kernel"}
    assert peers("renyi_divergence") == {}


def test_a_folder_without_git_has_no_commit(tmp_path):
    assert commit(tmp_path) == {"sha": None, "dirty": None}
