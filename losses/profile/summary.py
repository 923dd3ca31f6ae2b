"""Times to a median with its interval: repetitions scatter to one side, so that means mislead."""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence
from typing import Any


def summary(times: Sequence[float], resamples: int = 1000) -> dict[str, Any]:
    """Return p10, p50, p90 and the 95 % bootstrap interval of the median, in the times' unit."""
    if not times:
        raise ValueError("times is empty: a median needs at least one repetition")
    generator = random.Random(0)
    medians = sorted(
        statistics.median(generator.choices(times, k=len(times))) for _ in range(resamples)
    )
    return {
        "p10": quantile(times, 0.1),
        "p50": statistics.median(times),
        "p90": quantile(times, 0.9),
        "interval": [medians[int(0.025 * resamples)], medians[int(0.975 * resamples) - 1]],
        "repetitions": len(times),
        "all": list(times),
    }


def quantile(values: Sequence[float], share: float) -> float:
    """Return a quantile, interpolated between neighbours."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])
