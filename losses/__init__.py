"""Divergences that the papers share, as differentiable functions; depends on torch alone."""

from losses.cauchy_schwarz import (
    cauchy_schwarz_divergence,
    cauchy_schwarz_mutual_information,
    conditional_cauchy_schwarz_divergence,
)
from losses.divergences import (
    clipped_kl,
    js_divergence,
    kl_divergence,
    renyi_divergence,
    skew_kl,
    top_k_kl,
    total_variation,
)
from losses.gram import gaussian_gram, median_distance, squared_distances
from losses.latents import balanced_categorical_kl
from losses.likelihood import TokenStatistics, cross_entropy, token_statistics
from losses.linear import linear_cross_entropy, linear_kl_divergence, linear_token_statistics
from losses.pixels import entropy_proportion
from losses.tilting import kl_dro_moving_weights, kl_dro_weights

__all__ = [
    "TokenStatistics",
    "balanced_categorical_kl",
    "cauchy_schwarz_divergence",
    "cauchy_schwarz_mutual_information",
    "clipped_kl",
    "conditional_cauchy_schwarz_divergence",
    "cross_entropy",
    "entropy_proportion",
    "gaussian_gram",
    "js_divergence",
    "kl_divergence",
    "kl_dro_moving_weights",
    "kl_dro_weights",
    "linear_cross_entropy",
    "linear_kl_divergence",
    "linear_token_statistics",
    "median_distance",
    "renyi_divergence",
    "skew_kl",
    "squared_distances",
    "token_statistics",
    "top_k_kl",
    "total_variation",
]
