"""What can be fitted to a file's points: a curve over one column, the joint form, the frontier."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Protocol

import numpy as np

from repro.curves import (
    FORMS,
    JOINT_FORMULA,
    MOST_WITHOUT_END,
    Bootstrap,
    Extrapolation,
    Fit,
    JointFit,
    JointProblem,
    OptimalSize,
    Problem,
    clamped,
    extrapolations,
    joint_constant_interval,
    joint_extrapolations,
    levels_off,
    limits,
    optimal_size,
    profile_interval,
    straight,
)
from repro.curves.extrapolation import RIVALS
from repro.curves.resampling import Indices
from repro.fit.points import COMPUTE, COUNTS, LOSS, PARAMETERS, TOKENS, Points

#: The forms that take two columns.
JOINT, OPTIMAL_SIZE = "joint", "optimal_size"
#: The form where none is named, by the number of columns that are.
DEFAULTS = {1: "power_law_with_constant", 2: JOINT}
ALL_FORMS = (*FORMS, JOINT, OPTIMAL_SIZE)
#: A profile likelihood is some 30 fits to all points: of more it would take minutes.
MOST_PROFILED = 20_000


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


def _too_many(points: int) -> list[str]:
    if points <= MOST_PROFILED:
        return []
    return [f"no profile likelihood: of more than {MOST_PROFILED:,} points it would take minutes"]


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
        if self.fitted.at_edge or self._straight or self.y.size > MOST_PROFILED:
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
        """Say where the points do not determine the curve, and where its constant is no end."""
        rate = FORMS[self.form].rate
        found = _too_many(self.y.size) if rate else []
        if self.fitted.at_edge:
            found.append(f"the points do not determine the {rate}: it ended at the bound")
        if self._straight:
            line = "a logarithm" if FORMS[self.form].logarithmic else "a straight line"
            found.append(
                f"the points do not tell the curve from {line}: the {rate} ended at the flattest "
                "that is searched, and constant and coefficient alone say nothing"
            )
        elif self._with_constant and not levels_off(self.problem, self.fitted):
            where = "0" if FORMS[self.form].logarithmic else "−∞"
            found.append(
                f"the curve does not level off: its constant is its limit at x → {where}, and no "
                "asymptote as x grows"
            )
        return found

    def judged(self, drawn: Bootstrap) -> tuple[Bootstrap, list[str]]:
        """Return the resamples with their constants as limits for growing x, and what to say.

        Where the fit levels off, its constant is that limit; a resample that does not has none.
        """
        if not (self._with_constant and levels_off(self.problem, self.fitted)):
            return drawn, []
        constants, notes = limits(self.problem, drawn.resampled), []
        share = float(drawn.chances @ np.isinf(constants))
        if share > MOST_WITHOUT_END:
            constants = np.full_like(constants, np.nan)
            notes = [f"{share:.0%} of the resamples do not level off: the constant is undetermined"]
        elif share > 0:
            (constants,) = clamped(constants)
        return replace(drawn, resampled={**drawn.resampled, "constant": constants}), notes

    @property
    def _with_constant(self) -> bool:
        return "constant" in FORMS[self.form].parameters

    @property
    def _straight(self) -> bool:
        return self._with_constant and straight(self.problem, self.fitted)


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
        if self.fitted.at_edge or self.losses.size > MOST_PROFILED:
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
        found += _too_many(self.losses.size)
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
