"""What happens to clusters: nodes that crash, controllers that go away, accounting that is gone."""

from __future__ import annotations

from dataclasses import dataclass

from repro.errors import UserError, did_you_mean
from slurm.devcluster import daemons, processes
from slurm.devcluster.accounting import start_accounting
from slurm.devcluster.cluster import DevCluster
from slurm.devcluster.processes import Process

#: How long a controller may take to save its state, in seconds.
_STATE_SECONDS = 30.0


@dataclass(frozen=True)
class Job:
    """One job or array task, as ``squeue`` shows it."""

    id: str
    state: str
    nodes: str
    reason: str
    name: str


def jobs(cluster: DevCluster) -> list[Job]:
    """Return the jobs that the controller still knows, one entry per array task."""
    shown = _checked(cluster, "squeue", "-h", "-r", "-t", "all", "-o", "%i|%T|%N|%r|%j")
    return [Job(*line.split("|", maxsplit=4)) for line in shown.splitlines()]


def crash_node(cluster: DevCluster, node: str, *, noticed: bool = True) -> None:
    """Kill all that runs on ``node``, as a power cut does.

    ``noticed``  tell the controller at once; else it finds out by time-out, after some 20 s
    """
    _check_node(cluster, node)
    processes.kill(lambda: _find(cluster, node=node))
    if noticed:
        _checked(cluster, "scontrol", "update", f"nodename={node}", "state=down", "reason=crashed")


def kill_node_daemon(cluster: DevCluster, node: str, *, noticed: bool = True) -> None:
    """Kill a node's slurmd alone: its jobs live on, while SLURM runs them again elsewhere.

    ``noticed``  as in :func:`crash_node`
    """
    _check_node(cluster, node)
    processes.kill(lambda: _find(cluster, node=node, name="slurmd"))
    if noticed:
        _checked(cluster, "scontrol", "update", f"nodename={node}", "state=down", "reason=silent")


def revive_node(cluster: DevCluster, node: str) -> None:
    """Start ``node`` again, and wait until it takes jobs."""
    _check_node(cluster, node)
    if daemons.node_daemon(node) not in daemons.running(cluster.paths):
        daemons.start_node(cluster.paths, node, cluster.record.loopback.prefix)
    cluster.run("scontrol", "update", f"nodename={node}", "state=resume")
    cluster.wait_for_nodes([node])


def stop_controller(cluster: DevCluster) -> None:
    """Stop slurmctld as an administrator does: jobs go on, SLURM's commands fail."""
    processes.end(lambda: _find(cluster, name="slurmctld"), patience=_STATE_SECONDS)


def kill_controller(cluster: DevCluster) -> None:
    """Kill slurmctld: it may forget the jobs of its last five seconds, as a real one does."""
    processes.kill(lambda: _find(cluster, name="slurmctld"))


def start_controller(cluster: DevCluster) -> None:
    """Start slurmctld again with the state that it saved."""
    if "slurmctld" not in daemons.running(cluster.paths):
        daemons.start_controller(cluster.paths, cluster.record.loopback.prefix)


def kill_accounting(cluster: DevCluster) -> None:
    """Kill slurmdbd: ``sacct`` fails, jobs go on."""
    processes.kill(lambda: _find(cluster, name="slurmdbd"))


def revive_accounting(cluster: DevCluster) -> None:
    """Start what is missing of slurmdbd and its database."""
    if cluster.settings.accounting:
        missing = {"mariadbd", "slurmdbd"} - daemons.running(cluster.paths)
        start_accounting(cluster.paths, missing, cluster.record.loopback.prefix)


def _find(cluster: DevCluster, *, node: str = "", name: str = "") -> list[Process]:
    """Return the cluster's processes on ``node``, of this ``name``; empty: any."""
    found = processes.cluster_processes(cluster.paths)
    return [p for p in found if node in ("", p.node) and name in ("", p.name)]


def _check_node(cluster: DevCluster, node: str) -> None:
    names = cluster.settings.node_names
    if node not in names:
        raise UserError(f"the cluster has no node {node!r}{did_you_mean(node, names)}")


def _checked(cluster: DevCluster, *command: str) -> str:
    """Return what the command printed; where it fails: ``UserError`` with its complaint."""
    done = cluster.run(*command)
    if done.returncode != 0:
        raise UserError(f"{command[0]} failed: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout
