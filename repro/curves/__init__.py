"""Curves of a known form through points, and how far their parameters may be off.

Papers may import this package: it imports nothing of the harness, and a change in it makes the
results stale of those that do.
"""

from repro.curves.below import fit_below, line_below
from repro.curves.ends import MOST_WITHOUT_END, clamped, levels_off, limits, straight
from repro.curves.extrapolation import Extrapolation, extrapolations, joint_extrapolations
from repro.curves.falling import AnyProblem, FallingProblem, fit_falling
from repro.curves.forms import FORMS, Form
from repro.curves.frontier import OptimalSize, lower_hull, optimal_size, undominated
from repro.curves.joint import (
    HUBER_DELTA,
    JOINT_FORMULA,
    JOINT_PARAMETERS,
    JointFit,
    JointProblem,
    fit_joint,
)
from repro.curves.likelihood import deviances, joint_constant_interval, profile_interval
from repro.curves.resampling import Bootstrap, bootstrap, resamples
from repro.curves.variable_projection import Fit, Problem, fit

__all__ = [
    "FORMS",
    "HUBER_DELTA",
    "JOINT_FORMULA",
    "JOINT_PARAMETERS",
    "MOST_WITHOUT_END",
    "AnyProblem",
    "Bootstrap",
    "Extrapolation",
    "FallingProblem",
    "Fit",
    "Form",
    "JointFit",
    "JointProblem",
    "OptimalSize",
    "Problem",
    "bootstrap",
    "clamped",
    "deviances",
    "extrapolations",
    "fit",
    "fit_below",
    "fit_falling",
    "fit_joint",
    "joint_constant_interval",
    "joint_extrapolations",
    "levels_off",
    "limits",
    "line_below",
    "lower_hull",
    "optimal_size",
    "profile_interval",
    "resamples",
    "straight",
    "undominated",
]
