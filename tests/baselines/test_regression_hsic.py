"""HSIC against its textbook trace, a hand-computed case, and independence."""

import math

import pytest
import torch

from baselines.regression.hsic import HSICBottleneck, criterion
from tasks.regression import TrainingBatch


def _points(rows=8, columns=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, columns, generator=generator, dtype=torch.float64)


def _trace_form(K, L):
    n = len(K)
    H = torch.eye(n, dtype=K.dtype) - 1.0 / n
    return torch.trace(K @ H @ L @ H) / (n - 1) ** 2


def _gaussian(points, bandwidth):
    return torch.exp(-torch.cdist(points, points).square() / (2 * bandwidth**2))


def test_criterion_equals_the_trace():
    K, L = _gaussian(_points(seed=1), 1.0), _gaussian(_points(seed=2), 2.0)
    torch.testing.assert_close(criterion(K, L), _trace_form(K, L))


def test_two_points_by_hand():
    K = torch.tensor([[1.0, 0.5], [0.5, 1.0]])
    # H K H has ±(1 − 0.5)/2 = ±0.25 in each place, so that the trace with K is 4 · 0.25².
    assert criterion(K, K).item() == pytest.approx(0.25)


def test_a_constant_representation_has_no_dependence():
    K = torch.ones(6, 6, dtype=torch.float64)
    assert abs(criterion(K, _gaussian(_points(6), 1.0)).item()) < 1e-12


def test_gradient_in_float64():
    x, y = _points(6, seed=1), _points(6, 1, seed=2)

    def loss(t):
        batch = TrainingBatch(x, y, t, None, t, t[:, :1])
        return HSICBottleneck(beta=2.0, relevance=0.5).loss(batch)

    assert torch.autograd.gradcheck(loss, (_points(6, seed=3).requires_grad_(),))


def test_loss_is_the_documented_sum():
    x, y, t, prediction = (_points(8, k, seed=k) for k in (4, 1, 3, 1))
    prediction = prediction + 1
    batch = TrainingBatch(x, y, t, None, t, prediction)
    K, Q = _gaussian(x, 5 * math.sqrt(4)), _gaussian(t, 5 * math.sqrt(3))
    dependence = _trace_form(K, Q) - 0.4 * _trace_form(Q, y @ y.T)
    expected = (y - prediction).square().mean() + 3.0 * dependence
    torch.testing.assert_close(HSICBottleneck(beta=3.0, relevance=0.4).loss(batch), expected)
