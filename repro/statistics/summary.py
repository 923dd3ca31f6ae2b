"""One cell's numbers: mean, standard deviation, t interval, median and interquartile mean."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from repro.statistics.ordinal import interquartile_mean, median


@dataclass(frozen=True)
class Summary:
    """What ``n`` values say of their middle.

    ``sd``          standard deviation with n − 1 degrees of freedom; ``None`` for one value
    ``half_width``  half of the t interval of the mean; ``None`` for one value
    ``corrected``   whether the variance factor is (1/n + r) in place of 1/n
    """

    n: int
    mean: float
    sd: float | None
    half_width: float | None
    level: float = 0.95
    corrected: bool = False
    median: float = math.nan
    interquartile_mean: float = math.nan

    @property
    def interval(self) -> tuple[float, float] | None:
        """The t interval's ends."""
        if self.half_width is None:
            return None
        return self.mean - self.half_width, self.mean + self.half_width


def variance_factor(n: int, resplit: float) -> float:
    """Return what the sample variance is multiplied with to give the variance of the mean.

    ``resplit`` is n_held_out / n_train where the seeds re-split one finite table: such seeds share
    data, and 1/n would be too small (Nadeau and Bengio, 2003, "Inference for the generalization
    error", equation 9). It is 0 where every seed draws new data.
    """
    return 1.0 / n + resplit


def t_quantile(probability: float, degrees_of_freedom: int) -> float:
    """Return the quantile of Student's t distribution."""
    return float(stdtrit(float(degrees_of_freedom), probability))


def summarize(values: Sequence[float], resplit: float = 0.0, level: float = 0.95) -> Summary:
    """Return the summary of at least one finite value. Raises ``ValueError`` for none."""
    if not values:
        raise ValueError("there is nothing to summarize")
    numbers = np.asarray(values, dtype=float)
    n = numbers.size
    corrected = resplit > 0
    with np.errstate(over="ignore", invalid="ignore"):
        mean = float(numbers.mean())
        middle = float(median(numbers)), float(interquartile_mean(numbers))
        if n == 1:
            return Summary(1, mean, None, None, level, corrected, *middle)
        sd = float(numbers.std(ddof=1))
    factor = math.sqrt(variance_factor(n, resplit))
    half_width = t_quantile((1 + level) / 2, n - 1) * sd * factor
    return Summary(n, mean, sd, half_width, level, corrected, *middle)


def prediction_interval(
    values: Sequence[float], resplit: float = 0.0, level: float = 0.95
) -> tuple[float, float] | None:
    """Return the interval that one further run falls into with probability ``level``.

    It is wider than the interval of the mean, because a run varies as well as the mean does.
    ``None`` where two finite values, or any difference between them, are lacking.
    """
    if len(values) < 2 or not all(map(math.isfinite, values)):
        return None
    summary = summarize(values, resplit, level)
    if not summary.sd or not math.isfinite(summary.sd):
        return None
    reach = t_quantile((1 + level) / 2, summary.n - 1) * summary.sd
    reach *= math.sqrt(1 + variance_factor(summary.n, resplit))
    return summary.mean - reach, summary.mean + reach
