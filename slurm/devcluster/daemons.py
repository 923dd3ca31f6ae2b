"""Starting each of a cluster's daemons."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from repro.errors import UserError
from slurm.devcluster.processes import cluster_processes
from slurm.devcluster.programs import run_client, run_daemon_command
from slurm.devcluster.settings import ClusterPaths

#: How long a daemon may take to come up on a busy machine, in seconds.
_PATIENCE = 60.0
#: A daemon that goes into the background may be without its name for a moment.
_ABSENCE = 1.0
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
    wait_until(lambda: controller_answers(paths), paths, "slurmctld")


def start_node(paths: ClusterPaths, node: str, prefix: Sequence[str] = ()) -> None:
    """Start the daemon of one simulated node."""
    start(paths, node_daemon(node), [*prefix, "slurmd", "-N", node], node=node)


def controller_answers(paths: ClusterPaths) -> bool:
    """Say whether the controller takes requests."""
    return run_client(paths, "scontrol", "ping").returncode == 0


def node_daemon(node: str) -> str:
    """Return the name of a node's daemon."""
    return f"slurmd-{node}"


def running(paths: ClusterPaths) -> set[str]:
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
        raise did_not_start(paths, name)


def wait_until(condition: Callable[[], bool], paths: ClusterPaths, *names: str) -> None:
    """Wait for ``condition``, which the daemons ``names`` bring about. One dead: ``UserError``."""
    started = seen = time.monotonic()
    while not condition():
        now = time.monotonic()
        dead = [name for name in names if name not in running(paths)]
        seen = seen if dead else now
        if now - seen > _ABSENCE or now - started > _PATIENCE:
            raise did_not_start(paths, (dead or names)[0])
        time.sleep(_POLL_SECONDS)


def did_not_start(paths: ClusterPaths, name: str) -> UserError:
    """Return the error for a daemon that did not come up, with the last line of its log."""
    log = paths.logs / f"{name}.log"
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    last = lines[-1] if lines else "it said nothing"
    return UserError(f"{name} did not start: {last} (all of it in {log})")
