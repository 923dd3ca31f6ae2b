"""VIB's rate against torch.distributions, closed numbers and finite differences."""

import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from baselines.regression.vib import VariationalBottleneck, divergence_from_standard_normal
from tasks.regression import TrainingBatch


def _code(rows=7, columns=3):
    generator = torch.Generator().manual_seed(0)
    draw = torch.randn(2, rows, columns, generator=generator, dtype=torch.float64)
    return draw[0], draw[1]


def test_rate_equals_that_of_torch_distributions():
    mean, log_variance = _code()
    expected = kl_divergence(Normal(mean, (0.5 * log_variance).exp()), Normal(0.0, 1.0))
    rate = divergence_from_standard_normal(mean, log_variance)
    torch.testing.assert_close(rate, expected.sum(1).mean())


@pytest.mark.parametrize(
    ("mean", "variance", "expected"),
    [(0.0, 1.0, 0.0), (2.0, 1.0, 2.0), (0.0, math.e, (math.e - 2) / 2)],
)
def test_rate_of_one_dimension_in_closed_form(mean, variance, expected):
    shape = (4, 1)
    rate = divergence_from_standard_normal(
        torch.full(shape, mean), torch.full(shape, math.log(variance))
    )
    assert rate.item() == pytest.approx(expected, abs=1e-6)


def test_gradient_in_float64():
    mean, log_variance = (part.requires_grad_() for part in _code())
    assert torch.autograd.gradcheck(divergence_from_standard_normal, (mean, log_variance))


def test_loss_adds_beta_times_the_rate():
    mean, log_variance = _code()
    y, prediction = mean[:, :1], log_variance[:, :1]
    batch = TrainingBatch(mean, y, mean, log_variance, mean, prediction)
    rate = divergence_from_standard_normal(mean, log_variance)
    expected = (y - prediction).square().mean() + 0.3 * rate
    torch.testing.assert_close(VariationalBottleneck(beta=0.3).loss(batch), expected)
