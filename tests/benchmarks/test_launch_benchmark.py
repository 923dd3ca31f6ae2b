"""Trials of a second each: what the launchers lose of the ideal, and what their rivals do."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from checkout import Checkout, make_checkout
from cluster_sweep import ClusterSweep, read

from slurm.devcluster.cluster import DevCluster

TRIALS = 200
PLACES = 2
#: A rival runs fewer, and is scaled: its cost per trial does not depend on their number.
RIVAL_TRIALS = 16
LEAST_SHARE = 0.9


def with_seconds(checkout: Checkout, seeds: int, hours: float = 1 / 3600) -> None:
    """One-second trials of two methods, ``seeds`` each."""

    def change(spec: dict[str, Any]) -> None:
        spec["methods"]["near"]["params"] = {}
        task = {"steps": 10, "step_seconds": 0.1}
        spec["scales"]["smoke"] = {"datasets": ["plain"], "seeds": seeds, "task": task}
        spec["scales"]["smoke"]["resources"] = {"hours": hours}

    checkout.edit_spec(change)


def seconds_to_the_last_result(checkout: Checkout, began: float) -> float:
    """Return how long after ``began`` the last trial finished."""
    finished = [read(folder / "result.json")["finished"] for folder in checkout.trials()]
    return max(datetime.fromisoformat(text).timestamp() for text in finished) - began


@pytest.mark.benchmark
def test_two_hundred_seconds_on_two_cores(checkout: Checkout, tmp_path: Path) -> None:
    with_seconds(checkout, TRIALS // 2)
    began = time.time()
    done = checkout.repro("reproduce", "toy", "--scale", "smoke", "--jobs", str(PLACES), limit=300)
    assert done.returncode == 0, done.stderr
    ours = TRIALS / PLACES / seconds_to_the_last_result(checkout, began)
    submitit = _rival(make_checkout(tmp_path / "submitit"), _through_submitit)
    processes = _rival(make_checkout(tmp_path / "processes"), _one_process_each)
    shown = f"share of the ideal: ours {ours:.3f}, submitit {submitit:.3f}"
    print(f"{shown}, one process per trial {processes:.3f}")
    assert ours >= LEAST_SHARE
    assert ours > submitit
    assert ours > processes


@pytest.mark.benchmark
def test_bundles_against_one_job_per_trial(slurm_cluster: DevCluster, tmp_path: Path) -> None:
    seconds = {}
    # Trials that the spec calls long get a job each.
    for name, hours in (("bundled", 1 / 3600), ("one job each", 1.0)):
        checkout = make_checkout(tmp_path / name)
        sweep = ClusterSweep.make(checkout, slurm_cluster, parallel=8, memory_gb=0.25)
        with_seconds(checkout, 40, hours)
        began = time.time()
        sweep.reproduce()
        seconds[name] = seconds_to_the_last_result(checkout, began)
        jobs = sum(len(submission["bundles"]) for submission in sweep.submissions)
        print(f"{name}: {seconds[name]:.1f} s in {jobs} jobs")
    print(f"ratio {seconds['one job each'] / seconds['bundled']:.2f}")
    assert seconds["bundled"] < seconds["one job each"]


def _rival(checkout: Checkout, run: Callable[[Checkout, list[str]], None]) -> float:
    """Return the share of the ideal throughput that a rival reaches on fewer trials."""
    with_seconds(checkout, RIVAL_TRIALS // 2)
    planned = (
        "from pathlib import Path; from repro.planning.plan import Selection;"
        "from repro.reproduce.command import prepare; from repro.trials.store import create;"
        "plan = prepare('toy', 'smoke', Path('results').absolute(), Selection());"
        "[print(create(trial, plan.paths.trials).path) for trial in plan.trials]"
    )
    folders = _python(checkout, "-c", planned).split()
    assert len(folders) == RIVAL_TRIALS
    began = time.time()
    run(checkout, folders)
    return RIVAL_TRIALS / PLACES / seconds_to_the_last_result(checkout, began)


def _through_submitit(checkout: Checkout, folders: list[str]) -> None:
    """Submitit's own executor, one job per trial, never more than there are places."""
    program = (
        "import json, sys, time, submitit; from pathlib import Path;"
        "from repro.execution.single import run_trial; from repro.trials.store import TrialFolder\n"
        "executor = submitit.LocalExecutor('submitit'); executor.update_parameters(timeout_min=5)\n"
        "jobs = []\n"
        "for folder in json.loads(sys.argv[1]):\n"
        f"    while sum(not job.done() for job in jobs) >= {PLACES}: time.sleep(0.02)\n"
        "    jobs.append(executor.submit(run_trial, TrialFolder(Path(folder))))\n"
        "[job.result() for job in jobs]\n"
    )
    _python(checkout, "-c", program, json.dumps(folders))


def _one_process_each(checkout: Checkout, folders: list[str]) -> None:
    program = (
        "import sys; from pathlib import Path; from repro.execution.single import run_trial;"
        "from repro.trials.store import TrialFolder; run_trial(TrialFolder(Path(sys.argv[1])))"
    )
    running: list[subprocess.Popen[bytes]] = []
    for folder in folders:
        while sum(one.poll() is None for one in running) >= PLACES:
            time.sleep(0.02)
        command = [sys.executable, "-c", program, folder]
        running.append(subprocess.Popen(command, cwd=checkout.root, env=checkout.variables()))
    assert [one.wait() for one in running] == [0] * len(folders)


def _python(checkout: Checkout, *words: str) -> str:
    command = [sys.executable, *words]
    environment = checkout.variables()
    return subprocess.run(
        command, cwd=checkout.root, env=environment, capture_output=True, text=True, check=True
    ).stdout
