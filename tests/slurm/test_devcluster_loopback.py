"""The cluster for development stays on loopback, whatever a machine is called and connected to."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from checkout import ROOT
from listening import foreign_addresses, listening_addresses
from programs import require
from slurm_cluster import require_slurm, temporary_cluster
from slurm_jobs import submit, wait_for_lines

from slurm.devcluster.cluster import DevCluster
from slurm.devcluster.processes import cluster_processes
from slurm.devcluster.settings import ClusterSettings

ROOT_ALONE = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root may give a process a network and a host name of its own"
)
OFFLINE = "ip link set lo up"
CALLED_LAPTOP = (
    "hostname laptop && cp /etc/hosts {directory}/hosts && echo {address} laptop >> "
    "{directory}/hosts && mount --bind {directory}/hosts /etc/hosts"
)


@pytest.fixture
def cluster() -> Iterator[DevCluster]:
    """A cluster that does not run yet."""
    require_slurm(accounting=True)
    with temporary_cluster() as cluster:
        yield cluster


def elsewhere(
    cluster: DevCluster, spaces: str, before: str, command: str
) -> subprocess.CompletedProcess[str]:
    """Run ``command`` in namespaces of its own (flags of unshare), after what ``before`` does."""
    devcluster = f"{sys.executable} -m slurm.devcluster"
    return subprocess.run(
        ["unshare", *spaces.split(), "sh", "-ec", f"{before}; {command}", devcluster],
        env={
            **os.environ,
            **cluster.environment,
            "PYTHONPATH": str(ROOT),
            "KLAIM_CLUSTER": str(cluster.paths.directory),
        },
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_only_loopback_is_listened_on(cluster: DevCluster, tmp_path: Path) -> None:
    cluster.up(ClusterSettings(nodes=2))
    submit(cluster, f"srun sh -c 'echo started >> {tmp_path}/log; sleep 1244'")
    wait_for_lines(tmp_path / "log", 1)
    # The controller, two nodes, and what srun opens for its step.
    assert len(listening_addresses(cluster)) > 3
    assert foreign_addresses(cluster) == []


@ROOT_ALONE
@pytest.mark.parametrize("options", ["--nodes=2", "--nodes=2 --accounting"])
def test_a_machine_without_a_network_has_a_cluster(
    cluster: DevCluster, tmp_path: Path, options: str
) -> None:
    require("slurm", "ip", hint="install iproute2 with `make system-packages`")
    command = f"$0 up {options}; sbatch --wait -o {tmp_path}/log --wrap 'srun hostname'"
    done = elsewhere(cluster, "--net", OFFLINE, command)
    assert done.returncode == 0, done.stderr
    assert len(wait_for_lines(tmp_path / "log", 1)) == 1


@ROOT_ALONE
@pytest.mark.parametrize("address", ["127.0.1.1", "10.9.8.7"])
def test_a_machine_whose_name_stands_for_another_address_has_a_cluster(
    cluster: DevCluster, tmp_path: Path, address: str
) -> None:
    named = CALLED_LAPTOP.format(directory=tmp_path, address=address)
    command = f"$0 up; sbatch --wait -o {tmp_path}/log --wrap 'srun hostname'"
    done = elsewhere(cluster, "--uts --mount", named, command)
    assert done.returncode == 0, done.stderr
    assert "this machine's name does not stand for 127.0.0.1" in done.stdout
    assert wait_for_lines(tmp_path / "log", 1) == ["localhost"]
    assert listening_addresses(cluster)
    assert foreign_addresses(cluster) == []


@ROOT_ALONE
def test_a_name_that_nothing_helps_is_refused(cluster: DevCluster) -> None:
    unprivileged = "hostname elsewhere.invalid"
    command = "exec setpriv --bounding-set=-sys_admin $0 up"
    done = elsewhere(cluster, "--uts", unprivileged, command)
    assert done.returncode == 2
    assert "make `127.0.0.1 elsewhere.invalid` the first line of /etc/hosts" in done.stderr
    assert cluster_processes(cluster.paths) == []
