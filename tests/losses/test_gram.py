"""Distances, Gaussian Gram matrices and the median heuristic."""

import math

import pytest
import torch
from equations import samples
from hypothesis import given, settings
from hypothesis import strategies as st

from losses import gaussian_gram, median_distance, squared_distances


def test_gram_by_hand():
    gram = gaussian_gram(torch.tensor([[0.0, 0.0], [3.0, 4.0]]), torch.tensor([[0.0, 0.0]]), 5.0)
    assert gram.shape == (2, 1)
    assert gram[0, 0] == 1
    assert gram[1, 0].item() == pytest.approx(math.exp(-0.5))


@settings(deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 5), st.integers(0, 10**6))
def test_distances_match_differences(rows, others, columns, seed):
    a, b = samples(rows, columns, seed), samples(others, columns, seed + 1)
    expected = (a[:, None] - b[None]).square().sum(-1)
    torch.testing.assert_close(squared_distances(a, b), expected)


def test_distances_survive_an_offset_in_float32():
    a = samples(20, 3)
    far = (a + 4096).float()
    exact = (far.double()[:, None] - far.double()[None]).square().sum(-1)
    torch.testing.assert_close(squared_distances(far, far).double(), exact, atol=1e-4, rtol=1e-4)


def test_distances_are_never_negative():
    a = samples(50, 7, dtype=torch.float32)
    a[25:] = a[:25]
    assert squared_distances(a, a).min() >= 0


@pytest.mark.parametrize("columns", [1, 3])
def test_gram_gradients(columns):
    a, b = samples(4, columns).requires_grad_(), samples(5, columns, 1).requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: gaussian_gram(a, b, 0.7), (a, b))
    assert torch.autograd.gradgradcheck(lambda a, b: gaussian_gram(a, b, 0.7), (a, b))
    assert torch.autograd.gradcheck(lambda a: gaussian_gram(a, a, 0.7), (a,))


def test_median_distance_by_hand():
    a = torch.tensor([[0.0], [1.0], [5.0]], requires_grad=True)
    assert median_distance(a) == 4.0


def test_median_distance_of_collapsed_samples_is_the_floor():
    assert median_distance(torch.ones(5, 2), floor=0.25) == 0.25


@pytest.mark.parametrize("bandwidth", [0.0, -1.0, math.inf, math.nan])
def test_bandwidth_must_be_positive(bandwidth):
    with pytest.raises(ValueError, match=r"bandwidth is .* positive finite"):
        gaussian_gram(torch.ones(2, 1), torch.ones(2, 1), bandwidth)


def test_what_does_not_fit_is_named():
    with pytest.raises(ValueError, match=r"b has 2 columns but a has 1"):
        squared_distances(torch.ones(2, 1), torch.ones(2, 2))
    with pytest.raises(ValueError, match=r"b has dtype torch.float64 but a has torch.float32"):
        squared_distances(torch.ones(2, 1), torch.ones(2, 1).double())
    with pytest.raises(ValueError, match=r"a has dtype torch.int64: it must be floating point"):
        squared_distances(torch.ones(2, 1).long(), torch.ones(2, 1).long())
    with pytest.raises(ValueError, match="one sample: a distance needs two"):
        median_distance(torch.ones(1, 2))
    with pytest.raises(ValueError, match="at least one sample"):
        median_distance(torch.ones(0, 2))
