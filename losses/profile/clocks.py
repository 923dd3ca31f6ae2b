"""Clocks: what one call costs, by CUDA events, by the wall, and by the sum of its kernels."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch

Run = Callable[[], object]

#: Makes what is timed; what it does itself is not.
Prepare = Callable[[], Run]


class Clock(Protocol):
    """Something that runs a function and says how many milliseconds it took."""

    def milliseconds(self, run: Run) -> float:
        """Return the time of one call."""


class EventClock:
    """The time between two CUDA events around a call, after the L2 cache was overwritten."""

    def __init__(self, flush_bytes: int) -> None:
        self._flush = torch.empty(flush_bytes, dtype=torch.int8, device="cuda")

    def milliseconds(self, run: Run) -> float:
        """Return the device's time from the start of the call to its end."""
        event: Any = torch.cuda.Event
        start, end = (event(enable_timing=True) for _ in range(2))
        self._flush.zero_()
        start.record()
        run()
        end.record()
        end.synchronize()
        return float(start.elapsed_time(end))


class WallClock:
    """The time that a user waits for a call, its launches included."""

    def __init__(self, synchronize: Callable[[], object] = lambda: None) -> None:
        self._synchronize = synchronize

    def milliseconds(self, run: Run) -> float:
        """Return the wall time of one call."""
        self._synchronize()
        start = time.perf_counter()
        run()
        self._synchronize()
        return (time.perf_counter() - start) * 1e3


class ProcessorClock:
    """The processor time of this thread, which other programs on a machine hardly change."""

    def milliseconds(self, run: Run) -> float:
        """Return the processor time of one call."""
        start = time.thread_time()
        run()
        return (time.thread_time() - start) * 1e3


def interleaved(
    prepared: dict[str, Prepare], clock: Clock, repetitions: int, warm_up: int = 3
) -> dict[str, list[float]]:
    """Return the times of each run; all runs take turns, so that drift hits all of them alike."""
    for prepare in prepared.values():
        for _ in range(warm_up):
            prepare()()
    times: dict[str, list[float]] = {name: [] for name in prepared}
    for _ in range(repetitions):
        for name, prepare in prepared.items():
            times[name].append(clock.milliseconds(prepare()))
    return times


def spread_of_equals(times: Sequence[float]) -> float:
    """Return by how much two halves of one variant's turns differ, relative: noise's own size."""
    halves = sorted(times[::2]), sorted(times[1::2])
    middle = [half[len(half) // 2] for half in halves if half]
    return abs(middle[0] - middle[-1]) / max(middle[0], 1e-12)


def kernels(prepare: Prepare, repetitions: int) -> list[dict[str, Any]]:
    """Return name, calls and milliseconds of each kernel in one call. Needs CUDA."""
    prepare()()
    found: dict[str, dict[str, Any]] = {}
    for _ in range(repetitions):
        for event in _events(prepare()):
            kernel = found.setdefault(event.key[:120], {"count": 0.0, "ms": 0.0})
            kernel["count"] += event.count / repetitions
            kernel["ms"] += event.self_device_time_total / 1e3 / repetitions
    named = [{"name": name, **kernel} for name, kernel in found.items()]
    return sorted(named, key=lambda kernel: -float(kernel["ms"]))


def _events(run: Run) -> list[Any]:
    """Return what the profiler saw on the device during one call."""
    activity = torch.profiler.ProfilerActivity
    torch.cuda.synchronize()
    with torch.profiler.profile(activities=[activity.CUDA, activity.CPU]) as profile:
        run()
        torch.cuda.synchronize()
    return [
        event
        for event in profile.key_averages()
        if event.self_device_time_total > 0 and str(event.device_type).endswith("CUDA")
    ]
