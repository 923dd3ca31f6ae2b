"""Jobs for tests of a cluster: submitted, waited for, and what runs of them."""

from __future__ import annotations

import re
from pathlib import Path

from checkout import wait_until

from slurm.devcluster.cluster import DevCluster
from slurm.devcluster.faults import Job, jobs
from slurm.devcluster.processes import Process, cluster_processes


def submit(cluster: DevCluster, script: str, *options: str) -> str:
    """Submit ``script`` as a batch job without a log, and return its id."""
    quiet = (
        () if any(option.startswith("--output") for option in options) else ("--output=/dev/null",)
    )
    done = cluster.run("sbatch", "--parsable", *quiet, *options, f"--wrap={script}")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def find_job(cluster: DevCluster, job_id: str) -> Job | None:
    """Return the job, or ``None`` where the controller knows it no more."""
    return next((job for job in jobs(cluster) if job.id == job_id), None)


def wait_for_state(cluster: DevCluster, job_id: str, *states: str, seconds: float = 30.0) -> Job:
    """Wait until the job is in one of ``states``, and return it."""
    found: list[Job] = []

    def reached() -> bool:
        job = find_job(cluster, job_id)
        found[:] = [job] if job and job.state in states else []
        return bool(found)

    wait_until(reached, seconds)
    return found[0]


def restarts(cluster: DevCluster, job_id: str) -> int:
    """Return how often the job was started again."""
    shown = cluster.run("scontrol", "show", "job", job_id).stdout
    told = re.search(r"Restarts=(\d+)", shown)
    assert told, shown
    return int(told[1])


def wait_for_lines(path: Path, count: int, seconds: float = 30.0) -> list[str]:
    """Wait until the file has ``count`` lines, and return them."""

    def lines() -> list[str]:
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    wait_until(lambda: len(lines()) >= count, seconds)
    return lines()


def commands(cluster: DevCluster) -> list[str]:
    """Return the command lines of the cluster's processes, such as ``sleep 60``."""
    return [_command(process) for process in cluster_processes(cluster.paths)]


def _command(process: Process) -> str:
    try:
        content = Path(f"/proc/{process.pid}/cmdline").read_bytes()
    except OSError:
        return ""
    return content.replace(b"\0", b" ").decode().strip().removeprefix("/usr/bin/")
