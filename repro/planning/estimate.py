"""How long trials take: measured where there are results, otherwise as the spec says."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Sequence

from repro.trials.store import TrialRecord
from repro.trials.trial import Trial


class Estimate:
    """Seconds per trial.

    The median of the same method and data set; without one, of the method; without one, of all
    trials; without any, the spec's ``resources.hours``.
    """

    def __init__(self, records: Sequence[TrialRecord], default_seconds: float) -> None:
        self._default = default_seconds
        self._seconds: dict[tuple[str, ...], list[float]] = defaultdict(list)
        for record in records:
            self.learn(record)

    def learn(self, record: TrialRecord) -> None:
        """Take a finished trial's wall time into account."""
        seconds = record.cost.get("wall_seconds")
        if seconds is not None:
            for key in _keys(record.trial):
                self._seconds[key].append(float(seconds))

    def seconds(self, trial: Trial) -> float:
        """Return the expected wall time of ``trial``."""
        for key in _keys(trial):
            if key in self._seconds:
                return statistics.median(self._seconds[key])
        return self._default

    def total(self, trials: Sequence[Trial]) -> float:
        """Return the expected wall time of all ``trials``, one after the other."""
        per_setting: dict[tuple[str, ...], int] = defaultdict(int)
        for trial in trials:
            per_setting[_keys(trial)[0]] += 1
        first = {_keys(trial)[0]: trial for trial in trials}
        return sum(n * self.seconds(first[key]) for key, n in per_setting.items())


def in_words(seconds: float) -> str:
    """Return a duration for people: ``40 s``, ``3 min``, ``2.5 h``."""
    if seconds < 90:
        return f"{max(seconds, 1):.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def _keys(trial: Trial) -> tuple[tuple[str, ...], ...]:
    setting = trial.setting
    return (setting.method, setting.dataset), (setting.method,), ()
