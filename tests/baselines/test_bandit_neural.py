"""Neural baselines against their straightforward forms, and what each rule plays."""

from __future__ import annotations

import numpy as np
import pytest
from bandit_fixtures import contexts, problem, unit
from reference_neural_bandits import play_reference

from baselines.bandit.diagonal_design import DiagonalDesign
from baselines.bandit.ee_net import EENet
from baselines.bandit.neural_epsilon_greedy import NeuralEpsilonGreedy
from baselines.bandit.neural_ts import NeuralTS
from baselines.bandit.neural_ucb import NeuralUCB
from baselines.bandit.perceptrons import Perceptrons
from baselines.bandit.uniform import Uniform
from tasks.bandit import Bandit
from tasks.bandit.game import play
from tasks.bandit.network import ArmNetworks
from tasks.bandit.neural import trains_after


@pytest.mark.parametrize("training", ["online", "replay"])
@pytest.mark.parametrize(("kind", "method"), [("ucb", NeuralUCB), ("ts", NeuralTS)])
def test_arms_are_those_of_the_straightforward_form(tmp_path, kind, method, training):
    task = Bandit(hidden_width=8, rounds=80, replay_steps=15)
    batch = contexts(tmp_path, 2)
    streams = task._streams(batch)
    setting = task._problem(streams, batch, 1)
    learner = method(0.5, exploration=0.3, regularisation=0.2, training=training).start(setting)
    _, played = play(learner, streams, batch)
    for stream in range(2):
        x, labels = streams.x[streams.order[:, stream]], streams.observed[:, stream]
        arms = play_reference(
            setting, x, labels, stream, kind, 0.5, 0.3, 0.2, replay=training == "replay"
        )
        np.testing.assert_array_equal(played.arms[:, stream], arms)
    assert len(np.unique(played.arms)) > 1


def test_the_design_adds_squared_gradients_of_the_arms_played_alone():
    networks = ArmNetworks(problem(streams=1), dtype=np.float64)
    networks.weights += 0.2 * np.random.RandomState(0).standard_normal(networks.weights.shape)
    design = DiagonalDesign(networks, 0.5)
    x = unit(2, 4).astype(np.float64)
    for row in x:
        activations = networks.forward(row[None])
        design.add(row[None], np.array([1]), activations)
    expected = np.full((6, 4), 0.5)
    for row in x:
        hidden = networks.forward(row[None]).hidden[0, 1]
        gradient = networks.output[0] * (hidden > 0) / 6**0.5
        expected += np.outer(gradient, row) ** 2
    np.testing.assert_allclose(1.0 / design.blocks[0, 1], expected)
    np.testing.assert_array_equal(design.blocks[0, [0, 2]], 2.0)


def test_what_was_played_is_less_uncertain():
    networks = ArmNetworks(problem(streams=1))
    design = DiagonalDesign(networks, 0.1)
    x = unit(1, 4)
    before = design.variance(x, networks.forward(x))[0]
    for _ in range(20):
        design.add(x, np.array([1]), networks.forward(x))
    after = design.variance(x, networks.forward(x))[0]
    assert after[1] < 0.3 * before[1]
    assert after[0] > 0.5 * before[0]


@pytest.mark.parametrize(("epsilon", "share"), [(0.0, 0.0), (0.6, 0.4)])
def test_epsilon_greedy_explores_its_share(epsilon, share):
    setting = problem(streams=1, rounds=3000)
    learner = NeuralEpsilonGreedy(0.0, epsilon).start(setting)
    learner.networks.output[:] = 1.0
    x = unit(1, 4)
    greedy = learner.networks.forward(x).output.argmin()
    others = 0
    for _ in range(3000):
        arms = learner.select(x).arms
        others += int(arms[0] != greedy)
        learner.update(x, arms, np.zeros(1, np.float32))
    assert others / 3000 == pytest.approx(share, abs=0.03)


