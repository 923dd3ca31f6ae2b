"""Huber's loss: squares of small residuals, the size of large ones (Huber, 1964)."""

from __future__ import annotations

import math

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
    """Return the unit in which losses are compared, as a likelihood's logarithm is.

    Twice the drop in loss by one parameter more, divided by E ψ² / E ψ′ with ψ the loss's slope, is
    χ² of one degree of freedom in the limit, whatever the errors' distribution (Ronchetti, 1982;
    Huber and Ronchetti, "Robust Statistics", 2009, section 13.5). For least squares the unit is the
    residuals' variance. NaN where no point is left over, or the errors have no spread.
    """
    freedom = residuals.size - parameters
    if freedom < 1:
        return math.nan
    variance = float((huber_slopes(residuals, delta) ** 2).sum()) / freedom
    curvature = 1.0 if delta is None else _share_within(np.abs(residuals), delta)
    return variance / curvature if curvature > 0 else math.nan


def _share_within(size: Numbers, delta: float) -> float:
    """Return the share of errors up to ``delta`` in size: E ψ′.

    A δ far below the residuals' scale holds few of them, and those that the curve passes through.
    So it is the share within Silverman's bandwidth that is counted where that is wider.
    """
    width = max(delta, 1.06 * 1.4826 * float(np.median(size)) * float(size.size) ** -0.2)
    return float((size <= width).mean() * delta / width)
