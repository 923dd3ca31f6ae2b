"""Huber's loss: squares of small residuals, the size of large ones (Huber, 1964)."""

from __future__ import annotations

import numpy as np

from repro.curves.forms import Numbers


def huber_losses(residuals: Numbers, delta: float | None) -> Numbers:
    """Return each residual's loss: r² / 2 up to ``delta``, δ (|r| − δ / 2) beyond.

    ``delta``  in the unit of the residuals; ``None``: r² / 2 everywhere
    """
    size = np.abs(residuals)
    if delta is None:
        return np.asarray(size**2 / 2)
    return np.where(size <= delta, size**2 / 2, delta * (size - delta / 2))


def huber_slopes(residuals: Numbers, delta: float | None) -> Numbers:
    """Return the derivative of each residual's loss."""
    return residuals if delta is None else np.clip(residuals, -delta, delta)


def likelihood_unit(residuals: Numbers, delta: float | None, parameters: int) -> float:
    """Return how much loss stands for half a unit of χ², where the errors have any distribution.

    Twice the drop in Huber's loss by one true parameter, divided by E ψ² / E ψ′, is χ² of one
    degree of freedom in the limit (Ronchetti, 1982; Huber and Ronchetti, "Robust Statistics",
    2009, section 13.5); ψ is the loss's slope. For least squares it is the residuals' variance.
    NaN where no residual is within ``delta``, or no point is left over for the error.
    """
    freedom = residuals.size - parameters
    curvature = 1.0 if delta is None else float((np.abs(residuals) <= delta).mean())
    if freedom < 1 or curvature == 0:
        return float("nan")
    return float((huber_slopes(residuals, delta) ** 2).sum()) / freedom / curvature
