"""The network: the disjoint encoding by structure, its gradient, its start."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from bandit_fixtures import problem, unit

from tasks.bandit.network import ArmNetworks


def materialised(networks: ArmNetworks, stream: int, x: np.ndarray, arm: int):
    """Return output and gradient (blocks, output layer) from the vector of length K·d, by torch."""
    _, arms, units, d = networks.blocks.shape
    encoded = torch.zeros(arms * d, dtype=torch.float64)
    encoded[arm * d : (arm + 1) * d] = torch.from_numpy(x.astype(np.float64))
    first = networks.blocks[stream].transpose(1, 0, 2).reshape(units, arms * d)
    first = torch.from_numpy(first.astype(np.float64)).requires_grad_(True)
    second = torch.from_numpy(networks.output[stream].astype(np.float64)).requires_grad_(True)
    output = second @ (first @ encoded).relu() / units**0.5
    gradients = torch.autograd.grad(output, (first, second))
    blocks = gradients[0].reshape(units, arms, d).transpose(0, 1)
    return output.item(), blocks.numpy(), gradients[1].numpy()


@pytest.fixture
def networks() -> ArmNetworks:
    made = ArmNetworks(problem(), dtype=np.float64)
    # Away from the antisymmetric start, where units cancel in pairs.
    made.weights += 0.3 * np.random.RandomState(1).standard_normal(made.weights.shape)
    return made


def test_outputs_are_those_of_the_encoded_vectors(networks):
    x = unit(2, 4)
    output = networks.forward(x).output
    for stream in range(2):
        for arm in range(3):
            expected, _, _ = materialised(networks, stream, x[stream], arm)
            assert output[stream, arm] == pytest.approx(expected, abs=1e-12)
    arms = np.array([2, 0])
    np.testing.assert_allclose(networks.at(x, arms).output, output[[0, 1], arms], rtol=1e-12)


def test_a_step_is_the_gradient_of_the_encoded_vector(networks):
    x, arms, step = unit(2, 4), np.array([1, 2]), np.array([0.7, -0.2])
    before = networks.blocks.copy(), networks.output.copy()
    expected = [materialised(networks, s, x[s], arms[s]) for s in range(2)]
    hidden = networks.forward(x).hidden[[0, 1], arms]
    networks.descend(x, arms, networks.gradient(hidden), step)
    for stream, (_, blocks, output) in enumerate(expected):
        moved = before[0][stream] - networks.blocks[stream]
        np.testing.assert_allclose(moved, step[stream] * blocks, atol=1e-9)
        moved = before[1][stream] - networks.output[stream]
        np.testing.assert_allclose(moved, step[stream] * output, atol=1e-9)


def test_predictions_start_at_zero_and_streams_differ():
    networks = ArmNetworks(problem())
    np.testing.assert_allclose(networks.forward(unit(2, 4)).output, 0.0, atol=1e-6)
    assert not np.array_equal(networks.weights[0], networks.weights[1])


def test_a_stream_is_the_same_whoever_plays_beside_it():
    both, alone = ArmNetworks(problem(2)), ArmNetworks(problem(1))
    assert both.weights[0].tobytes() == alone.weights[0].tobytes()
    x = unit(2, 4)
    assert both.forward(x).output[0].tobytes() == alone.forward(x[:1]).output[0].tobytes()


def test_pickled_networks_keep_their_views():
    networks = pickle.loads(pickle.dumps(ArmNetworks(problem())))
    networks.weights[:] = 0.0
    assert not networks.blocks.any()
    assert not networks.output.any()


def test_divergence_is_each_streams_own():
    networks = ArmNetworks(problem())
    networks.blocks[1, 0, 0, 0] = np.inf
    assert networks.diverged().tolist() == [False, True]
