"""Keeping SLURM on the loopback interface: the address and the ports that it binds.

SLURM binds the address that the machine's own name resolves to. It must be the very one from which
connections on loopback come: step daemons call ``srun`` back there, so 127.0.1.1 will not do. Where
it is another, the daemons run in a namespace in which the machine is called ``localhost``.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import random
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

from repro.errors import UserError

#: Below the range from which the system gives ports to outgoing connections.
_PORTS = range(20000, 32000)
_ADDRESSES = ("127.0.0.1", "::1")
_RENAMED = ("sh", "-c", 'hostname localhost && exec "$@"', "sh")
#: What an ordinary user needs to be allowed a namespace for a host name.
_OWN_RIGHTS = ("--user", "--map-current-user", "--keep-caps")


@dataclass(frozen=True)
class Loopback:
    """The address to bind, and the words before a command that make its programs bind it."""

    address: str
    prefix: tuple[str, ...] = ()


def find_loopback() -> Loopback:
    """Return how SLURM's programs stay on loopback here. Where they cannot: ``UserError``."""
    name = socket.gethostname()
    address = _resolved(name)
    if address in _ADDRESSES:
        return Loopback(address)
    local = _resolved("localhost")
    prefix = ("unshare", *(() if os.geteuid() == 0 else _OWN_RIGHTS), "--uts", *_RENAMED)
    if local in _ADDRESSES and _works(prefix):
        return Loopback(local, prefix)
    shown = f"resolves to {address}" if address else "does not resolve"
    raise UserError(
        f"this machine's name {name} {shown}, so SLURM cannot stay on loopback: "
        f"make `127.0.0.1 {name}` the first line of /etc/hosts"
    )


def _resolved(name: str) -> str | None:
    """Return the address that SLURM takes for ``name``: the first that this very question gives."""
    flags = socket.AI_ADDRCONFIG | socket.AI_NUMERICSERV | socket.AI_PASSIVE
    try:
        found = socket.getaddrinfo(name, "1", type=socket.SOCK_STREAM, flags=flags)
    except OSError:
        return None
    return str(found[0][4][0])


def _works(prefix: tuple[str, ...]) -> bool:
    try:
        return subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


@contextlib.contextmanager
def reserved_ports(address: str, count: int) -> Iterator[list[int]]:
    """Give ``count`` free ports, kept from other clusters inside the block.

    The daemons can bind them all the same: SLURM sets SO_REUSEADDR, and so do the kept sockets once
    they are bound.
    """
    with contextlib.ExitStack() as stack:
        ports: list[int] = []
        for port in random.sample(_PORTS, len(_PORTS)):
            if len(ports) == count:
                break
            kept = stack.enter_context(socket.socket(_family(address), socket.SOCK_STREAM))
            try:
                kept.bind((address, port))
            except OSError:
                continue
            kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            ports.append(port)
        if len(ports) < count:
            raise UserError(f"only {len(ports)} of {count} ports from {_PORTS.start} on are free")
        yield ports


def _family(address: str) -> socket.AddressFamily:
    six = ipaddress.ip_address(address).version == 6
    return socket.AF_INET6 if six else socket.AF_INET
