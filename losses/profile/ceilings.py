"""What the device can do, measured in the same run: the yardstick of every fraction."""

from __future__ import annotations

import statistics

import torch

from losses.profile.clocks import EventClock, interleaved


def measure(clock: EventClock) -> dict[str, float]:
    """Return the copy rate in TB/s (read and written) and the bf16 product rate in TFLOP/s."""
    size = 2**30
    source = torch.ones(size, dtype=torch.bfloat16, device="cuda")
    target = torch.empty_like(source)
    side = 8192
    a, b = (torch.randn(side, side, dtype=torch.bfloat16, device="cuda") for _ in range(2))
    times = interleaved({"copy": lambda: target.copy_(source), "product": lambda: a @ b}, clock, 30)
    copy, product = (statistics.median(times[name]) * 1e-3 for name in ("copy", "product"))
    return {
        "copy_tb_per_s": 2 * 2 * size / copy / 1e12,
        "product_tflop_per_s": 2 * side**3 / product / 1e12,
    }
