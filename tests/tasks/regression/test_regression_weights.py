"""The vector of all weights: a view, its gradient, and steps like those of a list of tensors."""

import pytest
import torch

from tasks.regression import BottleneckNoise
from tasks.regression.network import build_network
from tasks.regression.weights import WeightVector


def _network(kind="shared"):
    return build_network((5,), 8, 4, BottleneckNoise(kind), seed=3)


def _loss(network):
    x = torch.linspace(-1, 1, 50).reshape(10, 5)
    y = x[:, :1].square()
    return (network(x, y, torch.Generator().manual_seed(0)).prediction - y).square().mean()


@pytest.mark.parametrize("kind", ["none", "shared", "per_input"])
def test_the_network_computes_with_what_is_written(kind):
    network, untouched = _network(kind), _network(kind)
    vector = WeightVector(network)
    assert vector.values.numel() == sum(weight.numel() for weight in untouched.parameters())
    assert torch.equal(_loss(network), _loss(untouched))
    vector.values.mul_(0.5)
    for halved, weight in zip(network.parameters(), untouched.parameters(), strict=True):
        assert torch.equal(halved, 0.5 * weight)


@pytest.mark.parametrize("kind", ["none", "shared", "per_input"])
def test_steps_equal_those_of_a_list_of_tensors(kind):
    network, listed = _network(kind), _network(kind)
    vector = WeightVector(network)
    ours = torch.optim.Adam([vector.values], lr=1e-2)
    theirs = torch.optim.Adam(listed.parameters(), lr=1e-2)
    for _ in range(5):
        vector.differentiate(_loss(network))
        ours.step()
        theirs.zero_grad()
        _loss(listed).backward()
        theirs.step()
    for weight, expected in zip(network.parameters(), listed.parameters(), strict=True):
        torch.testing.assert_close(weight, expected)


def test_weights_that_a_loss_does_not_use_have_no_gradient():
    network = _network("none")
    vector = WeightVector(network)
    vector.differentiate(network.encode(torch.ones(3, 5))[0].sum())
    unused = sum(weight.numel() for weight in network.decoder.parameters())
    assert unused <= (vector.values.grad == 0).sum() < vector.values.numel()
