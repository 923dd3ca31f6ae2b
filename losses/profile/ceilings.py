"""What the device can do, measured in the same run: the yardstick of every fraction."""

from __future__ import annotations

import statistics

import torch

from losses.profile.clocks import Clock, Prepare, interleaved


def measure(
    clock: Clock, device: str, dtype: torch.dtype, *, size: int, side: int
) -> dict[str, float]:
    """Return the copy rate in TB/s (read and written) and the product rate in TFLOP/s.

    ``size``: elements of the copy, beyond any cache; ``side``: of the square matrices.
    """
    source = torch.ones(size, dtype=dtype, device=device)
    target = torch.empty_like(source)
    a, b = (torch.randn(side, side, dtype=dtype, device=device) for _ in range(2))
    runs: dict[str, Prepare] = {
        "copy": lambda: lambda: target.copy_(source),
        "product": lambda: lambda: a @ b,
    }
    times = interleaved(runs, clock, 30)
    copy, product = (statistics.median(times[name]) * 1e-3 for name in runs)
    return {
        "copy_tb_per_s": 2 * dtype.itemsize * size / copy / 1e12,
        "product_tflop_per_s": 2 * side**3 / product / 1e12,
    }
