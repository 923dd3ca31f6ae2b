"""The information plane's axes: known values, scale invariance, the subsample."""

import pytest
import torch

from tasks.regression.information import compression, evenly_spaced, information_about_target


def _normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_a_quarter_of_the_variance_left_is_one_bit():
    y = torch.tensor([[-2.0], [2.0]])
    assert information_about_target(y, y - 1.0) == pytest.approx(1.0)


def test_the_mean_knows_nothing_and_worse_than_the_mean_is_negative():
    y = _normal(50, 1)
    mean = y.mean().expand_as(y)
    assert information_about_target(y, mean) == pytest.approx(0.0, abs=1e-6)
    assert information_about_target(y, -y) < 0


def test_rescaling_and_shifting_the_representation_changes_nothing():
    x = _normal(200, 5)
    t = x[:, :2] + 0.1 * _normal(200, 2, seed=1)
    assert compression(x, 1e-3 * t + 7) == pytest.approx(compression(x, t), rel=1e-3)


def test_noise_in_the_representation_lowers_it():
    x = _normal(300, 4)
    values = [compression(x, x + scale * _normal(300, 4, seed=1)) for scale in (0.0, 0.5, 2.0)]
    assert values[0] == pytest.approx(1.0)
    assert values[0] > values[1] > values[2] > 0


def test_images_are_flattened():
    x = _normal(40, 1, 3, 3)
    assert compression(x, x.flatten(1)) == pytest.approx(1.0)


def test_the_subsample_is_even_and_bounded():
    rows = evenly_spaced(2001, 1000, torch.device("cpu"))
    assert len(rows) == 1000
    assert rows[0] == 0
    assert rows[-1] == 2000
    assert (rows.diff() > 0).all()
    assert torch.equal(evenly_spaced(5, 1000, torch.device("cpu")), torch.arange(5))
