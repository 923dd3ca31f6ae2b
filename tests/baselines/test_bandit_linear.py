"""Linear baselines: ridge against its closed form, intervals, draws, regret on a linear model."""

from __future__ import annotations

import numpy as np
import pytest
from bandit_fixtures import problem, unit

from baselines.bandit.lin_ts import LinTS
from baselines.bandit.lin_ucb import LinUCB
from baselines.bandit.linear_square_cb import LinearSquareCB
from tasks.bandit.allocation import inverse_gap_weighting


def trained(method, rounds=25, seed=0):
    """Return a learner after rounds of random arms, with what it saw of each stream and arm."""
    setting = problem(rounds=200)
    learner = method.start(setting)
    source = np.random.RandomState(seed)
    seen = []
    for t in range(rounds):
        x = unit(2, 4, seed=t)
        arms, losses = source.randint(0, 3, 2), source.randint(0, 2, 2).astype(float)
        learner.update(x, arms, losses)
        seen.append((x.astype(np.float64), arms, losses))
    return learner, seen


def normal_equations(seen, stream, arm, regularisation):
    rows = np.array([x[stream] for x, arms, _ in seen if arms[stream] == arm])
    losses = np.array([y[stream] for _, arms, y in seen if arms[stream] == arm])
    gram = regularisation * np.eye(4) + rows.T @ rows
    return np.linalg.solve(gram, rows.T @ losses), np.linalg.inv(gram)


def test_ridge_is_the_solution_of_the_normal_equations():
    learner, seen = trained(LinUCB(regularisation=0.3))
    x = unit(2, 4, seed=99)
    for stream in range(2):
        for arm in range(3):
            weights, inverse = normal_equations(seen, stream, arm, 0.3)
            np.testing.assert_allclose(learner.weights[stream, arm], weights, atol=1e-10)
            row = x[stream].astype(np.float64)
            assert learner.predicted(x)[stream, arm] == pytest.approx(row @ weights)
            assert learner.variance(x)[stream, arm] == pytest.approx(row @ inverse @ row)


def test_lin_ucb_plays_the_lowest_bound():
    learner, seen = trained(LinUCB(exploration=0.7, regularisation=0.3))
    x = unit(2, 4, seed=99)
    choice = learner.select(x)
    for stream in range(2):
        bounds = []
        for arm in range(3):
            weights, inverse = normal_equations(seen, stream, arm, 0.3)
            row = x[stream].astype(np.float64)
            bounds.append(row @ weights - 0.7 * np.sqrt(row @ inverse @ row))
        assert choice.arms[stream] == np.argmin(bounds)


def test_lin_ts_draws_the_predictions_of_drawn_models():
    """The share of each arm, against models drawn from the posterior as a vector."""
    learner, seen = trained(LinTS(exploration=0.8, regularisation=0.3))
    x = unit(2, 4, seed=99)
    played = []
    for t in range(200):
        learner.round = t
        played.append(learner.select(x).arms[0])
    source = np.random.RandomState(1)
    models = [normal_equations(seen, 0, arm, 0.3) for arm in range(3)]
    drawn = np.stack(
        [source.multivariate_normal(w, 0.64 * inverse, 4000) @ x[0] for w, inverse in models]
    )
    expected = np.bincount(drawn.argmin(axis=0), minlength=3) / 4000
    np.testing.assert_allclose(np.bincount(played, minlength=3) / 200, expected, atol=0.1)


def test_square_cb_plays_its_probabilities():
    learner, _ = trained(LinearSquareCB(gamma=20.0, regularisation=0.3))
    x = unit(2, 4, seed=99)
    expected = inverse_gap_weighting(learner.predicted(x), 20.0)[0]
    played = []
    for t in range(200):
        learner.round = t
        played.append(learner.select(x).arms[0])
    np.testing.assert_allclose(np.bincount(played, minlength=3) / 200, expected, atol=0.1)


