"""Allocation rules: probabilities, both per-round inequalities, degenerate predictions, draws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.bandit.allocation import (
    draw,
    epsilon_greedy,
    inverse_gap_weighting,
    reweighted_inverse_gap_weighting,
)

losses = st.floats(0.0, 1.0)
#: Predicted losses and true ones of one round.
rounds = st.integers(2, 12).flatmap(
    lambda k: st.tuples(
        st.lists(losses, min_size=k, max_size=k), st.lists(losses, min_size=k, max_size=k)
    )
)


def row(values):
    return np.asarray(values, dtype=np.float64)[None, :]


@given(rounds, st.floats(1e-3, 1e5))
def test_inequality_of_inverse_gap_weighting(pair, gamma):
    predicted, true = map(np.asarray, pair)
    p = inverse_gap_weighting(row(predicted), gamma)[0]
    regret = p @ (true - true.min())
    error = p @ (predicted - true) ** 2
    assert regret <= 2 * len(p) / gamma + gamma / 4 * error + 1e-9


@given(rounds, st.floats(1.0, 1e4))
def test_inequality_of_the_reweighted_rule(pair, times):
    predicted, true = map(np.asarray, pair)
    gamma = 2 * len(predicted) * times
    p = reweighted_inverse_gap_weighting(row(predicted), gamma)[0]
    total = predicted + true
    discrimination = np.where(total > 0, (predicted - true) ** 2 / np.where(total > 0, total, 1), 0)
    bound = 5 * len(p) / gamma * (p @ true) + 7 * gamma * (p @ discrimination)
    assert p @ true - true.min() <= bound + 1e-9


@given(rounds, st.floats(0.0, 1e6))
def test_every_rule_gives_probabilities(pair, gamma):
    for p in (
        inverse_gap_weighting(row(pair[0]), gamma),
        reweighted_inverse_gap_weighting(row(pair[0]), gamma),
        epsilon_greedy(row(pair[0]), min(gamma, 1.0)),
    ):
        assert (p >= -1e-12).all()
        assert p.sum() == pytest.approx(1.0)


@given(rounds, st.floats(0.1, 1e4))
def test_a_smaller_predicted_loss_is_never_played_less(pair, gamma):
    predicted = np.round(pair[0], 6)
    order = np.argsort(predicted, kind="stable")
    for rule in (inverse_gap_weighting, reweighted_inverse_gap_weighting):
        p = rule(row(predicted), gamma)[0][order]
        assert (np.diff(p) <= 1e-12).all()


def test_hand_computed_case():
    predicted = row([0.5, 0.1, 0.3])
    p = inverse_gap_weighting(predicted, 10.0)[0]
    np.testing.assert_allclose(p, [1 / 7, 1 - 1 / 7 - 1 / 5, 1 / 5])
    p = reweighted_inverse_gap_weighting(predicted, 10.0)[0]
    np.testing.assert_allclose(p, [0.1 / 4.3, 1 - 0.1 / 4.3 - 0.1 / 2.3, 0.1 / 2.3])


def test_degenerate_predictions():
    equal = row([0.4, 0.4, 0.4, 0.4])
    np.testing.assert_allclose(inverse_gap_weighting(equal, 50.0), 0.25)
    np.testing.assert_allclose(reweighted_inverse_gap_weighting(equal, 50.0), 0.25)
    np.testing.assert_allclose(reweighted_inverse_gap_weighting(row([0.0, 0.0]), 50.0), 0.5)
    sure = reweighted_inverse_gap_weighting(row([0.7, 0.0, 0.2]), 50.0)[0]
    np.testing.assert_allclose(sure, [0, 1, 0], atol=1e-9)


def test_predictions_below_zero_count_as_zero_for_the_reweighted_rule():
    p = reweighted_inverse_gap_weighting(row([-0.2, 0.5, -0.1]), 50.0)[0]
    np.testing.assert_allclose(p, [2 / 3, 0.0, 1 / 3], atol=1e-9)


def test_the_first_of_equals_is_greedy():
    np.testing.assert_allclose(epsilon_greedy(row([0.2, 0.2, 0.9]), 0.3), [[0.8, 0.1, 0.1]])


def test_draws_follow_the_probabilities():
    p = np.array([[0.2, 0.0, 0.5, 0.3]])
    uniform = (np.arange(1000) + 0.5) / 1000
    drawn = draw(np.repeat(p, 1000, axis=0), uniform)
    np.testing.assert_allclose(np.bincount(drawn, minlength=4) / 1000, p[0])


def test_what_is_no_number_still_gives_an_arm():
    arms = draw(inverse_gap_weighting(row([np.nan, 0.1]), 5.0), np.array([0.5]))
    assert 0 <= arms[0] < 2


def test_weighting_agrees_with_vowpal_wabbit():
    """Two exploration scales on one learnt model: from the first, gaps; from them, the second."""
    vw = pytest.importorskip("vowpalwabbit", reason="vowpalwabbit is not installed")
    costs = {0: 0.9, 1: 0.2, 2: 0.5}

    def text(played=None):
        lines = [f"{f'{a}:{costs[a]}:0.33 ' if a == played else ''}| a{a} one" for a in range(3)]
        return ["shared | s", *lines]

    def probabilities(scale):
        model = vw.Workspace(
            f"--cb_explore_adf --squarecb --gamma_scale {scale} --gamma_exponent 0 "
            "--cb_type mtr --quiet"
        )
        for example in range(60):
            model.learn(text(example % 3))
        found = np.array(model.predict(text()))
        model.finish()
        return found

    first, second = probabilities(10.0), probabilities(40.0)
    best = first.argmax()
    gaps = (1.0 / first - 3.0) / 10.0
    gaps[best] = 0.0
    assert (gaps[np.arange(3) != best] > 1e-3).all()
    np.testing.assert_allclose(inverse_gap_weighting(row(gaps), 40.0)[0], second, atol=1e-4)
