"""Laws beyond training's distribution: a ladder made from a known law gives the law back."""

import numpy as np
import pytest

from methods.scaling_laws import PowerLawWithConstant
from tasks.scaling.domains import EXTRAPOLATION, TEST
from tasks.scaling.extrapolation import extrapolated_best_size, extrapolated_law
from tasks.scaling.measures import Ladder

SIZES = 1536.0 * np.array([1, 4, 9, 16, 36, 64])
TOKENS = np.geomspace(2e4, 4e5, 12)


def ladder(beyond):
    inside = 1.5 + 12 / SIZES[:, None] ** 0.4 + 200 / TOKENS**0.6
    losses = {TEST: inside} if beyond is None else {TEST: inside, EXTRAPOLATION: beyond}
    return Ladder(SIZES, TOKENS, losses, true_loss=1.5)


def test_the_law_is_that_of_the_losses_beyond_training():
    beyond = ladder(2.25 + 30 / SIZES[:, None] ** 0.5 + 0 * TOKENS)
    found = extrapolated_law(beyond, PowerLawWithConstant())
    assert found["extrapolation_constant"] == pytest.approx(2.25, abs=1e-4)
    # No error against the known loss, that of another test; no best size, which no law has.
    assert found.keys() == {"extrapolation_constant", "extrapolation_compute_constant"}


def test_best_sizes_and_frontier_are_those_of_the_losses_beyond_training():
    losses = 2.25 + 12 / SIZES[:, None] ** 0.4 + 200 / TOKENS**0.6
    # A constant moves no best size: the same shape has the same exponent as inside.
    exponents = [extrapolated_best_size(ladder(losses - apart)) for apart in (0, 1)]
    assert exponents[0] == pytest.approx(exponents[1])
    name = "extrapolation_compute_constant"
    found, same = (
        extrapolated_law(ladder(losses - apart), PowerLawWithConstant())[name] for apart in (0, 1)
    )
    assert found - same == pytest.approx(1, abs=0.05)


def test_nothing_is_said_without_such_a_test_or_of_losses_that_are_not_finite():
    broken = np.full((6, 12), 3.0)
    broken[2, 3] = np.inf
    for without in (ladder(None), ladder(broken)):
        assert extrapolated_law(without, PowerLawWithConstant()) == {}
        assert extrapolated_best_size(without) == {}
