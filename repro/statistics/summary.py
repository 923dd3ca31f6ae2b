"""One cell's numbers: mean, standard deviation and t interval over the seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit


@dataclass(frozen=True)
class Summary:
    """What ``n`` values say of their mean.

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
        if n == 1:
            return Summary(1, mean, None, None, level, corrected)
        sd = float(numbers.std(ddof=1))
    factor = math.sqrt(variance_factor(n, resplit))
    half_width = t_quantile((1 + level) / 2, n - 1) * sd * factor
    return Summary(n, mean, sd, half_width, level, corrected)
