"""How well forms foretell the largest model, which their fits never saw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from repro.curves.forms import FORMS, Numbers
from repro.curves.joint import HUBER_DELTA, fit_joint
from repro.curves.variable_projection import fit

#: No curve: the mean at the largest model that was seen, or the least loss seen in the joint case.
LAST_VALUE = "last_value"
#: A power law with a constant, and what it must beat.
RIVALS = ("power_law_with_constant", "power_law", "logarithmic", LAST_VALUE)
#: The joint form, and the same rivals in size and tokens.
JOINT_RIVALS = ("joint", "power_law", "logarithmic", LAST_VALUE)
#: Sizes that are read off a figure differ a little for one model.
_SAME_SIZE = 0.99


@dataclass(frozen=True)
class Extrapolation:
    """What a form foretold of the points at the largest ``x``, and what was measured: means.

    ``root_mean_square``  of the single points' errors, noise included
    """

    form: str
    x: float
    predicted: float
    measured: float
    root_mean_square: float

    @property
    def error(self) -> float:
        """The prediction minus what was measured."""
        return self.predicted - self.measured

    @staticmethod
    def of(form: str, x: float, predicted: Numbers, measured: Numbers) -> Extrapolation:
        """Return the means of ``predicted`` and ``measured``, (points,) each."""
        square = float(((predicted - measured) ** 2).mean())
        return Extrapolation(form, x, float(predicted.mean()), float(measured.mean()), square**0.5)


def extrapolations(
    x: ArrayLike,
    y: ArrayLike,
    forms: Sequence[str] = RIVALS,
    huber_delta: float | None = None,
) -> list[Extrapolation]:
    """Return what each of ``forms`` says of the largest ``x`` from all smaller ones.

    ``x`` and ``y`` of shape (points,), several points at one ``x`` allowed. Forms with more
    parameters than there are different ``x`` left are passed over. Raises ``ValueError`` for an
    unknown form, for fewer than two different ``x``, and as `fit` does.
    """
    places, values = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    unknown = [form for form in forms if form not in FORMS and form != LAST_VALUE]
    if unknown:
        raise ValueError(f"unknown form {unknown[0]!r}; known: {', '.join((*FORMS, LAST_VALUE))}")
    if np.unique(places).size < 2:
        raise ValueError("at least two different x are needed to leave out the largest")
    seen = places < places.max()
    left = np.unique(places[seen]).size
    found = []
    for form in forms:
        if form == LAST_VALUE:
            last = places[seen] == places[seen].max()
            predicted = np.full((~seen).sum(), values[seen][last].mean())
        elif len(FORMS[form].parameters) > left:
            continue
        else:
            curve = fit(form, places[seen], values[seen], huber_delta=huber_delta)
            predicted = curve.predict(places[~seen])
        found.append(Extrapolation.of(form, float(places.max()), predicted, values[~seen]))
    return found


def joint_extrapolations(
    sizes: ArrayLike,
    tokens: ArrayLike,
    losses: ArrayLike,
    huber_delta: float | None = HUBER_DELTA,
) -> list[Extrapolation]:
    """Return what the joint form and its rivals say of the largest size, at all its token counts.

    ``power_law`` is coefficient · N^n · D^d, fitted to the logarithm of the loss; ``logarithmic``
    is linear in ln N and ln D; ``last_value`` the least loss that was seen. Sizes within 1 % of the
    largest count as the largest. Raises ``ValueError`` as `fit_joint` does for the points left.
    """
    n, d, y = (np.asarray(column, dtype=float) for column in (sizes, tokens, losses))
    seen = n < _SAME_SIZE * n.max()
    joint = fit_joint(n[seen], d[seen], y[seen], huber_delta)
    plane = _plane(n, d, seen)
    predicted = (
        joint.predict(n[~seen], d[~seen]),
        np.exp(plane(np.log(y[seen]))),
        plane(y[seen]),
        np.full((~seen).sum(), y[seen].min()),
    )
    return [
        Extrapolation.of(form, float(n.max()), values, y[~seen])
        for form, values in zip(JOINT_RIVALS, predicted, strict=True)
    ]


def _plane(n: Numbers, d: Numbers, seen: NDArray[np.bool_]) -> Callable[[Numbers], Numbers]:
    """Return what takes values at the seen points to those of their plane at the others."""
    basis = np.stack([np.ones_like(n), np.log(n), np.log(d)], axis=1)

    def foretell(values: Numbers) -> Numbers:
        return np.asarray(basis[~seen] @ np.linalg.lstsq(basis[seen], values, rcond=None)[0])

    return foretell
