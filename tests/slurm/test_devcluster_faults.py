"""Nodes that crash, controllers that go away: what the cluster for development does on demand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from checkout import wait_until
from slurm_cluster import running_cluster
from slurm_jobs import commands, find_job, restarts, submit, wait_for_lines, wait_for_state

from repro.errors import UserError
from slurm.devcluster import faults
from slurm.devcluster.cluster import DevCluster
from slurm.devcluster.settings import ClusterSettings


@pytest.fixture(scope="module")
def cluster() -> Iterator[DevCluster]:
    """Two nodes that only these tests break."""
    with running_cluster(ClusterSettings(nodes=2)) as cluster:
        yield cluster


def test_a_crashed_nodes_job_runs_again_on_another(cluster: DevCluster, tmp_path: Path) -> None:
    log = tmp_path / "log"
    # A child that left its parents and forgot its environment is of the node all the same.
    stray = "env -i setsid sleep 1234 &"
    job = submit(cluster, f"{stray} echo $SLURMD_NODENAME >> {log}; exec sleep 1235")
    node = wait_for_lines(log, 1)[0]
    wait_until(lambda: {"sleep 1234", "sleep 1235"} <= set(commands(cluster)))
    faults.crash_node(cluster, node)
    assert not {"sleep 1234", "sleep 1235", f"slurmd -N {node}"} & set(commands(cluster))
    first, second = wait_for_lines(log, 2)
    assert {first, second} == set(cluster.settings.node_names)
    faults.revive_node(cluster, node)
    assert cluster.run("scancel", job).returncode == 0
    submit(cluster, f"echo revived >> {log}", f"--nodelist={node}")
    assert wait_for_lines(log, 3)[2] == "revived"


def test_a_stopped_controller_remembers_its_jobs(cluster: DevCluster, tmp_path: Path) -> None:
    running = submit(cluster, f"while [ ! -e {tmp_path}/end ]; do sleep 0.1; done")
    wait_for_state(cluster, running, "RUNNING")
    held = submit(cluster, "true", "--hold")
    faults.stop_controller(cluster)
    with pytest.raises(UserError, match="squeue failed"):
        faults.jobs(cluster)
    faults.start_controller(cluster)
    assert {job.state for job in faults.jobs(cluster) if job.id == running} == {"RUNNING"}
    assert {job.state for job in faults.jobs(cluster) if job.id == held} == {"PENDING"}
    (tmp_path / "end").touch()
    wait_for_state(cluster, running, "COMPLETED")
    assert restarts(cluster, running) == 0
    assert cluster.run("scancel", held).returncode == 0


def test_a_job_ends_while_there_is_no_controller(cluster: DevCluster, tmp_path: Path) -> None:
    job = submit(
        cluster, f"while [ ! -e {tmp_path}/end ]; do sleep 0.1; done; touch {tmp_path}/ended"
    )
    wait_for_state(cluster, job, "RUNNING")
    faults.stop_controller(cluster)
    (tmp_path / "end").touch()
    wait_until((tmp_path / "ended").exists)
    assert cluster.run("squeue").returncode != 0  # nobody was there to see it end
    faults.start_controller(cluster)
    wait_for_state(cluster, job, "COMPLETED")


def test_a_killed_controller_comes_back(cluster: DevCluster) -> None:
    faults.kill_controller(cluster)
    faults.start_controller(cluster)
    job = submit(cluster, "true")
    wait_for_state(cluster, job, "COMPLETED")
    assert find_job(cluster, "0") is None


def test_up_starts_what_is_missing_and_keeps_jobs(cluster: DevCluster) -> None:
    job = submit(cluster, "sleep 1236", "--nodelist=node2")
    wait_for_state(cluster, job, "RUNNING")
    faults.crash_node(cluster, "node1", noticed=False)
    faults.stop_controller(cluster)
    assert cluster.up(cluster.settings)
    assert wait_for_state(cluster, job, "RUNNING").nodes == "node2"
    assert cluster.run("scancel", job).returncode == 0


def test_a_node_that_is_none_is_refused(cluster: DevCluster) -> None:
    with pytest.raises(UserError, match="no node 'node3'; did you mean 'node"):
        faults.crash_node(cluster, "node3")
