"""The smallest curvature of the perturbed loss: positive where its minimum is one point.

Quadratic growth with a unique minimiser needs a Hessian without a direction of zero or negative
curvature there. Measured at the final weights, of the mean over rounds played of

    E_ε ℓ(y, f(θ; x) + κ Σ_j (θ_j − θ_{0,j}) ε_j).

For the squared loss the expectation is exact, ½ (y − f)² + ½ κ² ‖θ − θ₀‖²; for the log loss the
sum over all weights is taken as normal, N(0, ‖θ − θ₀‖²), by Gauss and Hermite's rule. It is the
expectation and not the signs that were drawn: S signs a round bend at most S·T of p directions.
"""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import numpy as np
from scipy.sparse.linalg import LinearOperator, eigsh

from tasks.bandit.protocol import Floats, Index
from tasks.bandit.regression_loss import LossName, sigmoid

#: Relative accuracy of the eigenvalue.
_TOLERANCE = 1e-3
_NODES = 9
#: Stands for a distance of 0 to the start, at which the direction from it is 0 too.
_LEAST_DISTANCE = 1e-6


class Rounds(NamedTuple):
    """Rounds of one stream: contexts (n, d), arms (n,), losses (n,)."""

    x: Floats
    arms: Index
    losses: Floats


class Derivatives(NamedTuple):
    """Of the expected loss of each round, (n,), in the output f and the deviation σ of its noise.

    For the squared loss, in which σ²/2 is added to ½ (y − f)², they are f − y, 1, σ, 1 and 0.
    """

    f: Floats
    ff: Floats
    s: Floats
    ss: Floats
    fs: Floats


def smallest_curvature(
    weights: Floats, start: Floats, arms: int, rounds: Rounds, loss: LossName, scale: float
) -> float:
    """Return the least eigenvalue of the Hessian of the expected perturbed loss.

    ``weights``, ``start``  (count,): a network's, as ``ArmNetworks.weights`` has them
    ``scale``               κ; 0 for the loss without perturbation
    """
    hessian = _Hessian(weights, start, arms, rounds, loss, scale)
    count = len(weights)
    operator = LinearOperator((count, count), matvec=hessian.product, dtype=np.float64)
    first = np.random.RandomState(0).standard_normal(count)
    found = eigsh(operator, k=1, which="SA", v0=first, tol=_TOLERANCE, return_eigenvectors=False)
    return float(found[0])


class _Hessian:
    """Products of the Hessian with directions, in closed form.

    With σ = κ ‖θ − θ₀‖ and u the direction away from the start, ∇σ is κ u and ∇²σ is
    κ (1 − u uᵀ) / ‖θ − θ₀‖. f is linear in either layer: ∇²f has mixed terms alone, where units are
    active.
    """

    def __init__(
        self,
        weights: Floats,
        start: Floats,
        arms: int,
        rounds: Rounds,
        loss: LossName,
        scale: float,
    ) -> None:
        order = np.argsort(rounds.arms, kind="stable")
        self.x = rounds.x[order].astype(np.float64)
        ends = np.searchsorted(rounds.arms[order], np.arange(arms + 1))
        self.parts = [slice(*pair) for pair in itertools.pairwise(ends)]
        d = self.x.shape[1]
        self.width = len(weights) // (arms * d + 1)
        self.shape, self.size = (arms, self.width, d), arms * self.width * d
        moved = (weights.astype(np.float64) - start.astype(np.float64)).ravel()
        distance = max(float(np.linalg.norm(moved)), _LEAST_DISTANCE)
        self.away, self.scale = moved / distance, scale
        blocks, self.second = self._layers(weights.astype(np.float64))
        self.hidden = np.maximum(self._along(blocks), 0.0)
        self.active = (self.hidden > 0).astype(np.float64)
        output = self.hidden @ self.second / math.sqrt(self.width)
        y = rounds.losses[order].astype(np.float64)
        self.derivatives = _derivatives(output, y, loss, scale * distance)
        self.bend = float(self.derivatives.s.mean()) * scale / distance

    def product(self, vector: Floats) -> Floats:
        """Return the Hessian times a direction (count,)."""
        vector = np.asarray(vector, dtype=np.float64).ravel()
        blocks, second = self._layers(vector)
        root, n = math.sqrt(self.width), len(self.x)
        first = self.active * self._along(blocks)
        change = (first @ self.second + self.hidden @ second) / root
        along = float(self.away @ vector)
        widening = self.scale * along
        of = self.derivatives
        outer = (of.ff * change + of.fs * widening) / (n * root)
        mixed = of.f / (n * root)
        inner = (outer[:, None] * self.second + mixed[:, None] * second) * self.active
        result = self.bend * (vector - along * self.away)
        result += self.scale * float((of.fs * change + of.ss * widening).mean()) * self.away
        result_blocks, result_second = self._layers(result)
        for arm, part in enumerate(self.parts):
            result_blocks[arm] += inner[part].T @ self.x[part]
        result_second += outer @ self.hidden + mixed @ first
        return result

    def _layers(self, vector: Floats) -> tuple[Floats, Floats]:
        return vector[: self.size].reshape(self.shape), vector[self.size :]

    def _along(self, blocks: Floats) -> Floats:
        """Return each round's context times the block of its arm, (n, units)."""
        found = [self.x[part] @ blocks[arm].T for arm, part in enumerate(self.parts)]
        return np.concatenate(found)


def _derivatives(output: Floats, y: Floats, loss: LossName, deviation: float) -> Derivatives:
    """Return the derivatives at outputs f (n,) for losses y (n,) and σ."""
    one = np.ones_like(output)
    if loss == "squared":
        return Derivatives(output - y, one, deviation * one, one, 0.0 * one)
    nodes, shares = np.polynomial.hermite_e.hermegauss(_NODES)
    shares = shares / shares.sum()
    mean = sigmoid(output[:, None] + deviation * nodes)
    slope = mean * (1.0 - mean)
    return Derivatives(
        f=mean @ shares - y,
        ff=slope @ shares,
        s=mean @ (shares * nodes),
        ss=slope @ (shares * nodes**2),
        fs=slope @ (shares * nodes),
    )
