"""How well forms foretell the largest model, which their fits never saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from repro.curves.forms import FORMS, Numbers
from repro.curves.variable_projection import fit

#: No curve: the mean at the largest model that was seen.
LAST_VALUE = "last_value"
#: A power law with a constant, and what it must beat.
RIVALS = ("power_law_with_constant", "power_law", "logarithmic", LAST_VALUE)


@dataclass(frozen=True)
class Extrapolation:
    """What a form foretold, and what was measured: the mean at the largest ``x``."""

    form: str
    x: float
    predicted: float
    measured: float

    @property
    def error(self) -> float:
        """The prediction minus what was measured."""
        return self.predicted - self.measured


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
    last = places.max()
    seen = places < last
    left = np.unique(places[seen]).size
    measured = float(values[~seen].mean())
    return [
        Extrapolation(
            form,
            float(last),
            _foretold(form, places[seen], values[seen], last, huber_delta),
            measured,
        )
        for form in forms
        if form == LAST_VALUE or len(FORMS[form].parameters) <= left
    ]


def _foretold(form: str, x: Numbers, y: Numbers, at: float, delta: float | None) -> float:
    if form == LAST_VALUE:
        return float(y[x == x.max()].mean())
    return float(fit(form, x, y, huber_delta=delta).predict(at))
