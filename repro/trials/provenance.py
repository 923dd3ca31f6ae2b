"""Where and with what a trial ran: host, device, commit, memory."""

from __future__ import annotations

import platform
import resource
import socket
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

from repro.paths import ROOT

#: In a copy of the code that jobs run from: the commit that it was taken of.
COMMIT_FILE = "COMMIT"


@cache
def commit() -> str | None:
    """Return the checkout's commit, with ``-dirty`` where files differ; ``None`` without git."""
    copied = ROOT / COMMIT_FILE
    if copied.is_file():
        return copied.read_text(encoding="utf-8") or None
    try:
        revision = _git("rev-parse", "HEAD")
        return revision + ("-dirty" if _git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def where() -> dict[str, Any]:
    """Return host, operating system and commit."""
    return {
        "host": socket.gethostname(),
        "system": f"{platform.system()} {platform.release()}",
        "commit": commit(),
    }


def device_name(device: str) -> str:
    """Return the GPU's name for ``cuda``, the processor's for ``cpu``."""
    if device == "cuda":
        import torch

        return str(torch.cuda.get_device_name())
    return _processor()


def peak_memory_bytes() -> int:
    """Return this process's largest resident memory so far, in bytes (Linux counts in KiB)."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def cuda_peak_memory_bytes() -> int | None:
    """Return the most CUDA memory allocated so far, in bytes; ``None`` where none was used."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return None
    return int(torch.cuda.max_memory_allocated())


@cache
def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
