"""Starting and stopping the cluster for development: quickly, completely, and nothing else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from checkout import ROOT, wait_until
from listening import foreign_addresses, listening_addresses
from slurm_cluster import require_slurm, running_cluster, temporary_cluster
from slurm_jobs import commands, submit, wait_for_lines

from repro.errors import UserError
from slurm.devcluster.cluster import DevCluster
from slurm.devcluster.processes import cluster_processes
from slurm.devcluster.settings import ClusterSettings, cluster_paths

SMALL = ClusterSettings(nodes=2)


@pytest.fixture
def cluster() -> Iterator[DevCluster]:
    """A cluster that does not run yet."""
    require_slurm()
    with temporary_cluster() as cluster:
        yield cluster


def devcluster(
    *arguments: str, directory: Path, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run the command line of the cluster in ``directory``."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "KLAIM_CLUSTER": str(directory)}
    return subprocess.run(
        [sys.executable, "-m", "slurm.devcluster", *arguments],
        env={**environment, **variables},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_up_and_down_from_the_command_line(cluster: DevCluster) -> None:
    directory = cluster.paths.directory
    before = time.monotonic()
    up = devcluster("up", "--nodes", "3", "--gpus", "1", directory=directory)
    assert up.returncode == 0, up.stderr
    assert time.monotonic() - before < 20
    assert "LAUNCHER=slurm CLUSTER=devcluster" in up.stdout
    assert cluster.run(
        "sinfo", "-h", "-N", "-p", "normal", "-o", "%N %t %G"
    ).stdout.splitlines() == [f"node{number} idle gpu:fake:1" for number in (1, 2, 3)]
    again = devcluster("up", "--nodes", "3", "--gpus", "1", directory=directory)
    assert (again.returncode, "runs already" in again.stdout) == (0, True)
    assert "is stopped" in devcluster("down", directory=directory).stdout
    assert cluster_processes(cluster.paths) == []
    assert "No cluster runs" in devcluster("down", directory=directory).stdout


def test_the_makefile_starts_and_stops_it(cluster: DevCluster) -> None:
    place = f"KLAIM_CLUSTER={cluster.paths.directory}"
    for target, told in (("cluster-up", "The cluster runs:"), ("cluster-down", "is stopped")):
        command = ["make", target, "SETUP=0", f"PYTHON={sys.executable}", place]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert told in done.stdout


def test_a_cluster_may_be_without_gpus_and_found_through_a_link(
    cluster: DevCluster, tmp_path: Path
) -> None:
    cluster.up(ClusterSettings(nodes=1, gpus_per_node=0))
    assert (
        cluster.run("sinfo", "-h", "-p", "normal", "-o", "%N %G").stdout.strip() == "node1 (null)"
    )
    link = Path("/tmp") / f"{cluster.paths.directory.name}-link"
    link.symlink_to(cluster.paths.directory)
    try:
        assert DevCluster.at(link).down()
    finally:
        link.unlink()
    assert cluster_processes(cluster.paths) == []


def test_a_node_out_of_service_does_not_hold_up_a_second_start(cluster: DevCluster) -> None:
    cluster.up(SMALL)
    drained = ("nodename=node1", "state=drain", "reason=repair")
    assert cluster.run("scontrol", "update", *drained).returncode == 0
    before = time.monotonic()
    assert not cluster.up(SMALL)
    assert time.monotonic() - before < 10


def test_what_a_user_needs_stands_in_the_directory(cluster: DevCluster) -> None:
    cluster.up(SMALL)
    record = json.loads(cluster.paths.record.read_text(encoding="utf-8"))
    assert record["environment"] == {"SLURM_CONF": str(cluster.paths.slurm_conf)}
    assert record["settings"]["nodes"] == 2
    told = f". {cluster.paths.environment} && sinfo -h -o %D -p urgent"
    plain = {name: value for name, value in os.environ.items() if not name.startswith("SLURM")}
    done = subprocess.run(
        ["sh", "-c", told], env=plain, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "2"


def test_a_running_cluster_is_not_started_with_other_settings(cluster: DevCluster) -> None:
    cluster.up(SMALL)
    with pytest.raises(UserError, match=r'runs with other settings .*"max_array_size": 1001'):
        cluster.up(replace(SMALL, max_array_size=10))
    assert not cluster.up(SMALL)


def test_down_leaves_no_process_behind(cluster: DevCluster, tmp_path: Path) -> None:
    cluster.up(SMALL)
    stray = "env -i setsid sleep 1237 &"
    stubborn = "(trap '' TERM; sleep 1238; sleep 1239) &"
    submit(cluster, f"{stray} setsid sleep 1240 & {stubborn} touch {tmp_path}/started; wait")
    submit(cluster, "srun sleep 1241")
    sleeping = {f"sleep {seconds}" for seconds in (1237, 1238, 1240, 1241)}
    wait_until(lambda: sleeping <= set(commands(cluster)))
    cluster.down()
    assert cluster_processes(cluster.paths) == []
    assert not sleeping & set(_all_commands())


def test_down_ends_only_what_is_the_clusters_own(cluster: DevCluster) -> None:
    with running_cluster(SMALL) as other:
        cluster.up(SMALL)
        before = {process.pid for process in cluster_processes(other.paths)}
        shell = {**os.environ, **cluster.environment, "KLAIM_CLUSTER": str(cluster.paths.directory)}
        with subprocess.Popen(["sleep", "1242"], env=shell) as users_own:
            cluster.down()
            assert users_own.poll() is None
            users_own.kill()
        assert before == {process.pid for process in cluster_processes(other.paths)}
        assert before


def test_jobs_of_a_new_start_have_new_ids_and_find_nothing_old(cluster: DevCluster) -> None:
    cluster.up(SMALL)
    first = int(submit(cluster, "sleep 1243"))
    cluster.down()
    cluster.up(SMALL)
    assert cluster.run("squeue", "-h").stdout == ""
    assert int(submit(cluster, "true")) == first + 1


def test_nothing_outside_of_its_directory_changes(cluster: DevCluster) -> None:
    before = _system_files()
    cluster.up(SMALL)
    submit(cluster, "true")
    cluster.down()
    assert _system_files() == before


def test_only_loopback_is_listened_on(cluster: DevCluster, tmp_path: Path) -> None:
    cluster.up(SMALL)
    submit(cluster, f"srun sh -c 'echo started >> {tmp_path}/log; sleep 1244'")
    wait_for_lines(tmp_path / "log", 1)
    # The controller, two nodes, and what srun opens for its step.
    assert len(listening_addresses(cluster)) > 3
    assert foreign_addresses(cluster) == []


def test_without_slurm_one_line_says_what_to_install(tmp_path: Path) -> None:
    # Short, unlike pytest's own: paths to sockets have a limit.
    directory = Path("/tmp/klaim-no-slurm")
    done = devcluster("up", directory=directory, PATH=str(tmp_path))
    assert done.returncode == 2
    assert done.stderr == (
        "devcluster: there is no sbatch here: install SLURM with `make system-packages`\n"
    )
    assert not directory.exists()


def test_a_daemon_that_fails_leaves_nothing_running(cluster: DevCluster, tmp_path: Path) -> None:
    broken = tmp_path / "slurmd"
    broken.write_text(
        '#!/bin/sh\n[ "$1" = -V ] && exec /usr/sbin/slurmd -V\necho no disk\nexit 1\n'
    )
    broken.chmod(0o755)
    done = devcluster(
        "up", directory=cluster.paths.directory, PATH=f"{tmp_path}:{os.environ['PATH']}"
    )
    assert done.returncode == 2
    log = cluster.paths.logs / "slurmd-node1.log"
    assert done.stderr == f"devcluster: slurmd-node1 did not start: no disk (all of it in {log})\n"
    assert cluster_processes(cluster.paths) == []
    assert cluster.up(SMALL)


def test_a_deleted_directory_does_not_hide_the_cluster(cluster: DevCluster) -> None:
    cluster.up(SMALL)
    shutil.rmtree(cluster.paths.directory)
    assert cluster.down()
    assert cluster_processes(cluster.paths) == []


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    require_slurm()
    (tmp_path / "state").mkdir()
    with pytest.raises(UserError, match="holds other files"):
        DevCluster(replace(cluster_paths(Path("/c")), directory=tmp_path)).up(SMALL)
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


@pytest.mark.parametrize(
    ("directory", "complaint"),
    [("/tmp/" + 80 * "x", "too long a path"), ("/tmp/a b", "SLURM takes no such path")],
)
def test_a_directory_that_cannot_work_is_refused(directory: str, complaint: str) -> None:
    with pytest.raises(UserError, match=complaint):
        cluster_paths(Path(directory))


def test_sizes_that_make_no_sense_are_refused() -> None:
    with pytest.raises(UserError, match="nodes of at least 1, not 0"):
        ClusterSettings(nodes=0)
    with pytest.raises(UserError, match="gpus_per_node is -1"):
        ClusterSettings(gpus_per_node=-1)


def _all_commands() -> list[str]:
    shown = (path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists())
    return [content.replace(b"\0", b" ").decode(errors="replace").strip() for content in shown]


def _system_files() -> set[tuple[str, int, int]]:
    """Return what an installed SLURM would write to: all of /etc, and its own folders elsewhere."""
    names = ("slurm*", "munge*", "mysql*", "mariadb*")
    places = [Path("/run"), Path("/var/lib"), Path("/var/log"), Path("/var/spool")]
    roots = [
        Path("/etc"),
        *(found for place in places for name in names for found in place.glob(name)),
    ]
    files = [path for root in roots for path in (root, *root.rglob("*"))]
    return {(str(p), s.st_mtime_ns, s.st_size) for p in files if (s := p.lstat())}
