"""Attacks: a linear model's closed form, the ball, and the order of strength."""

import pytest
import torch
from torch import nn

from tasks.regression.attacks import fast_gradient_sign, projected_gradient


def _data(rows=64):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(rows, 5, generator=generator)
    return x, torch.sin(x[:, :1]) + x[:, 1:2] * x[:, 2:3]


def _network():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(5, 32), nn.Tanh(), nn.Linear(32, 1))


def test_fgsm_of_a_linear_model_raises_every_residual_by_the_weights_l1_norm():
    weights = torch.tensor([[1.0], [-2.0], [0.0], [0.5], [3.0]])
    x, y = _data()

    def predict(inputs):
        return inputs @ weights

    attacked = fast_gradient_sign(predict, x, y, budget=0.1)
    before, after = (predict(x) - y).abs(), (predict(attacked) - y).abs()
    torch.testing.assert_close(after, before + 0.1 * weights.abs().sum())


@pytest.mark.parametrize("budget", [0.05, 0.3])
def test_both_attacks_stay_in_the_ball(budget):
    x, y = _data()
    network = _network()
    for attacked in (
        fast_gradient_sign(network, x, y, budget),
        projected_gradient(network, x, y, budget, steps=10),
    ):
        assert (attacked - x).abs().max().item() <= budget + 1e-6
        assert attacked.shape == x.shape
        assert not attacked.requires_grad


def test_projected_gradient_is_at_least_as_strong_on_average():
    x, y = _data()
    network = _network()

    def error(inputs):
        return (network(inputs) - y).square().mean().item()

    one_step = error(fast_gradient_sign(network, x, y, 0.5))
    many_steps = error(projected_gradient(network, x, y, 0.5, steps=10))
    assert error(x) < one_step <= many_steps


def test_an_attack_works_on_frozen_weights_and_leaves_no_gradient():
    x, y = _data()
    network = _network().requires_grad_(False)
    fast_gradient_sign(network, x, y, 0.1)
    assert all(parameter.grad is None for parameter in network.parameters())
    assert x.grad is None
