"""The command line: quick to answer, one line per mistake, exit statuses that mean something."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from checkout import Checkout

HEAVY = ("torch", "pandas", "matplotlib", "numpy", "scipy", "sklearn", "submitit", "omegaconf")


def cpu_seconds(*arguments: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-m", "repro", *arguments], capture_output=True, check=False, timeout=60
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_the_command_line_imports_nothing_heavy() -> None:
    program = f"import sys, repro.cli; print([m for m in {HEAVY!r} if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert shown.stdout.strip() == "[]", shown.stderr


@pytest.mark.parametrize("arguments", [("--help",), ("reproduce", "--no-such-option")])
def test_help_and_argument_errors_answer_at_once(arguments: tuple[str, ...]) -> None:
    # The least of several runs: a shared machine only ever adds to it.
    assert min(cpu_seconds(*arguments) for _ in range(4)) < 0.3


def test_every_verb_has_help(checkout: Checkout) -> None:
    verbs = [
        "list",
        "plan",
        "reproduce",
        "status",
        "report",
        "explain",
        "run-trial",
        "logs",
        "fetch",
        "fit",
    ]
    shown = checkout.repro("--help")
    assert shown.returncode == 0
    assert all(verb in shown.stdout for verb in verbs)


def one_line_error(checkout: Checkout, *arguments: str, **variables: str) -> str:
    shown = checkout.repro(*arguments, **variables)
    assert shown.returncode == 2, shown.stdout + shown.stderr
    lines = shown.stderr.strip().splitlines()
    assert len(lines) == 1, shown.stderr
    return lines[0]


def test_an_unknown_paper_lists_the_valid_ones(checkout: Checkout) -> None:
    message = one_line_error(checkout, "plan", "tyo")
    assert "'tyo'" in message
    assert "valid: toy, all" in message


def test_an_unknown_scale_lists_the_valid_ones(checkout: Checkout) -> None:
    message = one_line_error(checkout, "reproduce", "toy", "--scale", "huge")
    assert "valid: smoke, small, paper" in message


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("--datasets", "plian", "did you mean 'plain'?"),
        ("--datasets", "file:/no/such.csv", "there is no such file"),
        ("--methods", "nea", "did you mean 'near'?"),
        ("--seeds", "0", "SEEDS must be at least 1"),
        ("--launcher", "cloud", "valid: debug, local, slurm"),
        ("--stale", "maybe", "valid: auto, rerun, keep"),
    ],
)
def test_a_wrong_choice_is_one_line(
    checkout: Checkout, option: str, value: str, expected: str
) -> None:
    message = one_line_error(checkout, "reproduce", "toy", "--scale", "smoke", option, value)
    assert expected in message
    assert not checkout.trials()


@pytest.mark.parametrize(
    ("place", "change", "expected"),
    [
        ("metrics.error.lable", lambda s: s["metrics"]["error"].update(lable="x"), "'label'"),
        ("title", lambda s: s.pop("title"), "required, but missing"),
        (
            "methods.far.params.bais",
            lambda s: s["methods"]["far"]["params"].update(bais=1),
            "did you mean 'bias'?",
        ),
        (
            "methods.far.params.ending",
            lambda s: s["methods"]["far"]["params"].update(ending="rise"),
            "'rise' does not fit; did you mean 'raise'?",
        ),
        (
            "methods.far.params.ending",
            lambda s: s["methods"]["far"]["params"].update(ending="xyz"),
            "valid: kill, nan, raise, well",
        ),
        (
            "methods.near.params.bias",
            lambda s: s["methods"]["near"]["params"].update(bias={"sweep": [1, "x"], "table": 1}),
            "'x' does not fit; valid: a number",
        ),
        (
            "scales.smoke.task.steps",
            lambda s: s["scales"]["smoke"]["task"].update(steps="three"),
            "'three' does not fit; valid: a whole number",
        ),
        (
            "scales.paper.task.with_artifact",
            lambda s: s["scales"]["paper"]["task"].update(with_artifact="ture"),
            "did you mean 'true'?",
        ),
        (
            "user_data.not_compared",
            lambda s: s.update(user_data={"not_compared": ["eror"]}),
            "did you mean 'error'?",
        ),
        (
            "datasets.plain.resplit",
            lambda s: s["datasets"]["plain"].update(resplit=-1),
            "n_held_out / n_train",
        ),
        (
            "methods.far.use",
            lambda s: s["methods"]["far"].update(use="baselines.toy.Fra"),
            "did you mean 'Far'?",
        ),
        (
            "methods.far.use",
            lambda s: s["methods"]["far"].update(use="baselines.tow.Far"),
            "there is no module 'baselines.tow'",
        ),
        (
            "scales.smoke.task.stepz",
            lambda s: s["scales"]["smoke"]["task"].update(stepz=1),
            "steps",
        ),
        ("scales", lambda s: s["scales"].update(tiny=s["scales"]["smoke"]), "unknown scale 'tiny'"),
        (
            "scales.smoke.datasets",
            lambda s: s["scales"]["smoke"].update(datasets=["plan"]),
            "did you mean 'plain'?",
        ),
        ("claims.nearer.method", lambda s: s["claims"][0].update(method="neer"), "'near'"),
        ("claims.nearer.metric", lambda s: s["claims"][0].update(metric="effort"), "neither"),
        (
            "methods.near.params.bias",
            lambda s: s["methods"]["near"]["params"].update(bias={"sweep": [1, 2], "table": 3}),
            "not among the swept values",
        ),
        (
            "reported[0].source",
            lambda s: s.update(
                reported=[
                    {
                        "dataset": "plain",
                        "method": "far",
                        "metric": "error",
                        "value": "0.5",
                        "source": "from memory",
                    }
                ]
            ),
            "someone can open",
        ),
    ],
)
def test_a_wrong_spec_is_one_line_with_its_place(
    checkout: Checkout, place: str, change: Any, expected: str
) -> None:
    checkout.edit_spec(change)
    message = one_line_error(checkout, "reproduce", "toy", "--scale", "smoke")
    assert "toy.yaml" in message
    assert place in message
    assert expected in message
    assert not checkout.trials()


def test_a_mistake_in_the_figures_is_found_before_anything_runs(checkout: Checkout) -> None:
    figures = checkout.root / "figures" / "toy.yaml"
    figures.write_text(figures.read_text().replace("metric:", "metirc:"))
    message = one_line_error(checkout, "reproduce", "toy", "--scale", "smoke")
    assert "did you mean 'metric'?" in message
    assert not checkout.trials()


def test_a_spec_that_is_no_yaml_is_one_line(checkout: Checkout) -> None:
    checkout.spec.write_text("paper: [toy")
    assert "not valid YAML" in one_line_error(checkout, "plan", "toy")


def test_a_results_folder_that_cannot_be_written_is_one_line(
    checkout: Checkout, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    place = str(tmp_path / "file" / "results")
    message = one_line_error(checkout, "reproduce", "toy", "--scale", "smoke", "--results", place)
    assert place in message
    assert "RESULTS=<dir>" in message


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_results_folder_is_one_line(checkout: Checkout, tmp_path: Path) -> None:
    place = tmp_path / "sealed"
    place.mkdir(mode=0o500)
    message = one_line_error(
        checkout, "reproduce", "toy", "--scale", "smoke", "--results", str(place)
    )
    assert "permission denied" in message


def test_a_data_file_with_a_wrong_hash_is_one_line(checkout: Checkout, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "toy.csv").write_text("damaged")
    message = one_line_error(
        checkout, "reproduce", "toy", "--scale", "paper", REPRO_DATA=str(data), OFFLINE="1"
    )
    assert "toy.csv" in message
    assert "expected " + "0" * 64 in message
    assert not checkout.trials("paper")


def test_a_missing_data_file_offline_is_one_line(checkout: Checkout) -> None:
    message = one_line_error(checkout, "reproduce", "toy", "--scale", "paper", OFFLINE="1")
    assert "REPRO_DATA" in message


def test_a_dead_address_is_one_line(checkout: Checkout) -> None:
    message = one_line_error(checkout, "reproduce", "toy", "--scale", "paper", OFFLINE="")
    assert "cannot download toy.csv" in message


def test_plan_names_the_gpu_hours(checkout: Checkout) -> None:
    shown = checkout.repro("plan", "toy", "--scale", "paper")
    assert shown.returncode == 0
    # Two methods, 3 seeds, 2 h on one GPU each.
    assert "GPU time: about 12.0 GPU hours." in shown.stdout
    assert not checkout.trials("paper")


def test_a_dry_run_starts_nothing(checkout: Checkout) -> None:
    shown = checkout.repro("reproduce", "toy", "--scale", "smoke", "--dry-run")
    assert shown.returncode == 0
    assert "To run: 14" in shown.stdout
    assert not checkout.results.exists()


def test_a_plan_of_a_selection_says_that_it_decides_nothing(checkout: Checkout) -> None:
    shown = checkout.repro("plan", "toy", "--scale", "smoke", "--seeds", "2")
    assert shown.returncode == 0
    assert "This is a partial selection: its report decides no claim." in shown.stdout
    whole = checkout.repro("plan", "toy", "--scale", "smoke").stdout
    assert "What the planned seeds can show" in whole
    assert "partial selection" not in whole


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc")
def test_a_results_folder_where_the_kernel_allows_none_is_one_line(checkout: Checkout) -> None:
    message = one_line_error(
        checkout, "reproduce", "toy", "--scale", "smoke", "--results", "/proc/results"
    )
    assert "/proc/results" in message


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("file:", "file: names no file: write file:<path>"),
        ("file:~nobody-here/x.csv", "~nobody-here/x.csv: there is no such user"),
        ("file:nowhere.csv", "nowhere.csv: there is no such file or folder"),
    ],
)
def test_a_data_set_file_that_is_none_is_one_line(
    checkout: Checkout, name: str, problem: str
) -> None:
    message = one_line_error(checkout, "plan", "toy", "--scale", "smoke", "--datasets", name)
    assert problem in message


def test_an_export_before_any_trial_is_one_line(checkout: Checkout) -> None:
    message = one_line_error(checkout, "export", "toy", "--scale", "smoke")
    assert "no trial of toy at scale smoke has finished, so there is nothing to export" in message
