"""The two losses: values, slopes by finite differences, extremes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.bandit.regression_loss import RegressionLoss, sigmoid

SQUARED, LOG = RegressionLoss("squared"), RegressionLoss("log")


@given(st.floats(-8, 8), st.sampled_from([0.0, 1.0]))
def test_the_slope_is_the_derivative(output, y):
    h = 1e-6
    for loss in (SQUARED, LOG):
        ends = np.array([output - h, output + h])
        values = loss.of_prediction(loss.prediction(ends), np.array([y, y]))
        slope = loss.slope(np.array([output]), np.array([y]))[0]
        assert slope == pytest.approx((values[1] - values[0]) / (2 * h), abs=1e-3)


def test_hand_computed_values():
    assert SQUARED.of_prediction(np.array([0.25]), np.array([1.0]))[0] == pytest.approx(0.28125)
    assert LOG.of_prediction(np.array([0.25]), np.array([1.0]))[0] == pytest.approx(np.log(4))
    assert LOG.of_prediction(np.array([0.25]), np.array([0.0]))[0] == pytest.approx(-np.log(0.75))


def test_certain_predictions_have_finite_loss():
    assert np.isfinite(LOG.of_prediction(np.array([0.0, 1.0]), np.array([1.0, 0.0]))).all()
    np.testing.assert_allclose(sigmoid(np.array([-1e4, 0.0, 1e4])), [0.0, 0.5, 1.0])
