"""A sweep of the toy paper on a real SLURM, for tests: its trials and jobs."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from checkout import Checkout, wait_until

from slurm.devcluster.cluster import DevCluster
from slurm.devcluster.faults import Job, jobs

#: Seconds until a requeued job starts again, and some more.
PATIENCE = 90.0


@dataclass
class ClusterSweep:
    """A checkout with the toy paper, a cluster, and a profile for it."""

    checkout: Checkout
    cluster: DevCluster
    #: Options of `reproduce`, beside paper, launcher and profile.
    options: tuple[str, ...] = ()

    @classmethod
    def make(
        cls,
        checkout: Checkout,
        cluster: DevCluster,
        *,
        seeds: int = 2,
        steps: int = 10,
        **profile: Any,
    ) -> ClusterSweep:
        """Two methods on one data set, ``steps`` steps of a tenth of a second each."""
        checkout.environment |= cluster.environment

        def shorten(spec: dict[str, Any]) -> None:
            spec["methods"]["near"]["params"] = {}
            spec["scales"]["smoke"] = {"datasets": ["plain"], "seeds": seeds}
            spec["scales"]["smoke"]["task"] = {"steps": steps, "step_seconds": 0.1}
            spec["scales"]["smoke"]["resources"] = {"hours": 0.1 * steps / 3600}

        checkout.edit_spec(shorten)
        sweep = cls(checkout, cluster)
        sweep.set_profile(**profile)
        return sweep

    def set_profile(self, **changes: Any) -> None:
        """Write the profile: small limits, a look at the queue four times a second."""
        profile = {"time_minutes": 5, "signal_seconds": 30, "parallel": 2, "poll_seconds": 0.25}
        profile |= {"memory_gb": 0.5} | changes
        self.profile.write_text(yaml.safe_dump(profile))

    @property
    def profile(self) -> Path:
        return self.checkout.root / "cluster.yaml"

    @property
    def arguments(self) -> tuple[str, ...]:
        launcher = ("--launcher", "slurm", "--cluster", str(self.profile))
        return ("reproduce", "toy", "--scale", "smoke", *launcher, *self.options)

    def start(self, **variables: str) -> subprocess.Popen[str]:
        return self.checkout.start(*self.arguments, **variables)

    def reproduce(self, **variables: str) -> str:
        """Run the sweep to its end; return what it printed."""
        return self.finish(self.start(**variables))

    def finish(self, run: subprocess.Popen[str], status: int = 0) -> str:
        shown, complaint = run.communicate(timeout=180)
        assert run.returncode == status, shown + complaint
        return shown

    @property
    def trials(self) -> list[Path]:
        return [folder for folder in self.checkout.trials() if folder.name.isalnum()]

    @property
    def submissions(self) -> list[dict[str, Any]]:
        folder = self.checkout.results / "toy" / "smoke" / "jobs"
        return [read(path) for path in sorted(folder.glob("*/submission.json"))]

    def jobs(self) -> list[Job]:
        """Return this sweep's jobs that the queue still shows."""
        names = {submission["name"] for submission in self.submissions}
        return [job for job in jobs(self.cluster) if job.name in names]

    def running(self, steps: int = 3) -> Path:
        """Wait for a trial that has taken ``steps`` steps and has some left; return its folder."""
        found: list[Path] = []
        wait_until(lambda: bool(found.extend(self.running_now(steps)) or found), PATIENCE)
        return found[0]

    def running_now(self, steps: int) -> Iterator[Path]:
        """Yield the trials that run now and have taken ``steps`` steps."""
        for folder in self.trials:
            beat = read(folder / "heartbeat.json")
            if beat and Path(f"/proc/{beat['pid']}").exists() and beat["done"] >= steps:
                yield folder

    def command(self, *words: str) -> str:
        done = self.cluster.run(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout


def read(path: Path) -> dict[str, Any]:
    """Return a JSON file's content; nothing where it is gone by now."""
    try:
        content: dict[str, Any] = json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return content


def attempts(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "attempts.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def reasons(folder: Path) -> list[str]:
    """Return the kinds of the reasons for which a trial's attempts ended."""
    return [str(attempt["reason"]).partition(":")[0] for attempt in attempts(folder)]


def kill_trial(folder: Path) -> None:
    os.kill(read(folder / "heartbeat.json")["pid"], signal.SIGKILL)


def kill_worker(folder: Path) -> None:
    """Kill the worker that runs a trial: the parent of the trial's process."""
    trial = read(folder / "heartbeat.json")["pid"]
    fields = Path(f"/proc/{trial}/stat").read_text().rpartition(")")[2].split()
    os.kill(int(fields[1]), signal.SIGKILL)


def begun(sweep: ClusterSweep) -> list[Path]:
    """Return the trials that have an attempt."""
    return [trial for trial in sweep.trials if (trial / "attempts.jsonl").exists()]


def job_of(folder: Path) -> str:
    return str(attempts(folder)[-1]["job"])


def node_of(folder: Path) -> str:
    return str(attempts(folder)[-1]["node"])


def assert_all_done_once(sweep: ClusterSweep) -> None:
    """Every trial has one result, and exactly one of its attempts gave it."""
    for folder in sweep.trials:
        assert read(folder / "result.json").get("metrics"), folder
        assert reasons(folder).count("done") == 1, attempts(folder)
        steps = [json.loads(line)["step"] for line in (folder / "metrics.jsonl").open()]
        assert steps == list(range(len(steps))), "a step was logged twice"
        assert not (folder / "error.json").exists()
        assert not (folder / "claim").exists()


def eventually(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.2)


def preempt(sweep: ClusterSweep, node: str) -> None:
    """Let a job of a higher partition take a whole node for a moment."""
    cpus = str(sweep.cluster.settings.cpus_per_node)
    words = ("-p", "urgent", "-w", node, "-c", cpus, "--mem=100", "-o", "/dev/null")
    sweep.command("sbatch", *words, "--wrap", "sleep 2")


def deadly_sbatch(folder: Path) -> Path:
    """Make an ``sbatch`` that submits the job and then kills whoever called it."""
    program = folder / "bin" / "sbatch"
    program.parent.mkdir()
    program.write_text('#!/bin/bash\n/usr/bin/sbatch "$@"\nkill -9 $PPID\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program.parent
