"""Registers, spills and shared memory of the kernels: those that ran, or compiled without a GPU."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

#: Compute capabilities that kernels are compiled for where no GPU is: A100 and H100 or H200.
CAPABILITIES = (80, 90)


@contextmanager
def watched() -> Iterator[list[dict[str, Any]]]:
    """Return a list that gets the resources of each of our kernels that is launched, each once.

    ``registers`` per thread; ``spills``: 32-bit words per thread that left the registers;
    ``shared``: bytes per block. What Triton interprets has none.
    """
    found: list[dict[str, Any]] = []

    def note(name: str, compiled: Any) -> None:
        if compiled is None:
            return
        resources = {
            "kernel": name,
            "registers": compiled.n_regs,
            "spills": compiled.n_spills,
            "shared": compiled.metadata.shared,
            "warps": compiled.metadata.num_warps,
        }
        if resources not in found:
            found.append(resources)

    if find_spec("triton") is None:
        yield found
        return
    from losses.kernels.launch import observed

    with observed(note):
        yield found


def compiled_ahead() -> list[dict[str, Any]]:
    """Return the resources of all kernels compiled for ``CAPABILITIES``; empty without Triton."""
    if find_spec("triton") is None:
        return []
    from losses.kernels.builds import BUILDS

    return [
        {
            "kernel": name,
            "capability": capability,
            "registers": found.registers,
            # A word of the stack is one that left the registers: the kernels have no arrays.
            "spills": found.stack // 4,
            "shared": found.shared,
            "warps": build.warps,
        }
        for capability in CAPABILITIES
        for name, build in BUILDS.items()
        for found in [build.compile(capability)]
    ]
