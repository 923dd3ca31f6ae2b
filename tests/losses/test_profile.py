"""The profile as far as a CPU goes: clocks, records, tables, figures, pages, what is refused.

The records here are made up, or measured on a CPU at toy sizes: TEST DATA, never shown as results.
"""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from losses.profile import figures, record, tables
from losses.profile.__main__ import main, write_pages
from losses.profile.goals import goals
from losses.profile.machine import commit
from losses.profile.page import page
from losses.profile.summary import summary
from repro.errors import UserError

ROOT = Path(__file__).parents[2]
TEST_DEVICE = "TEST DATA, no device"
STATISTICS = {"kernel": "test_data", "registers": 70, "spills": 3, "shared": 128, "warps": 8}


def result(operation="kl_divergence", variant="ours", ms=2.0, **more):
    return {
        "operation": operation,
        "variant": variant,
        "mode": "forward + gradient",
        "dtype": "bfloat16",
        "shape": {"tokens": 8192, "vocabulary": 128_256},
        "least_bytes": 0 if "linear" in operation else 8_000_000_000,
        "products": 30e12 if "linear" in operation else 0,
        "time_ms": summary([ms * 0.9, ms, ms * 1.2]),
        **more,
    }


@pytest.fixture
def made_up():
    return {
        "schema_version": record.SCHEMA_VERSION,
        "timestamp": "2000-01-01T00:00:00+00:00",
        "git": {"sha": "0" * 40, "dirty": True},
        "device": {"type": "cuda", "name": TEST_DEVICE, "cuda": "0.0"},
        "software": {"python": "0", "torch": "0", "triton": "0", "liger-kernel": None},
        "ceilings": {"copy_tb_per_s": 4.0, "product_tflop_per_s": 800.0},
        "protocol": {"clock": "CUDA events"},
        "clocks": {},
        "compiled": [],
        "results": [
            result(
                ms=2.0,
                peak_bytes=100,
                relative_error=[1e-7, 2e-3],
                wall_ms=summary([3.0]),
                compiled=[STATISTICS],
            ),
            result(variant="eager", ms=8.0, peak_bytes=1000),
            result("linear_kl_divergence", ms=40.0, peak_bytes=10),
            result("linear_kl_divergence", "eager", ms=90.0, peak_bytes=100),
            {
                key: value
                for key, value in result(variant="Liger-Kernel").items()
                if key != "time_ms"
            }
            | {"error": "OutOfMemoryError: TEST DATA"},
        ],
    }


def test_the_page_of_this_repository_is_that_of_its_record():
    found = record.read(ROOT / "docs/profile.json")
    drawn = "profile" if (ROOT / "docs/profile/roofline.svg").exists() else ""
    assert (ROOT / "docs/profile.md").read_text(encoding="utf-8") == page(found, drawn)


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
    assert "| test_data | kl_divergence, forward + gradient | 70 | 3 | 128 | 8 |" in text
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


@pytest.mark.slow
def test_a_processor_is_profiled_from_one_command(tmp_path):
    """The numbers are TEST DATA: of toy sizes, on whatever machine this is."""
    command = [sys.executable, "-m", "losses.profile", "--device", "cpu", "--folder", str(tmp_path)]
    sizes = ["--tokens", "4", "--vocabulary", "40", "--repetitions", "1"]
    environment = {k: v for k, v in os.environ.items() if k != "TRITON_INTERPRET"}
    subprocess.run([*command, *sizes], cwd=ROOT, env=environment, check=True, capture_output=True)
    found = record.read(tmp_path / "profile-cpu.json")
    assert found["device"]["type"] == "cpu"
    assert [entry for entry in found["results"] if "error" in entry] == []
    text = (tmp_path / "profile-cpu.md").read_text(encoding="utf-8")
    assert "(CPU, one thread)" in text
    assert "## Goals" not in text  # they are a GPU's
    if find_spec("triton"):
        assert {kernel["spills"] for kernel in found["compiled"]} == {0}
        assert "| statistics | compiled for sm_90 |" in text


def test_a_folder_without_git_has_no_commit(tmp_path):
    assert commit(tmp_path) == {"sha": None, "dirty": None}
