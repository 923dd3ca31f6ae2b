"""Divergences that the papers share, as differentiable functions; depends on torch alone."""

from losses.cauchy_schwarz import (
    cauchy_schwarz_divergence,
    cauchy_schwarz_mutual_information,
    conditional_cauchy_schwarz_divergence,
)
from losses.gram import gaussian_gram, median_distance, squared_distances

__all__ = [
    "cauchy_schwarz_divergence",
    "cauchy_schwarz_mutual_information",
    "conditional_cauchy_schwarz_divergence",
    "gaussian_gram",
    "median_distance",
    "squared_distances",
]
