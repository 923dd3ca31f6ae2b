"""Which processes are a cluster's own: told by what they carry, never by a stored number.

A daemon carries a mark in its environment that the cluster's start gave it. A job's process carries
what its step daemon gave it: the cluster's SLURM_CONF and the node's name. A step daemon may write
over its environment to show a title, but keeps its node's log open. What descends from one of these
belongs to the cluster too.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from slurm.devcluster.settings import ClusterPaths

#: Names the cluster's directory, in the environment of its daemons alone.
MARK = "KLAIM_DEVCLUSTER_DAEMON"
#: Names the node, in the environment of a node's daemon, of its step daemons and of its jobs.
NODE = "SLURMD_NODENAME"

_POLL_SECONDS = 0.02
#: They would wait for each other, or for a controller that is gone.
_STUBBORN = ("slurmd", "slurmstepd", "srun")


@dataclass(frozen=True)
class Process:
    """A process of a cluster. ``started`` tells it from a later one of the same number."""

    pid: int
    parent: int
    started: int
    name: str
    #: The node that it runs on; empty for the controller and its like.
    node: str

    def is_alive(self) -> bool:
        """Say whether it still runs; a zombie does not."""
        return (found := _read_stat(self.pid)) is not None and found.started == self.started

    def send(self, number: signal.Signals) -> None:
        """Send a signal, unless the process is gone."""
        if self.is_alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


@dataclass(frozen=True)
class _Stat:
    parent: int
    started: int
    name: str


def cluster_processes(paths: ClusterPaths) -> list[Process]:
    """Return the live processes of the cluster in ``paths.directory``, by their numbers."""
    table = _process_table()
    nodes: dict[int, str] = {}
    for pid, stat in table.items():
        node = _own_node(paths, _environment(pid))
        if node is None and stat.name == "slurmstepd":
            node = _node_of_log(paths, pid)
        if node is not None:
            nodes[pid] = node
    for pid in table:
        _inherit_node(pid, table, nodes)
    return [
        Process(pid, stat.parent, stat.started, stat.name, nodes[pid])
        for pid, stat in sorted(table.items())
        if pid in nodes
    ]


def end(find: Callable[[], Iterable[Process]], *, patience: float) -> None:
    """Ask what ``find`` returns to stop; kill it after ``patience`` seconds; return without it.

    What was found once is kept in mind: its parent's end may hide whose it is.
    """
    deadline = time.monotonic() + patience
    asked: set[Process] = set()
    while left := {*find(), *(process for process in asked if process.is_alive())}:
        late = time.monotonic() >= deadline
        for process in sorted(left if late else left - asked, key=_is_of_a_job):
            process.send(signal.SIGKILL if late or process.name in _STUBBORN else signal.SIGTERM)
        asked |= left
        time.sleep(_POLL_SECONDS)


def kill(find: Callable[[], Iterable[Process]]) -> None:
    """Kill what ``find`` returns, at once, until it returns nothing."""
    end(find, patience=0.0)


def _is_of_a_job(process: Process) -> bool:
    """Say whether it comes last: a daemon that is killed first reports no end of its job."""
    return bool(process.node) and process.name not in _STUBBORN


def _own_node(paths: ClusterPaths, environment: dict[str, str]) -> str | None:
    """Return the node of a process by its environment: ``None`` where it is not ours."""
    node = environment.get(NODE, "")
    if environment.get(MARK) == str(paths.directory):
        return node
    of_a_job = bool(node) and environment.get("SLURM_CONF") == str(paths.slurm_conf)
    return node if of_a_job else None


def _node_of_log(paths: ClusterPaths, pid: int) -> str | None:
    """Return the node whose log the process has open: ``None`` where it is not ours."""
    for path in _open_files(pid):
        if path.parent == paths.logs and path.name.startswith("slurmd-"):
            return path.name.removeprefix("slurmd-").partition(".log")[0]
    return None


def _inherit_node(pid: int, table: dict[int, _Stat], nodes: dict[int, str]) -> None:
    """Give ``pid`` the node of its nearest ancestor that has one."""
    line = []
    while pid in table and pid not in nodes:
        line.append(pid)
        pid = table[pid].parent
    if pid in nodes:
        nodes.update(dict.fromkeys(line, nodes[pid]))


def _process_table() -> dict[int, _Stat]:
    numbers = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    found = ((pid, _read_stat(pid)) for pid in numbers)
    return {pid: stat for pid, stat in found if stat is not None}


def _read_stat(pid: int) -> _Stat | None:
    """Return what the kernel says of ``pid``: ``None`` where there is none, or a zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The name stands in brackets and may hold spaces and brackets itself.
    name = text[text.index("(") + 1 : text.rindex(")")]
    state, parent, *rest = text[text.rindex(")") + 2 :].split()
    return None if state in "ZX" else _Stat(int(parent), int(rest[17]), name)


def _environment(pid: int) -> dict[str, str]:
    """Return the environment that ``pid`` was started with; empty for another user's process."""
    try:
        content = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return {}
    entries = (os.fsdecode(entry).partition("=") for entry in content.split(b"\0") if entry)
    return {name: value for name, _, value in entries}


def _open_files(pid: int) -> list[Path]:
    """Return what ``pid`` has open; nothing for another user's process."""
    found = []
    with contextlib.suppress(OSError):
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                found.append(entry.readlink())
    return found
