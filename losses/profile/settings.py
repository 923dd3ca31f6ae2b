"""What a profile is measured with on each kind of device: sizes, clocks, protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from losses.profile import ceilings
from losses.profile.clocks import Clock, EventClock, ProcessorClock, WallClock
from losses.profile.operations import Operation, operations
from losses.profile.small_operations import small_operations

#: Sizes of a large language model on a GPU; on one thread of a processor, what `make bench` takes.
SIZES = {"cuda": (8192, 128_256, 4096), "cpu": (256, 32_000, 256)}
REPETITIONS = {"cuda": 50, "cpu": 10}
DTYPES = {"cuda": torch.bfloat16, "cpu": torch.float32}


@dataclass(frozen=True)
class Settings:
    """One profile: the device's kind and how often each function runs."""

    device: str
    repetitions: int

    @property
    def flush_bytes(self) -> int:
        """How much is overwritten before each call, so that no input is left in a GPU's cache."""
        if self.device != "cuda":
            return 0
        return int(4 * torch.cuda.get_device_properties(0).L2_cache_size)

    def clocks(self) -> dict[str, Clock]:
        """Return the clock of the headline, ``time_ms``, and the wall's."""
        if self.device == "cuda":
            wall = WallClock(torch.cuda.synchronize)
            return {"time_ms": EventClock(self.flush_bytes), "wall_ms": wall}
        return {"time_ms": ProcessorClock(), "wall_ms": WallClock()}

    def ceilings(self, clock: Clock) -> dict[str, float]:
        """Return what the device can do."""
        size, side = (2**30, 8192) if self.device == "cuda" else (2**26, 1024)
        return ceilings.measure(clock, self.device, DTYPES[self.device], size=size, side=side)

    def operations(self, tokens: int | None, vocabulary: int | None) -> list[Operation]:
        """Return what is timed. ``None`` takes the device's own size."""
        known = SIZES[self.device]
        sizes = tokens or known[0], vocabulary or known[1], known[2]
        dtype = DTYPES[self.device]
        return [*operations(*sizes, dtype=dtype), *small_operations(large=self.device == "cuda")]

    def protocol(self) -> dict[str, Any]:
        """Return what a reader of the record must know of how it was made."""
        on_gpu = self.device == "cuda"
        return {
            "clock": "CUDA events" if on_gpu else "processor time of one thread",
            "repetitions": self.repetitions,
            "flush_bytes": self.flush_bytes,
            "seed": 0,
            "inputs": "correlated noise of scale 3 with 8 peaks per token",
            "kernels": _blocks() if on_gpu else {},
        }


def _blocks() -> dict[str, Any]:
    from losses.kernels import launch

    return {"BLOCK": launch.BLOCK, "WARPS": launch.WARPS, "gram": launch.GRAM_TILE}
