"""The goals of the package on an H200 at 8192 × 128256 in bfloat16, against a record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from losses.profile.record import of_copy_rate, timed

_MODE = "forward + gradient"


class Goal(NamedTuple):
    """One goal: its sentence, how far a record gets, and what it had to reach."""

    text: str
    reached: str
    met: bool | None


def goals(record: dict[str, Any]) -> list[Goal]:
    """Return every goal with what the record says; ``met`` is ``None`` where it says nothing."""
    return [
        _goal(
            "`kl_divergence`, forward and gradient: at least 90 % of the copy rate",
            _copy_share(record),
            lambda share: share >= 0.9,
            "{:.0%}",
        ),
        _goal(
            "`kl_divergence`: at least 1.3× the best peer",
            _against_peers(record),
            lambda ratio: ratio >= 1.3,
            "{:.2f}×",
        ),
        _goal(
            "`linear_kl_divergence` at hidden size 4096: within 48 ms",
            _linear(record, "ms"),
            lambda ms: ms <= 48,
            "{:.1f} ms",
        ),
        _goal(
            "`linear_kl_divergence`: at most 15 % of eager's extra memory",
            _linear(record, "memory"),
            lambda share: share <= 0.15,
            "{:.0%}",
        ),
    ]


def _goal(text: str, value: float | None, met: Callable[[float], bool], form: str) -> Goal:
    if value is None:
        return Goal(text, "not measured", None)
    return Goal(text, form.format(value), met(value))


def _copy_share(record: dict[str, Any]) -> float | None:
    own = timed(record, "kl_divergence", _MODE).get("ours")
    return None if own is None else of_copy_rate(record, own)


def _against_peers(record: dict[str, Any]) -> float | None:
    found = timed(record, "kl_divergence", _MODE)
    others = [result["time_ms"]["p50"] for name, result in found.items() if name != "ours"]
    if "ours" not in found or not others:
        return None
    return float(min(others) / found["ours"]["time_ms"]["p50"])


def _linear(record: dict[str, Any], what: str) -> float | None:
    found = timed(record, "linear_kl_divergence", _MODE)
    if "ours" not in found:
        return None
    if what == "ms":
        return float(found["ours"]["time_ms"]["p50"])
    if "peak_bytes" not in found["ours"] or "peak_bytes" not in found.get("eager", {}):
        return None
    return float(found["ours"]["peak_bytes"] / found["eager"]["peak_bytes"])
