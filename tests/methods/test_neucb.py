"""NeuSquareCB and NeuFastCB: steps by hand, perturbation and its expectation, ball, curvature."""

from __future__ import annotations

import math
import pickle
from collections import Counter

import numpy as np
import pytest
import torch
from bandit_fixtures import contexts, problem, unit

from methods.neucb import NeuFastCB, NeuSquareCB
from methods.neucb.ball import Ball
from methods.neucb.curvature import Rounds, smallest_curvature
from methods.neucb.perturbation import Perturbation, ensemble_size, perturbation_scale
from repro.errors import UserError
from tasks.bandit import Bandit, History
from tasks.bandit.allocation import inverse_gap_weighting, reweighted_inverse_gap_weighting
from tasks.bandit.network import ArmNetworks

CLASSES = {"squared": NeuSquareCB, "log": NeuFastCB}


def moved_networks(setting, size=0.3):
    networks = ArmNetworks(setting, keep_start=True)
    source = np.random.RandomState(3)
    networks.weights += (size * source.standard_normal(networks.weights.shape)).astype(np.float32)
    return networks


def learner_of(method, setting):
    learner = method.start(setting)
    source = np.random.RandomState(3)
    learner.networks.weights += (
        0.3 * source.standard_normal(learner.networks.weights.shape)
    ).astype(np.float32)
    return learner


def torch_output(theta, x, arm, setting):
    """The forward pass on the encoded vector, by torch, for the weights of one stream."""
    K, m, d = setting.arms, setting.hidden_width, setting.dimension
    blocks = theta[: K * m * d].view(K, m, d)
    first = blocks.permute(1, 0, 2).reshape(m, K * d)
    encoded = torch.zeros(K * d, dtype=theta.dtype)
    encoded[arm * d : (arm + 1) * d] = torch.from_numpy(x).to(theta.dtype)
    return theta[K * m * d :] @ (first @ encoded).relu() / math.sqrt(m)


@pytest.mark.parametrize("loss", ["squared", "log"])
def test_a_perturbed_step_is_the_gradient_of_the_ensembles_mean_loss(loss):
    """L = (1/S) Σ_s ℓ(y, f + κ Σ_j (θ_j − θ_{0,j}) ε_{s,j}) by autograd, in float64."""
    setting = problem(streams=2)
    learner = learner_of(CLASSES[loss](0.7, perturbation=0.4), setting)
    x, y = unit(2, 4), np.array([1.0, 0.0], np.float32)
    before = learner.networks.weights.copy()
    arms = learner.select(x).arms
    signs = learner.perturbation.signs.copy()
    learner.update(x, arms, y)
    scale = 0.4 / 6**0.25
    for stream in range(2):
        theta = torch.tensor(before[stream].astype(np.float64)).requires_grad_(True)
        start = torch.tensor(learner.networks.start[stream].astype(np.float64))
        output = torch_output(theta, x[stream], arms[stream], setting)
        members = output + scale * torch.tensor(signs[stream].astype(np.float64)) @ (theta - start)
        target = torch.full_like(members, float(y[stream]))
        if loss == "squared":
            value = (0.5 * (target - members) ** 2).mean()
        else:
            value = torch.nn.functional.binary_cross_entropy_with_logits(members, target)
        (gradient,) = torch.autograd.grad(value, theta)
        moved = before[stream] - learner.networks.weights[stream]
        np.testing.assert_allclose(moved, 0.7 * gradient.numpy(), atol=2e-5)


@pytest.mark.parametrize("loss", ["squared", "log"])
@pytest.mark.parametrize("proximal", [0.0, 0.5])
def test_an_unperturbed_step_by_autograd(loss, proximal):
    if proximal and loss == "log":
        pytest.skip("the proximal form is for the squared loss")
    setting = problem(streams=1)
    learner = learner_of(CLASSES[loss](0.7, perturbation=0.0, proximal=proximal), setting)
    x, y = unit(1, 4), np.array([1.0], np.float32)
    before = learner.networks.weights.copy()
    arms = learner.select(x).arms
    learner.update(x, arms, y)
    theta = torch.tensor(before[0].astype(np.float64)).requires_grad_(True)
    output = torch_output(theta, x[0], arms[0], setting)
    value = 0.5 * (1 - output) ** 2 if loss == "squared" else torch.log1p(torch.exp(-output))
    start = torch.tensor(learner.networks.start[0].astype(np.float64))
    value = value + proximal**2 / (2 * math.sqrt(6)) * (theta - start).square().sum()
    (gradient,) = torch.autograd.grad(value, theta)
    np.testing.assert_allclose(
        before[0] - learner.networks.weights[0], 0.7 * gradient.numpy(), atol=2e-5
    )