def test_uniform_plays_every_arm_alike():
    learner = Uniform().start(problem(streams=1, rounds=3000))
    x, counts = unit(1, 4), np.zeros(3)
    for _ in range(3000):
        arms = learner.select(x).arms
        counts[arms] += 1
        learner.update(x, arms, np.zeros(1))
    np.testing.assert_allclose(counts / 3000, 1 / 3, atol=0.03)


def test_replay_trains_every_tenth_round_and_later_every_hundredth():
    trained = [rounds for rounds in range(1, 1400) if trains_after(rounds)]
    assert trained[:3] == [1, 11, 21]
    assert [rounds for rounds in trained if rounds > 970] == [971, 981, 991, 1001, 1101, 1201, 1301]


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_perceptrons_take_torchs_adam_steps_on_the_squared_error_of_what_counts(decay):
    import torch

    nets = Perceptrons(problem(), "exploration", 5, 7, decay)
    x = unit(6, 5).reshape(2, 3, 5)
    targets = np.array([[0.3, np.nan, -0.2], [1.0, 0.5, np.nan]], np.float32)
    models = []
    for stream in range(2):
        weights = [
            torch.tensor(layer[stream].copy()).requires_grad_(True) for layer in nets.layers()
        ]
        models.append((weights, torch.optim.Adam(weights, lr=0.05, weight_decay=decay)))
    for _ in range(4):
        shown = nets.outputs(x)
        nets.descend(x, targets, 0.05)
        for stream, ((W, b, v, c), optimiser) in enumerate(models):
            output = (torch.from_numpy(x[stream]) @ W.T + b).relu() @ v + c
            np.testing.assert_allclose(shown[stream], output.detach().numpy(), atol=1e-5)
            counted = torch.from_numpy(~np.isnan(targets[stream]))
            error = (output - torch.from_numpy(targets[stream]))[counted]
            optimiser.zero_grad()
            error.square().mean().backward()
            optimiser.step()
            for ours, theirs in zip(nets.layers(), (W, b, v, c), strict=True):
                np.testing.assert_allclose(ours[stream], theirs.detach().numpy(), atol=1e-5)


def test_ee_net_plays_exploitation_and_a_share_of_exploration():
    setting = problem(streams=1)
    learner = EENet(0.5).start(setting)
    x = unit(1, 4)
    learner.select(x)
    predicted = learner.scores[0, :, 0]
    np.testing.assert_allclose(predicted, 1.0, atol=1e-6)  # reward 1 − f, with f = 0 at the start
    learner.scores = np.array([[[0.5, 1.0], [0.45, 1.9], [0.0, 1.0]]], np.float32)
    np.testing.assert_allclose(learner._decide(), [[0.5, 0.54, 0.0]], atol=1e-6)
    learner.round = 1001
    learner.settings = EENet(decision="linear")
    np.testing.assert_allclose(learner._decide(), [[0.5, 0.459, 0.0]], atol=1e-6)


def test_ee_net_shows_an_unplayed_arm_in_a_round_without_reward():
    setting = problem(streams=2)
    learner = EENet().start(setting)
    learner.select(unit(2, 4))
    inputs, targets = learner._exploration_samples(np.array([1, 1]), np.array([1.0, 0.0]))
    assert inputs.shape[:2] == (2, 2)
    assert targets[0].tolist() == pytest.approx([0.0, 1.2], abs=1e-6)  # 0 − (1 − 0) + 1
    assert targets[1, 0] == pytest.approx(1.0)
    assert np.isnan(targets[1, 1])
    others = [np.abs(learner.features[0, a] - inputs[0, 1]).max() for a in range(3)]
    assert np.argmin(others) != 1


def test_the_pooled_gradient_is_the_mean_of_its_parts():
    setting = problem(streams=1, dimension=16)
    learner = EENet().start(setting)
    x = unit(1, 16)
    learner.select(x)
    hidden = learner.activations.hidden[0, 2]
    units = learner.networks.output[0] * (hidden > 0) / 6**0.5
    whole = np.outer(units, x[0]).reshape(6, 8, 2).mean(axis=2)
    np.testing.assert_allclose(learner.features[0, 2], whole.ravel(), atol=1e-6)
