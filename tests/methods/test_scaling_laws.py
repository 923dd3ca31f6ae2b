"""The form as a method: L(N) goes through its points, L(C) lies below unless told otherwise."""

from __future__ import annotations

import math

import numpy as np
import pytest

from baselines.scaling.last_value import LastValue
from baselines.scaling.logarithmic import Logarithmic
from baselines.scaling.power_law import PowerLaw
from methods.scaling_laws import PowerLawWithConstant
from tasks.scaling.protocol import ScalingForm

C = np.geomspace(1e10, 1e13, 12)
LOSSES = 1.2 + (C / 1e9) ** -0.4 + np.where(np.arange(12) % 2, 0.01, 0.0)


def test_the_law_of_a_frontier_lies_below_it_and_that_of_size_goes_through() -> None:
    form = PowerLawWithConstant()
    below, through = form.fitted_frontier(C, LOSSES), form.fitted(C, LOSSES)
    assert (below.predict(C) <= LOSSES + 1e-12).all()
    assert (through.predict(C) > LOSSES).any()
    assert below.constant == pytest.approx(1.2, abs=0.01)
    middle = float(below.predict([1e11])[0])
    assert below.place_of(middle) == pytest.approx(1e11)
    assert below.place_of(1.0) == math.inf


def test_the_ablation_fits_a_frontier_as_anything_else() -> None:
    form = PowerLawWithConstant(frontier="through")
    assert form.fitted_frontier(C, LOSSES) == form.fitted(C, LOSSES)
    # What no law changes comes once, with the paper's own way.
    assert PowerLawWithConstant().describes_ladder
    assert not form.describes_ladder
    assert not PowerLawWithConstant(huber_delta=None).describes_ladder


@pytest.mark.parametrize("form", [PowerLaw(), Logarithmic()])
def test_the_rivals_of_a_frontier_lie_below_it_too(form: ScalingForm) -> None:
    """What lies below foretells lower losses: the law must not gain on its rivals by that."""
    below, through = form.fitted_frontier(C, LOSSES), form.fitted(C, LOSSES)
    assert (below.predict(C) <= LOSSES + 1e-12).all()
    assert (through.predict(C) > LOSSES).any()
    middle = float(below.predict([1e11])[0])
    assert below.place_of(middle) == pytest.approx(1e11)


def test_the_last_value_is_the_same_on_a_frontier() -> None:
    assert LastValue().fitted_frontier(C, LOSSES) == LastValue().fitted(C, LOSSES)
