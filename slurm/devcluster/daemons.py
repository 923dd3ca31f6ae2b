"""Starting each of a cluster's daemons."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from repro.errors import UserError
from slurm.devcluster.processes import cluster_processes
from slurm.devcluster.programs import run_client, run_daemon_command
from slurm.devcluster.settings import ClusterPaths

#: How long a daemon may take to come up on a busy machine, in seconds.
_PATIENCE = 60.0
_POLL_SECONDS = 0.05


def start_munge(paths: ClusterPaths) -> None:
    """Start the authentication daemon. It listens on a socket of the cluster's directory alone."""
    command = [
        "munged",
        # Folders of a user's home may be writable for the group; the key is not readable.
        "--force",
        f"--socket={paths.munge_socket}",
        f"--key-file={paths.munge / 'munge.key'}",
        f"--seed-file={paths.munge / 'munge.seed'}",
        f"--pid-file={paths.munge / 'munged.pid'}",
        f"--log-file={paths.logs / 'munged.log'}",
        "--origin=127.0.0.1",
        "--num-threads=4",
    ]
    start(paths, "munged", command)


def start_controller(paths: ClusterPaths, prefix: Sequence[str] = ()) -> None:
    """Start slurmctld with the state that its predecessor saved; return when it answers."""
    start(paths, "slurmctld", [*prefix, "slurmctld"])
    wait_until(lambda: controller_answers(paths), "slurmctld", paths.logs / "slurmctld.log")


def start_node(paths: ClusterPaths, node: str, prefix: Sequence[str] = ()) -> None:
    """Start the daemon of one simulated node."""
    start(paths, f"slurmd-{node}", [*prefix, "slurmd", "-N", node], node=node)


def controller_answers(paths: ClusterPaths) -> bool:
    """Say whether the controller takes requests."""
    return run_client(paths, "scontrol", "ping").returncode == 0


def daemons(paths: ClusterPaths) -> set[str]:
    """Return what runs, by name: ``munged``, ``slurmctld``, ``slurmd-node1`` and so on."""
    return {
        f"{process.name}-{process.node}" if process.node else process.name
        for process in cluster_processes(paths)
    }


def start(
    paths: ClusterPaths, name: str, command: Sequence[str], *, node: str = "", stay: bool = False
) -> None:
    """Start the daemon ``name`` by ``command``. If it fails: ``UserError`` with its last word."""
    log = paths.logs / f"{name}.log"
    if run_daemon_command(paths, command, log, node=node, stay=stay) != 0:
        raise did_not_start(name, log)


def wait_until(condition: Callable[[], bool], name: str, log: Path) -> None:
    """Wait for ``condition``; after a minute say that ``name`` did not start."""
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise did_not_start(name, log)
        time.sleep(_POLL_SECONDS)


def did_not_start(name: str, log: Path) -> UserError:
    """Return the error for a daemon that did not come up, with the last line of its log."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    last = lines[-1] if lines else "it said nothing"
    return UserError(f"{name} did not start: {last} (all of it in {log})")
