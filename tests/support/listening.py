"""Which addresses a cluster's processes listen on, as the kernel tells it."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from pathlib import Path

from slurm.devcluster.cluster import DevCluster
from slurm.devcluster.processes import cluster_processes

_LISTEN = "0A"


def listening_addresses(cluster: DevCluster) -> list[str]:
    """Return the addresses of all TCP sockets on which the cluster's processes listen."""
    table = _listening_sockets()
    inodes = [
        inode for process in cluster_processes(cluster.paths) for inode in _sockets(process.pid)
    ]
    return [table[inode] for inode in inodes if inode in table]


def foreign_addresses(cluster: DevCluster) -> list[str]:
    """Return those of them that are not loopback."""
    found = listening_addresses(cluster)
    return [address for address in found if not ipaddress.ip_address(address).is_loopback]


def _listening_sockets() -> dict[str, str]:
    """Return the address of each listening socket, by the number of its inode."""
    table = {}
    for file in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        lines = file.read_text(encoding="utf-8").splitlines()[1:] if file.exists() else []
        for _, local, _, state, *_, inode in (_fields(line) for line in lines):
            if state == _LISTEN:
                table[inode] = _address(local.partition(":")[0])
    return table


def _fields(line: str) -> list[str]:
    return line.split()[:10]


def _address(text: str) -> str:
    """Return the address that the kernel shows as 32-bit words in the machine's byte order."""
    raw = bytes.fromhex(text)
    if len(raw) == 4:
        return socket.inet_ntop(socket.AF_INET, raw[::-1])
    words = (raw[start : start + 4][::-1] for start in range(0, 16, 4))
    return socket.inet_ntop(socket.AF_INET6, b"".join(words))


def _sockets(pid: int) -> list[str]:
    """Return the inodes of a process's sockets."""
    found = []
    with contextlib.suppress(OSError):
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                found.append(str(entry.readlink()))
    return [link[len("socket:[") : -1] for link in found if link.startswith("socket:[")]
