"""From predicted losses to an arm: the rules that methods and baselines share.

Every rule takes predicted losses of shape (streams, arms) and returns the probability of each arm,
of that shape, non-negative and with sum 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
Index = npt.NDArray[np.intp]

#: Stands for a predicted loss of 0 where all are: 0/0 otherwise.
_LEAST_LOSS = 1e-12


def inverse_gap_weighting(predicted: Floats, gamma: float) -> Floats:
    """Return SquareCB's probabilities (Foster and Rakhlin, 2020, algorithm 1).

    p_a = 1 / (K + γ (ŷ_a − ŷ_b)) for a ≠ b = argmin ŷ; what is left goes to b. For every f in
    [0, 1]^K: Σ_a p_a (f_a − min f) ≤ 2K/γ + (γ/4) Σ_a p_a (ŷ_a − f_a)².
    """
    predicted = np.asarray(predicted, dtype=np.float64)
    best = predicted.argmin(axis=1)
    gap = predicted - _at(predicted, best)
    return _rest_to(best, 1.0 / (predicted.shape[1] + gamma * gap))


def reweighted_inverse_gap_weighting(predicted: Floats, gamma: float) -> Floats:
    """Return FastCB's probabilities (Foster and Krishnamurthy, 2021), for losses of 0 or more.

    p_a = ŷ_b / (K ŷ_b + γ (ŷ_a − ŷ_b)) for a ≠ b = argmin ŷ; what is left goes to b. The smaller
    the best predicted loss, the less is explored. For γ ≥ 2K and every f in [0, 1]^K:
    Σ_a p_a f_a − min f ≤ (5K/γ) Σ_a p_a f_a + 7γ Σ_a p_a (ŷ_a − f_a)² / (ŷ_a + f_a).
    """
    predicted = np.maximum(np.asarray(predicted, dtype=np.float64), _LEAST_LOSS)
    best = predicted.argmin(axis=1)
    least = _at(predicted, best)
    return _rest_to(best, least / (predicted.shape[1] * least + gamma * (predicted - least)))


def epsilon_greedy(predicted: Floats, epsilon: float) -> Floats:
    """Return probability 1 − ε for the least predicted loss, and ε spread over all arms."""
    probabilities = np.full(predicted.shape, epsilon / predicted.shape[1])
    best = predicted.argmin(axis=1)
    probabilities[np.arange(len(best)), best] += 1.0 - epsilon
    return probabilities


def draw(probabilities: Floats, uniform: Floats) -> Index:
    """Return the arm that each stream's number from (0, 1), (streams,), falls on."""
    passed = probabilities.cumsum(axis=1) < uniform[:, None]
    return np.asarray(np.minimum(passed.sum(axis=1), probabilities.shape[1] - 1))


def _at(values: Floats, arms: Index) -> Floats:
    return np.asarray(values[np.arange(len(arms)), arms][:, None])


def _rest_to(best: Index, probabilities: Floats) -> Floats:
    rows = np.arange(len(best))
    probabilities[rows, best] = 0.0
    probabilities[rows, best] = 1.0 - probabilities.sum(axis=1)
    return probabilities