@pytest.mark.parametrize("method", [LinUCB(0.3), LinTS(0.1), LinearSquareCB(300.0)])
def test_regret_on_a_linear_model_stays_below_the_elliptical_bound(method):
    """Losses linear in the context: Σ σ² ≤ 2 K d ln(1 + T/(λ d)), so regret grows slowly."""
    rounds = 1500
    setting = problem(streams=2, rounds=rounds)
    learner = method.start(setting)
    truth = np.random.RandomState(5).standard_normal((3, 4)) * 0.25
    regrets, variances = np.zeros(rounds), np.zeros(2)
    for t in range(rounds):
        x = unit(2, 4, seed=t)
        mean = 0.5 + x @ truth.T
        arms = learner.select(x).arms
        variances += learner.variance(x)[[0, 1], arms]
        noise = 0.05 * np.random.RandomState(10_000 + t).standard_normal(2)
        losses = mean[[0, 1], arms] - 0.5 + noise
        regrets[t] = (mean[[0, 1], arms] - mean.min(axis=1)).mean()
        learner.update(x, arms, losses)
    assert (variances <= 2 * 3 * 4 * np.log(1 + rounds / 4)).all()
    uniform = np.mean([
        (m - m.min(axis=1, keepdims=True)).mean()
        for m in (0.5 + unit(2, 4, seed=t) @ truth.T for t in range(rounds))
    ])  # fmt: skip
    assert regrets[-500:].mean() < 0.15 * uniform


def linear_game(method, rounds, regularisation, before=0):
    """Play noise-free linear losses; ``before``: rounds of random arms that are learnt first.

    Return, per round and of two streams, expected losses, arms and the width √(xᵀ A⁻¹ x) of each
    arm before the round is learnt.
    """
    setting = problem(streams=2, rounds=rounds)
    learner = method.start(setting)
    truth = np.random.RandomState(5).standard_normal((3, 4)) * 0.25
    for t in range(before):
        x, arms = unit(2, 4, seed=50_000 + t), np.random.RandomState(t).randint(0, 3, 2)
        learner.update(x, arms, (x @ truth.T)[[0, 1], arms])
    learner.round = 0
    means, played, widths = [], [], []
    for t in range(rounds):
        x = unit(2, 4, seed=t).astype(np.float64)
        means.append(x @ truth.T)
        arms = learner.select(x).arms
        widths.append(np.sqrt(learner.variance(x)))
        learner.update(x, arms, means[-1][[0, 1], arms])
        played.append(arms)
    return np.array(means), np.array(played), np.array(widths), truth


def test_lin_ucbs_regret_is_within_its_bound_in_every_round():
    """Without noise |x·θ̂ − x·θ| ≤ √λ ‖θ‖ √(xᵀ A⁻¹ x): with α = √λ max ‖θ‖ regret is ≤ 2 α width.

    And in all ≤ 2 α √(T · 2 K d ln(1 + T/(λ d))), by the elliptical potential.
    """
    rounds, lam = 600, 1.0
    truth = np.random.RandomState(5).standard_normal((3, 4)) * 0.25
    alpha = float(np.sqrt(lam) * np.linalg.norm(truth, axis=1).max())
    means, arms, widths, _ = linear_game(LinUCB(alpha, lam), rounds, lam)
    chosen = arms[:, :, None]
    regret = np.take_along_axis(means, chosen, 2)[:, :, 0] - means.min(axis=2)
    width = np.take_along_axis(widths, chosen, 2)[:, :, 0]
    assert (regret <= 2 * alpha * width + 1e-6).all()
    bound = 2 * alpha * np.sqrt(rounds * 2 * 3 * 4 * np.log(1 + rounds / (lam * 4)))
    assert (regret.sum(axis=0) <= bound).all()
    assert regret.sum(axis=0).min() > 0.0


def test_square_cbs_regret_on_a_learnt_linear_model_is_its_closed_form():
    """With ŷ = f, round t costs Σ_a Δ_a / (K + γ Δ_a) in expectation, Δ the true gaps."""
    rounds, gamma = 3000, 30.0
    means, arms, _, _ = linear_game(LinearSquareCB(gamma, 1e-6), rounds, 1e-6, before=300)
    gaps = means - means.min(axis=2, keepdims=True)
    shares = 1.0 / (3 + gamma * gaps)
    expected = (gaps * shares).sum(axis=2)
    spread = np.sqrt(((gaps**2 * shares).sum(axis=2) - expected**2).sum(axis=0))
    regret = np.take_along_axis(gaps, arms[:, :, None], 2)[:, :, 0].sum(axis=0)
    assert (np.abs(regret - expected.sum(axis=0)) < 4 * spread).all()
    assert (spread < 0.06 * expected.sum(axis=0)).all()
