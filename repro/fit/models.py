"""What can be fitted to a file's points: a curve over one column, the joint form, the frontier."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Protocol

import numpy as np

from repro.curves import (
    FORMS,
    JOINT_FORMULA,
    Extrapolation,
    Fit,
    JointFit,
    JointProblem,
    OptimalSize,
    Problem,
    extrapolations,
    joint_constant_interval,
    joint_extrapolations,
    optimal_size,
    profile_interval,
)
from repro.curves.extrapolation import RIVALS
from repro.curves.resampling import Indices
from repro.fit.points import COMPUTE, COUNTS, LOSS, PARAMETERS, TOKENS, Points

#: The forms that take two columns.
JOINT, OPTIMAL_SIZE = "joint", "optimal_size"
#: The form where none is named, by the number of columns that are.
DEFAULTS = {1: "power_law_with_constant", 2: JOINT}
ALL_FORMS = (*FORMS, JOINT, OPTIMAL_SIZE)


class Model(Protocol):
    """A form with the points that it is fitted to.

    ``formula``    how it reads
    ``loss``       the fit's loss; ``None`` where it has none of its own
    ``resampling`` whether single points may be resampled where there are no seeds
    """

    formula: str
    resampling: bool

    @property
    def loss(self) -> float | None:
        """The least loss."""

    def estimate(self, points: Indices) -> Mapping[str, float]:
        """Return the parameters of the fit to ``points``, some of them repeatedly."""

    def profiles(self) -> Mapping[str, tuple[float, float]]:
        """Return the profile likelihood's intervals of those parameters that have one."""

    def extrapolations(self) -> list[Extrapolation]:
        """Return what the form and its rivals say of the largest model, fitted to the others."""

    def notes(self) -> list[str]:
        """Return what a reader must know of the fit."""


class Curve:
    """A form over one column."""

    resampling = True

    def __init__(self, form: str, points: Points, huber_delta: float | None) -> None:
        (self.over,) = (what for what in COUNTS if what in points.numbers)
        self.form, self.delta = form, huber_delta
        self.x, self.y = points.numbers[self.over], points.numbers[LOSS]
        self.formula = FORMS[form].formula
        self.problem = Problem.of(form, self.x)

    @cached_property
    def fitted(self) -> Fit:
        """The fit to all points."""
        return self.problem.fit(self.y, self.delta)

    @property
    def loss(self) -> float:
        """The least loss."""
        return self.fitted.loss

    def estimate(self, points: Indices) -> Mapping[str, float]:
        """Return the parameters of the fit to ``points``."""
        return Problem.of(self.form, self.x[points]).fit(self.y[points], self.delta).parameters

    def profiles(self) -> Mapping[str, tuple[float, float]]:
        """Return the intervals of constant and rate; none where the rate ended at a bound."""
        if self.fitted.at_edge:
            return {}
        names = ("constant", FORMS[self.form].rate)
        found = {
            name: profile_interval(self.problem, name, self.y, value, huber_delta=self.delta)
            for name, value in self.fitted.parameters.items()
            if name in names
        }
        return {name: interval for name, interval in found.items() if interval}

    def extrapolations(self) -> list[Extrapolation]:
        """Return what the form and its rivals say of the largest ``x``."""
        if np.unique(self.x).size < 2:
            return []
        forms = tuple(dict.fromkeys((self.form, *RIVALS)))
        return extrapolations(self.x, self.y, forms, self.delta)

    def notes(self) -> list[str]:
        """Say where the points do not determine the curve."""
        if not self.fitted.at_edge:
            return []
        return [f"the points do not determine the {FORMS[self.form].rate}: it ended at the bound"]


class Joint:
    """The joint form in size and tokens; tokens = compute / (6 · size) where they are not given."""

    formula = JOINT_FORMULA
    resampling = True

    def __init__(self, points: Points, huber_delta: float | None) -> None:
        self.delta, self.sizes, self.losses = (
            huber_delta,
            points.numbers[PARAMETERS],
            points.numbers[LOSS],
        )
        given = points.numbers.get(TOKENS)
        self.tokens = points.numbers[COMPUTE] / 6 / self.sizes if given is None else given
        self.problem = JointProblem.of(self.sizes, self.tokens, self.losses)

    @cached_property
    def fitted(self) -> JointFit:
        """The fit to all points."""
        return self.problem.fit(self.delta)

    @property
    def loss(self) -> float:
        """The least loss."""
        return self.fitted.loss

    def estimate(self, points: Indices) -> Mapping[str, float]:
        """Return the parameters of the fit to ``points``, and the exponent of N_opt(C)."""
        columns = (column[points] for column in (self.sizes, self.tokens, self.losses))
        whole = np.array_equal(points, np.arange(self.losses.size))
        problem = JointProblem.of(*columns)
        found = self.fitted if whole else problem.fit(self.delta, start=self.fitted)
        return {**found.parameters, "compute_exponent": found.compute_exponent}

    def profiles(self) -> Mapping[str, tuple[float, float]]:
        """Return the interval of the constant; none where an exponent ended at a bound."""
        if self.fitted.at_edge:
            return {}
        interval = joint_constant_interval(self.problem, self.fitted)
        return {"constant": interval} if interval else {}

    def extrapolations(self) -> list[Extrapolation]:
        """Return what the form and its rivals say of the largest size."""
        try:
            return joint_extrapolations(self.sizes, self.tokens, self.losses, self.delta)
        except ValueError:  # too few sizes or points are left without the largest
            return []

    def notes(self) -> list[str]:
        """Say what the added exponent is, and where the points do not determine the fit."""
        found = ["compute_exponent: N_opt ∝ C^compute_exponent, from the exponents of the fit"]
        if self.fitted.at_edge:
            found.append("the points do not determine the exponents: one ended at its bound")
        return found


class Frontier:
    """The best size for compute, from the frontier of loss against compute over models."""

    formula = "N_opt = coefficient · C^exponent"
    resampling = False
    loss = None

    def __init__(self, points: Points) -> None:
        self.sizes, self.compute = points.numbers[PARAMETERS], points.numbers[COMPUTE]
        self.losses = points.numbers[LOSS]

    @cached_property
    def fitted(self) -> OptimalSize:
        """The fit to all points."""
        return self._fit(np.arange(self.losses.size))

    def estimate(self, points: Indices) -> Mapping[str, float]:
        """Return coefficient and exponent of the frontier of ``points``."""
        found = self._fit(points)
        return {"coefficient": found.coefficient, "exponent": found.exponent}

    def profiles(self) -> Mapping[str, tuple[float, float]]:
        """Return nothing: a frontier has no likelihood."""
        return {}

    def extrapolations(self) -> list[Extrapolation]:
        """Return nothing: the best size beyond the largest model is not measured."""
        return []

    def notes(self) -> list[str]:
        """Say what the fit rests on."""
        models = self.fitted.sizes.size
        return [
            f"{self.fitted.frontier.size} points on the frontier; fitted to its {models} models "
            f"but the first and the last"
        ]

    def _fit(self, points: Indices) -> OptimalSize:
        return optimal_size(self.sizes[points], self.compute[points], self.losses[points])
