"""The model size that is best for an amount of compute, read from the frontier: N_opt ∝ C^exponent.

The frontier is the lower convex hull of loss against the logarithm of compute, over the points of
all models, as far as loss falls along it (Henighan et al., 2020, "Scaling Laws for Autoregressive
Generative Modeling", section 2). Each model on it stands for a stretch of compute.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from repro.curves.forms import Numbers

Indices = NDArray[np.intp]

#: How the frontier becomes points (compute, size): see `optimal_size`.
Rule = Literal["models", "vertices"]
#: Models on the frontier that the rule "models" needs: two between the first and the last.
LEAST_MODELS = 4


@dataclass(frozen=True)
class OptimalSize:
    """N_opt = coefficient · C^exponent.

    ``frontier``  indices of the points that are vertices of the hull, by compute
    ``compute``, ``sizes``  what the power law was fitted to, (points,) each
    """

    coefficient: float
    exponent: float
    frontier: Indices
    compute: Numbers
    sizes: Numbers

    def predict(self, compute: ArrayLike) -> Numbers:
        """Return the best size at ``compute``."""
        return np.asarray(self.coefficient * np.asarray(compute, dtype=float) ** self.exponent)


def undominated(compute: ArrayLike, losses: ArrayLike) -> Indices:
    """Return the indices, by compute, of the points whose loss no cheaper point reaches.

    ``compute`` and ``losses`` of shape (points,). Of points with one compute the best counts, and
    of equal ones the first.
    """
    c, y = np.asarray(compute, dtype=float), np.asarray(losses, dtype=float)
    order = np.lexsort((y, c))
    before = np.concatenate([[np.inf], np.minimum.accumulate(y[order])[:-1]])
    return np.asarray(order[y[order] < before])


def lower_hull(compute: ArrayLike, losses: ArrayLike) -> Indices:
    """Return the indices of the frontier's vertices, from the least compute to the least loss.

    ``compute`` and ``losses`` of shape (points,); raises ``ValueError`` for a compute that is not
    positive, and for numbers that are not finite.
    """
    c, y = np.asarray(compute, dtype=float), np.asarray(losses, dtype=float)
    if c.ndim != 1 or c.shape != y.shape or c.size == 0:
        raise ValueError("compute and losses must be rows of one length, with a point at least")
    if not (np.isfinite(c).all() and np.isfinite(y).all() and (c > 0).all()):
        raise ValueError("compute must be positive, and all numbers finite")
    hull = lower_chain(np.log(c), y)
    return hull[: int(y[hull].argmin()) + 1]


def lower_chain(x: Numbers, y: Numbers) -> Indices:
    """Return the indices of the lower convex hull's vertices, from the least x to the largest.

    ``x`` and ``y`` of shape (points,), finite.
    """
    hull: list[int] = []
    for point in np.lexsort((y, x)).tolist():
        if hull and x[hull[-1]] == x[point]:
            continue
        while len(hull) > 1 and not _below(x, y, hull[-2], hull[-1], point):
            hull.pop()
        hull.append(point)
    return np.array(hull)


def optimal_size(
    sizes: ArrayLike, compute: ArrayLike, losses: ArrayLike, rule: Rule = "models"
) -> OptimalSize:
    """Return the power law of the best size, by least squares of the logarithms.

    ``rule``  ``models``: one point per model, in the (geometric) middle of the compute for which it
              lies on the frontier. The first and the last model are left out: their stretches are
              cut off by the ladder's end, not by a better model. ``vertices``: every vertex of the
              hull, as the paper has it; that counts these two most and flattens the exponent

    Raises ``ValueError`` as `lower_hull` does, for sizes that are not positive, and where too few
    models lie on the frontier (four for ``models``, two for ``vertices``).
    """
    n = np.asarray(sizes, dtype=float)
    hull = lower_hull(compute, losses)
    if n.shape != np.shape(compute) or not (np.isfinite(n).all() and (n > 0).all()):
        raise ValueError("sizes must be positive and finite, one for each point")
    c, n = np.asarray(compute, dtype=float)[hull], n[hull]
    models, least = np.unique(n), LEAST_MODELS if rule == "models" else 2
    if models.size < least:
        raise ValueError(f"{models.size} models lie on the frontier; at least {least} are needed")
    if rule == "models":
        inner = models[1:-1]
        c, n = np.array([_middle(c[n == model]) for model in inner]), inner
    exponent, level = np.polyfit(np.log(c), np.log(n), 1)
    return OptimalSize(math.exp(level), float(exponent), hull, c, n)


def _middle(compute: Numbers) -> float:
    return math.sqrt(float(compute.min())) * math.sqrt(float(compute.max()))


def _below(x: Numbers, y: Numbers, first: int, middle: int, last: int) -> bool:
    """Say whether ``middle`` lies below the line from ``first`` to ``last``."""
    rise = (y[middle] - y[first]) * (x[last] - x[first])
    return bool(rise < (y[last] - y[first]) * (x[middle] - x[first]))
