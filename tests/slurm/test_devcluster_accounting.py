"""The cluster for development with slurmdbd and MariaDB."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from checkout import wait_until
from listening import foreign_addresses, listening_addresses
from slurm_cluster import running_cluster
from slurm_jobs import submit, wait_for_state

from slurm.devcluster import faults
from slurm.devcluster.cluster import DevCluster
from slurm.devcluster.processes import cluster_processes
from slurm.devcluster.settings import ClusterSettings


@pytest.fixture(scope="module")
def cluster() -> Iterator[DevCluster]:
    """One node, with accounting."""
    with running_cluster(ClusterSettings(nodes=1, accounting=True)) as cluster:
        yield cluster


def state_in_sacct(cluster: DevCluster, job: str) -> str:
    """Return what ``sacct`` calls the job's state; empty where it does not know the job."""
    return cluster.run("sacct", "-n", "-X", "-P", "-j", job, "-o", "State").stdout.strip()


def test_sacct_knows_how_a_job_ended(cluster: DevCluster) -> None:
    good, bad = submit(cluster, "true"), submit(cluster, "exit 3")
    wait_until(lambda: state_in_sacct(cluster, good) == "COMPLETED")
    wait_until(lambda: state_in_sacct(cluster, bad) == "FAILED")
    assert [state_in_sacct(cluster, job) for job in (good, bad)] == ["COMPLETED", "FAILED"]


def test_without_its_daemon_sacct_fails_and_jobs_go_on(cluster: DevCluster) -> None:
    faults.kill_accounting(cluster)
    assert cluster.run("sacct").returncode != 0
    job = submit(cluster, "true")
    wait_for_state(cluster, job, "COMPLETED")
    faults.revive_accounting(cluster)
    wait_until(lambda: state_in_sacct(cluster, job) == "COMPLETED", 60)


def test_only_loopback_is_listened_on(cluster: DevCluster) -> None:
    names = {process.name for process in cluster_processes(cluster.paths)}
    assert {"slurmdbd", "mariadbd"} <= names
    # The controller, the node and slurmdbd: MariaDB has a socket in the directory alone.
    assert len(listening_addresses(cluster)) == 3
    assert foreign_addresses(cluster) == []
