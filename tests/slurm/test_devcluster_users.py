"""The cluster for development without root's rights, and root's cluster for other users."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from checkout import wait_until
from listening import foreign_addresses
from ordinary_user import NOBODY, as_ordinary_user, require_readable_checkout
from slurm_cluster import require_slurm, temporary_cluster
from slurm_jobs import submit, wait_for_lines, wait_for_state

from slurm.devcluster import faults
from slurm.devcluster.cluster import DevCluster
from slurm.devcluster.processes import cluster_processes
from slurm.devcluster.settings import ClusterSettings


@pytest.fixture
def cluster() -> Iterator[DevCluster]:
    """A cluster that does not run yet, in a directory that an ordinary user may write to."""
    require_slurm(accounting=True)
    require_readable_checkout()
    with temporary_cluster() as cluster:
        if os.geteuid() == 0:
            os.chown(cluster.paths.directory, NOBODY, NOBODY)
        yield cluster


def test_an_ordinary_user_has_a_cluster_too(cluster: DevCluster) -> None:
    log = cluster.paths.directory / "log"

    def use() -> None:
        cluster.up(ClusterSettings(nodes=2))
        owners = {_owner(process.pid) for process in cluster_processes(cluster.paths)}
        assert owners == {os.getuid()} - {0}
        job = submit(cluster, f"echo $CUDA_VISIBLE_DEVICES >> {log}; exec sleep 60", "--gres=gpu:1")
        node = wait_for_state(cluster, job, "RUNNING").nodes
        wait_for_lines(log, 1)
        faults.crash_node(cluster, node)
        assert wait_for_lines(log, 2) == ["0", "0"]
        assert foreign_addresses(cluster) == []
        assert cluster.down()

    as_ordinary_user(use)
    assert cluster_processes(cluster.paths) == []


def test_an_ordinary_user_has_accounting_too(cluster: DevCluster) -> None:
    def use() -> None:
        cluster.up(ClusterSettings(nodes=1, accounting=True))
        job = submit(cluster, "true")
        wait_until(lambda: "COMPLETED" in cluster.run("sacct", "-n", "-X", "-j", job).stdout)
        assert foreign_addresses(cluster) == []
        assert cluster.down()

    as_ordinary_user(use)
    assert cluster_processes(cluster.paths) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root's cluster")
def test_roots_cluster_runs_other_users_jobs_as_them(
    slurm_cluster: DevCluster, tmp_path: Path
) -> None:
    log = slurm_cluster.paths.directory / "of-nobody"
    log.touch()
    os.chown(log, NOBODY, NOBODY)
    done = subprocess.run(
        ["sbatch", "--output=/dev/null", f"--wrap=id -u > {log}"],
        env={**os.environ, **slurm_cluster.environment},
        cwd="/",
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert wait_for_lines(log, 1) == [str(NOBODY)]


def _owner(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid
