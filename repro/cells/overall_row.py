"""One method's place in a statistic over all runs and data sets: the data that reports print."""

from __future__ import annotations

from dataclasses import dataclass

LEVEL = 0.95


@dataclass(frozen=True)
class OverallRow:
    """One method's place in an overall statistic.

    ``value``     ``None`` where nothing can be said: ``note`` says why
    ``interval``  of level ``level``: Satterthwaite's t for a mean, which draws nothing (``draws``
                  is 0 and ``seed`` ``None``), else a stratified bootstrap
    ``rival``     the method that values are relative to, as the spec's key; empty if none
    ``p``         of a mean rank: Friedman's test that all methods are alike
    """

    id: str
    title: str
    statistic: str
    metric: str
    method: str
    label: str
    rival: str = ""
    value: float | None = None
    interval: tuple[float, float] | None = None
    level: float = LEVEL
    draws: int = 0
    seed: int | None = None
    p: float | None = None
    note: str = ""
