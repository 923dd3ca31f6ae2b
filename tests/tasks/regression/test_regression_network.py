"""The network: the same weights for every method, noise only where it is asked for."""

import pytest
import torch

from tasks.regression.network import build_network
from tasks.regression.protocol import BottleneckNoise

KINDS = ["none", "shared", "per_input"]


def _network(kind="none", shape=(8,), **noise):
    return build_network(shape, 16, 4, BottleneckNoise(kind, **noise), seed=5)


def _generator():
    return torch.Generator().manual_seed(1)


def _x(rows=32, shape=(8,)):
    return torch.randn(rows, *shape, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("kind", KINDS)
def test_common_weights_are_the_same_for_every_kind_of_noise(kind):
    ours = _network(kind).state_dict()
    for name, weight in _network("none").state_dict().items():
        assert torch.equal(weight, ours[name])


def test_building_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    _network()
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(
    ("kind", "shape"), [("none", None), ("shared", ()), ("per_input", (32, 4))]
)
def test_a_batch_has_the_documented_shapes(kind, shape):
    batch = _network(kind)(_x(), torch.zeros(32, 1), _generator())
    assert batch.mean.shape == batch.representation.shape == (32, 4)
    assert batch.prediction.shape == (32, 1)
    assert (batch.log_variance is None) if shape is None else batch.log_variance.shape == shape


def test_without_noise_the_representation_is_the_mean():
    batch = _network("none")(_x(), torch.zeros(32, 1), _generator())
    assert torch.equal(batch.mean, batch.representation)


def test_shared_noise_has_the_variance_that_it_says():
    network = _network("shared", initial_log_variance=-2)
    x = _x(20000)
    added = network.represent(x, _generator()) - network.encode(x)[0]
    assert added.std().item() == pytest.approx(torch.tensor(-1.0).exp().item(), rel=0.02)


def test_initial_log_variance_shifts_the_head():
    x = _x()
    plain, shifted = (_network("per_input", initial_log_variance=v).encode(x)[1] for v in (0, -3))
    torch.testing.assert_close(shifted, plain - 3)


@pytest.mark.parametrize("size", [28, 32, 33])
def test_images_pass_convolutions_and_reach_a_loss_flat(size):
    shape = (3, size, size)
    batch = _network(shape=shape)(_x(16, shape), torch.zeros(16, 1), _generator())
    assert batch.x.shape == (16, 3 * size * size)
    assert batch.prediction.shape == (16, 1)


def test_prediction_does_not_depend_on_noise():
    network = _network("per_input")
    assert torch.equal(network.predict(_x()), network.predict(_x()))
