"""What a profile needs, and what it says about the machine that it ran on."""

from __future__ import annotations

import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from repro.errors import UserError

#: The oldest Triton that the kernels are written for.
OLDEST_TRITON = (3, 6)

_QUERY = (
    "clocks.sm,clocks.mem,power.draw,temperature.gpu,clocks_event_reasons.active,driver_version"
)


def require_gpu() -> None:
    """Raise ``UserError`` that says in one line what a profile on a GPU lacks here."""
    import torch

    if not torch.cuda.is_available():
        raise UserError(
            f"profile: PyTorch {torch.__version__} sees no CUDA device here: it needs an NVIDIA "
            "GPU and a CUDA build of torch (DEVICE=cpu measures the processor); docs/profile.md "
            "shows the last measurement"
        )
    if find_spec("triton") is None:
        raise UserError("profile: Triton is not installed beside PyTorch: pip install triton")
    found = version("triton")
    if tuple(int(part) for part in found.split(".")[:2]) < OLDEST_TRITON:
        oldest = ".".join(map(str, OLDEST_TRITON))
        raise UserError(f"profile: Triton {found} is installed, the kernels need {oldest} or newer")


def describe(device: str) -> dict[str, Any]:
    """Return device, software and commit. ``device``: ``cuda`` or ``cpu``."""
    import torch

    return {
        "timestamp": datetime.now(UTC).isoformat(timespec="seconds"),
        "git": commit(Path(__file__).parent),
        "device": _gpu() if device == "cuda" else _processor(),
        "software": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "triton": _installed("triton"),
            "liger-kernel": _installed("liger-kernel"),
        },
    }


def _gpu() -> dict[str, Any]:
    import torch

    properties = torch.cuda.get_device_properties(0)
    return {
        "type": "cuda",
        "name": properties.name,
        "capability": f"{properties.major}.{properties.minor}",
        "multiprocessors": properties.multi_processor_count,
        "l2_bytes": properties.L2_cache_size,
        "memory_bytes": properties.total_memory,
        "cuda": torch.version.cuda,
    }


def _processor() -> dict[str, Any]:
    """Return the processor's name as the system gives it, its architecture where it does not."""
    known = Path("/proc/cpuinfo")
    lines = known.read_text(encoding="utf-8").splitlines() if known.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {"type": "cpu", "name": names[0] if names else platform.machine(), "threads": 1}


def clocks() -> dict[str, str]:
    """Return clocks, power and temperature as nvidia-smi says them; empty without it."""
    command = ["nvidia-smi", "-i", "0", f"--query-gpu={_QUERY}", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return {}
    values = done.stdout.splitlines()[0].split(",")
    return {k: v.strip() for k, v in zip(_QUERY.split(","), values, strict=False)}


def commit(folder: Path) -> dict[str, Any]:
    """Return the commit that ``folder`` is at, and whether it has changes; ``None`` without git."""
    try:
        sha = _git(folder, "rev-parse", "HEAD")
        return {"sha": sha, "dirty": bool(_git(folder, "status", "--porcelain", "-uno"))}
    except (OSError, subprocess.SubprocessError):
        return {"sha": None, "dirty": None}


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