def test_the_expected_perturbed_squared_loss_is_the_proximal_one():
    """E ½ (y − f̃)² = ½ (y − f)² + c_p² / (2 √m) ‖θ − θ₀‖²; the log loss gains less than that."""
    setting = problem(streams=1)
    networks = moved_networks(setting)
    perturbation = Perturbation(setting, networks, 0.4)
    output = networks.forward(unit(1, 4)).output[0, 0]
    shifts = np.concatenate([perturbation.draw()[0] for _ in range(20_000)]).astype(np.float64)
    squared_distance = float(((networks.weights - networks.start) ** 2).sum())
    extra = 0.4**2 / (2 * math.sqrt(6)) * squared_distance
    perturbed = 0.5 * (1.0 - output - shifts) ** 2
    assert perturbed.mean() == pytest.approx(0.5 * (1.0 - output) ** 2 + extra, rel=0.02)
    log = np.log1p(np.exp(-(output + shifts))).mean() - np.log1p(np.exp(-output))
    assert 0.0 < log < 0.3 * extra


def test_the_mean_perturbed_step_is_the_proximal_step():
    setting = problem(streams=1)
    x, y = unit(1, 4), np.array([1.0], np.float32)
    proximal = learner_of(NeuSquareCB(0.5, perturbation=0.0, proximal=0.4), setting)
    before = proximal.networks.weights.copy()
    arms = proximal.select(x).arms
    proximal.update(x, arms, y)
    expected = proximal.networks.weights - before
    perturbed = learner_of(NeuSquareCB(0.5, perturbation=0.4), setting)
    steps = []
    for _ in range(6000):
        perturbed.round = 0
        perturbed.networks.weights[:] = before
        perturbed.select(x)
        perturbed.update(x, arms, y)
        steps.append(perturbed.networks.weights - before)
    error = np.std(steps, axis=0) / math.sqrt(6000)
    assert (np.abs(np.mean(steps, axis=0) - expected) < 5 * error + 1e-6).all()


def test_signs_are_fair_independent_and_fresh():
    setting = problem(streams=2)
    perturbation = Perturbation(setting, moved_networks(setting), 0.1)
    drawn = []
    for _ in range(400):
        perturbation.draw()
        drawn.append(perturbation.signs.copy())
    signs = np.array(drawn)
    assert set(np.unique(signs)) == {-1.0, 1.0}
    assert signs.shape[1:] == (2, 2, 3 * 6 * 4 + 6)  # streams, ⌈ln 6⌉, weights
    assert np.abs(signs.mean(axis=0)).max() < 5 / math.sqrt(400)
    pairs = (signs[:, 0, 0] * signs[:, 0, 1], signs[:, 0, 0] * signs[:, 1, 0])
    neighbours = signs[:, 0, 0, 1:] * signs[:, 0, 0, :-1]
    for product in (*pairs, neighbours, signs[1:, 0, 0] * signs[:-1, 0, 0]):
        assert np.abs(product.mean(axis=0)).max() < 5 / math.sqrt(398)
    assert ensemble_size(6) == 2
    assert ensemble_size(32) == 4
    assert perturbation_scale(0.1, 16) == pytest.approx(0.05)


def test_the_perturbation_leaves_gaps_and_square_cbs_probabilities_alone():
    setting = problem(streams=2)
    x = unit(2, 4)
    output = learner_of(NeuSquareCB(perturbation=0.0), setting)
    output.select(x)
    plain = output.activations.output
    learner = learner_of(NeuSquareCB(perturbation=0.9), setting)
    choice = learner.select(x)
    shift = learner.shifts.mean(axis=1)
    np.testing.assert_allclose(choice.prediction, plain[[0, 1], choice.arms] + shift, rtol=1e-5)
    np.testing.assert_allclose(
        inverse_gap_weighting(plain + shift[:, None], 50.0),
        inverse_gap_weighting(plain, 50.0),
        atol=1e-5,
    )


@pytest.mark.parametrize(
    ("method", "rule"),
    [(NeuSquareCB, inverse_gap_weighting), (NeuFastCB, reweighted_inverse_gap_weighting)],
)
def test_arms_are_played_with_their_probabilities(method, rule):
    setting = problem(streams=1, rounds=4000)
    learner = learner_of(method(0.0, gamma=20.0, perturbation=0.0), setting)
    x = unit(1, 4)
    learner.select(x)
    expected = rule(learner.loss.prediction(learner.activations.output), 20.0)[0]
    counts = Counter()
    for t in range(4000):
        learner.round = t
        counts[int(learner.select(x).arms[0])] += 1
    np.testing.assert_allclose([counts[a] / 4000 for a in range(3)], expected, atol=0.03)


def test_the_ball_is_kept_layer_by_layer_and_the_direction_stays():
    setting = problem(streams=2)
    networks = moved_networks(setting, 1.0)
    networks.weights[1] = networks.start[1] + 0.01
    moved = (networks.weights - networks.start).copy()
    Ball(networks, 2.0).project(None)
    after = networks.weights - networks.start
    first, second = slice(0, 72), slice(72, 78)
    for layer in (first, second):
        before = np.linalg.norm(moved[0, layer])
        factor = min(1.0, 2.0 / before)
        np.testing.assert_allclose(after[0, layer], factor * moved[0, layer], atol=1e-5)
    np.testing.assert_allclose(after[1], moved[1], atol=1e-6)


