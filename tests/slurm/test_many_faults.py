"""Two hundred trials of a second each on a real SLURM that is not left in peace for a moment."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from checkout import Checkout, make_checkout
from cluster_sweep import (
    ClusterSweep,
    assert_all_done_once,
    deadly_sbatch,
    job_of,
    kill_trial,
    node_of,
    preempt,
    read,
    reasons,
)
from slurm_cluster import running_cluster

from slurm.devcluster import faults
from slurm.devcluster.cluster import DevCluster
from slurm.devcluster.settings import ClusterSettings

SEEDS = 100
MOST_TASKS = 3
#: How long faults go on at most. The trials alone take half a minute on eight places.
FAULT_SECONDS = 240.0

#: What a trial's attempts say of a fault that hit it.
KINDS = {
    "kill -9 of the trial's process": "killed by SIGKILL (out of memory, or by hand)",
    "job over its time limit, checkpointed": "time limit",
    "scontrol requeue": "requeued",
    "preemption by a higher partition": "preempted",
    "out of memory": "out of memory",
    "disk full": "disk",
}
CRASH = "a node's daemons killed"
#: What SLURM says of a crash depends on what it sees first: that the node is away, or that a node
#: which is back knows nothing of its job. Both put the job back into the queue.
OF_CRASH = ("node failure", "requeued")


class Chaos:
    """Does to a sweep whatever the fault table names, at random, and keeps count."""

    def __init__(self, sweep: ClusterSweep, source: random.Random, scratch: Path) -> None:
        self.sweep = sweep
        self.random = source
        self.scratch = scratch
        self.runs: list[subprocess.Popen[str]] = []
        self.happened: Counter[str] = Counter()
        self.crashed: list[str] = []
        self.hit: list[Path] = []
        self.on_crashed: list[Path] = []
        self.faults: dict[str, Callable[[Path], None]] = {
            "kill -9 of the trial's process": kill_trial,
            "job over its time limit, checkpointed": lambda _: None,  # comes by itself
            "scontrol requeue": lambda trial: self._command("scontrol", "requeue", job_of(trial)),
            "preemption by a higher partition": lambda trial: preempt(sweep, node_of(trial)),
            CRASH: self._crash,
            "a node's slurmd killed, its jobs live on": self._kill_node_daemon,
            "out of memory": lambda trial: self._trouble(trial, "memory"),
            "disk full": lambda trial: self._trouble(trial, "disk"),
            "controller restarted": lambda _: self._restart_controller(),
            "submitter killed": lambda _: self._kill_submitter(),
        }

    def begin(self) -> None:
        """Submit with a submitter that dies midway, then twice at once."""
        path = f"{deadly_sbatch(self.scratch)}:{sys.exec_prefix}/bin:/usr/bin:/bin"
        killed = self.sweep.start(PATH=path)
        killed.wait(timeout=60)
        assert killed.returncode == -signal.SIGKILL
        assert [one["job"] for one in self.sweep.submissions] == [""]
        self.happened["submitter killed mid-submission"] += 1
        self.runs = [self.sweep.start(), self.sweep.start()]
        self.happened["the same sweep started twice at once"] += 1

    def go_on(self) -> None:
        """One fault after another until each has happened, the trials all the while running."""
        order = list(self.faults)
        self.random.shuffle(order)
        print("order of the first round:", *order, sep="\n  ")
        deadline = time.monotonic() + FAULT_SECONDS
        while missing := [name for name in order if not self.seen(name)]:
            assert time.monotonic() < deadline, f"these never happened: {missing}"
            for name in missing:
                self._one(name)
                time.sleep(self.random.uniform(0.5, 2.0))

    def seen(self, name: str) -> bool:
        """Say whether a fault hit: its trial says so, or the deed is its own proof."""
        return self.count(name) > 0

    def count(self, name: str) -> int:
        if name == CRASH:
            return sum(kind in OF_CRASH for trial in self.on_crashed for kind in kinds_of(trial))
        if name in KINDS:
            trials = [trial for trial in self.sweep.trials if trial not in self.on_crashed]
            return [kind for trial in trials for kind in kinds_of(trial)].count(KINDS[name])
        return self.happened[name]

    def end(self) -> None:
        """Let the sweep come to its end, crashed nodes and all."""
        while self.crashed:
            faults.revive_node(self.sweep.cluster, self.crashed.pop())
        for run in self.runs:
            self.sweep.finish(run)

    def _one(self, name: str) -> None:
        if self.crashed:
            faults.revive_node(self.sweep.cluster, self.crashed.pop())
        self.runs = [run for run in self.runs if run.poll() is None] or [self.sweep.start()]
        trial = self._victim()
        if trial is None:
            return
        # It may end at this very moment; the fault then comes again.
        with contextlib.suppress(ProcessLookupError, FileNotFoundError, KeyError):
            print(f"{name}: {trial.name[:8]}", flush=True)
            self.faults[name](trial)

    def _victim(self) -> Path | None:
        """Return a running trial; none that was hit before: some faults are forgiven once."""
        spared = [t for t in self.sweep.running_now(steps=1) if t not in self.hit]
        if not spared:
            time.sleep(0.5)
            return None
        self.hit.append(self.random.choice(spared))
        return self.hit[-1]

    def _command(self, *words: str) -> None:
        # A job that ends at this moment makes the command fail.
        self.sweep.cluster.run(*words)

    def _crash(self, trial: Path) -> None:
        node = node_of(trial)
        self.on_crashed.append(trial)
        faults.crash_node(self.sweep.cluster, node)
        self.crashed.append(node)

    def _kill_node_daemon(self, trial: Path) -> None:
        node = node_of(trial)
        faults.kill_node_daemon(self.sweep.cluster, node)
        self.crashed.append(node)
        self.happened["a node's slurmd killed, its jobs live on"] += 1

    def _trouble(self, trial: Path, kind: str) -> None:
        (trial / "trouble").write_text(kind)

    def _restart_controller(self) -> None:
        faults.kill_controller(self.sweep.cluster)
        time.sleep(self.random.uniform(0.0, 2.0))
        faults.start_controller(self.sweep.cluster)
        self.happened["controller restarted"] += 1

    def _kill_submitter(self) -> None:
        run = self.random.choice(self.runs)
        run.kill()
        run.wait()
        self.happened["submitter killed"] += 1
        self.runs = [one for one in self.runs if one is not run] + [self.sweep.start()]


@pytest.mark.fault("all of these at random, over 200 trials")
def test_two_hundred_trials_survive_every_fault(
    tmp_path: Path, record_property: Callable[[str, Any], None]
) -> None:
    seed = int(os.environ.get("KLAIM_FAULT_SEED") or random.SystemRandom().randrange(10**6))
    print(f"KLAIM_FAULT_SEED={seed}", flush=True)
    checkout = make_checkout(tmp_path / "checkout")
    calm = make_checkout(tmp_path / "calm")
    with running_cluster(ClusterSettings(max_array_size=MOST_TASKS)) as cluster:
        sweep = make_sweep(checkout, cluster)
        assert cluster.run("sacct").returncode != 0, "this test is to run without accounting"
        chaos = Chaos(sweep, random.Random(seed), tmp_path)
        chaos.begin()
        chaos.go_on()
        chaos.end()
        shown = sweep.reproduce()
        make_sweep(calm, cluster)
    assert "Nothing to run." in shown
    sizes = [len(one["bundles"]) for one in sweep.submissions]
    assert max(sizes) == MOST_TASKS
    assert len(sizes) > 2
    assert len(sweep.trials) == 2 * SEEDS
    assert_all_done_once(sweep)
    told = calm.repro("reproduce", "toy", "--scale", "smoke", "--jobs", "16", limit=300)
    assert told.returncode == 0, told.stderr
    assert metrics(checkout) == metrics(calm)
    assert verdicts(checkout) == verdicts(calm)
    counts = {name: chaos.count(name) for name in (*chaos.faults, *chaos.happened)}
    counts |= {"array larger than MaxArraySize": len(sizes), "no accounting": 1}
    record_property("counts", json.dumps(counts))
    print(counts)
    assert all(counts.values()), counts


def make_sweep(checkout: Checkout, cluster: DevCluster) -> ClusterSweep:
    """Two hundred trials of a second each, whose results rest on a generator's state."""
    profile = {"time_minutes": 1, "signal_seconds": 45, "parallel": 5}
    sweep = ClusterSweep.make(checkout, cluster, seeds=SEEDS, **profile)

    def take_longer_than_said(spec: dict[str, Any]) -> None:
        spec["scales"]["smoke"]["task"]["walk"] = True
        # Five bundles of some 44 s each: SLURM looks at time limits every 30 s.
        spec["scales"]["smoke"]["resources"]["hours"] = 0.7 / 3600

    checkout.edit_spec(take_longer_than_said)
    return sweep


def kinds_of(trial: Path) -> list[str]:
    return reasons(trial) if (trial / "attempts.jsonl").exists() else []


def metrics(checkout: Checkout) -> dict[str, Any]:
    return {
        folder.name: read(folder / "result.json")["metrics"]
        for folder in checkout.trials()
        if folder.name.isalnum()
    }


def verdicts(checkout: Checkout) -> dict[str, Any]:
    found = read(checkout.results / "toy" / "smoke" / "report" / "verdicts.json")
    return {key: found[key] for key in ("headline", "cells", "claims")}