def test_distances_kept_block_by_block_are_distances():
    """A small ball that binds again and again: as if everything were measured in every round."""
    setting = problem(streams=2, rounds=60)
    kept = NeuFastCB(5.0, perturbation=0.0, radius=1.5).start(setting)
    for t in range(60):
        x = unit(2, 4, seed=t)
        arms = kept.select(x).arms
        kept.update(x, arms, np.array([1.0, t % 2], np.float32))
        moved = kept.networks.weights - kept.networks.start
        np.testing.assert_allclose(
            kept.ball.distances.sum(axis=1), (moved[:, :72] ** 2).sum(axis=1), atol=1e-4
        )
        assert (np.linalg.norm(moved[:, :72], axis=1) <= 1.5 + 1e-5).all()
        assert (np.linalg.norm(moved[:, 72:], axis=1) <= 1.5 + 1e-5).all()


@pytest.mark.parametrize("loss", ["squared", "log"])
@pytest.mark.parametrize("scale", [0.0, 0.6])
def test_the_curvature_is_the_least_eigenvalue_of_the_whole_hessian(loss, scale):
    setting = problem(streams=1)
    networks = moved_networks(setting)
    x, arms = unit(9, 4), np.array([0, 1, 2] * 3)
    losses = np.array([0, 1, 1, 0, 0, 1, 0, 1, 1], np.float32)
    start = torch.tensor(networks.start[0].astype(np.float64))
    normals = torch.from_numpy(np.random.RandomState(0).standard_normal(200_000))

    def mean_loss(theta):
        total = 0.0
        distance = scale * (theta - start).norm()
        for row, arm, y in zip(x, arms, losses, strict=True):
            output = torch_output(theta, row, arm, setting)
            if loss == "squared":
                total = total + 0.5 * (y - output) ** 2 + 0.5 * distance**2
            else:
                members = output + distance * (normals if scale else torch.zeros(1))
                total = total + (torch.nn.functional.softplus(members) - y * members).mean()
        return total / 9

    theta = torch.tensor(networks.weights[0].astype(np.float64))
    whole = torch.autograd.functional.hessian(mean_loss, theta).numpy()
    expected = np.linalg.eigvalsh(whole)[0]
    rounds = Rounds(x, arms, losses)
    found = smallest_curvature(networks.weights[0], networks.start[0], 3, rounds, loss, scale)
    assert found == pytest.approx(expected, abs=2e-3)


def test_the_squared_loss_gains_kappa_squared_everywhere():
    setting = problem(streams=1)
    networks = moved_networks(setting)
    rounds = Rounds(unit(5, 4), np.array([0, 1, 2, 0, 1]), np.ones(5, np.float32))
    weights, start = networks.weights[0], networks.start[0]
    plain, bent = (smallest_curvature(weights, start, 3, rounds, "squared", s) for s in (0.0, 0.5))
    assert bent - plain == pytest.approx(0.25, abs=1e-3)


def test_a_strong_pull_makes_the_minimum_unique(tmp_path):
    task = Bandit(hidden_width=8, rounds=60, diagnosed_rounds=30)
    weak, strong = (
        task.run_batch(
            NeuSquareCB(0.05, perturbation=0.0, proximal=c), contexts(tmp_path / str(c), 2)
        )
        for c in (0.01, 3.0)
    )
    assert all(m["smallest_curvature"] > 0 for m in strong)
    assert all(m["smallest_curvature"] < 0 for m in weak)


def test_no_curvature_of_what_diverged():
    setting = problem(streams=2)
    learner = NeuFastCB(perturbation=0.0).start(setting)
    learner.networks.weights[0] = np.nan
    history = History(np.stack([unit(2, 4)] * 5), np.zeros((5, 2), int), np.ones((5, 2)))
    found = learner.diagnose(history, 5)["smallest_curvature"]
    assert np.isnan(found[0])
    assert np.isfinite(found[1])


def test_a_learner_survives_a_checkpoint():
    setting = problem(streams=2)
    learner = learner_of(NeuFastCB(perturbation=0.3), setting)
    x = unit(2, 4)
    copy = pickle.loads(pickle.dumps(learner))
    for one in (learner, copy):
        for _ in range(3):
            arms = one.select(x).arms
            one.update(x, arms, np.array([1.0, 0.0], np.float32))
    assert learner.networks.weights.tobytes() == copy.networks.weights.tobytes()
    assert copy.networks.blocks.base is not None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"proximal": 0.1, "perturbation": 0.0, "loss": "log"}, "for the squared loss alone"),
        ({"proximal": 0.1, "perturbation": 0.1}, "in place of the perturbation"),
    ],
)
def test_settings_without_meaning_are_refused(settings, message):
    with pytest.raises(UserError, match=message):
        NeuSquareCB(**settings)
