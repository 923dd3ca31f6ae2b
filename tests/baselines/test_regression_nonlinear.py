"""The pairwise bound against loops, its limits, and a mixture whose information is known."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from baselines.regression.nonlinear import NonlinearBottleneck, pairwise_information_bound
from tasks.regression import TrainingBatch


def _means(rows, columns=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, columns, generator=generator, dtype=torch.float64)


def _bound_by_loops(mean, variance):
    n, total = len(mean), 0.0
    for i in range(n):
        inner = 0.0
        for j in range(n):
            divergence = sum((a - b) ** 2 for a, b in zip(mean[i], mean[j], strict=True)) / 2
            inner += math.exp(-divergence / variance)
        total -= math.log(inner / n)
    return total / n


@pytest.mark.parametrize("variance", [0.1, 1.0, 5.0])
def test_bound_equals_loops(variance):
    mean = _means(6)
    bound = pairwise_information_bound(mean, torch.tensor(math.log(variance), dtype=mean.dtype))
    assert bound.item() == pytest.approx(_bound_by_loops(mean.tolist(), variance), rel=1e-9)


def test_equal_means_carry_no_information():
    bound = pairwise_information_bound(torch.ones(9, 4), torch.tensor(0.0))
    assert bound.item() == pytest.approx(0.0, abs=1e-6)


def test_means_far_apart_carry_log_n():
    mean = 1e3 * torch.arange(8.0).unsqueeze(1)
    assert pairwise_information_bound(mean, torch.tensor(0.0)).item() == pytest.approx(math.log(8))


@given(rows=st.integers(2, 12), seed=st.integers(0, 50), log_variance=st.floats(-4, 4))
def test_bound_lies_between_0_and_log_n(rows, seed, log_variance):
    bound = pairwise_information_bound(_means(rows, seed=seed), torch.tensor(log_variance))
    assert -1e-6 <= bound.item() <= math.log(rows) + 1e-6


def test_it_bounds_the_information_of_a_mixture_from_above():
    # Two components at ±1 with unit variance: I(X;T) by quadrature.
    t = torch.linspace(-12, 12, 20001, dtype=torch.float64)
    components = [torch.exp(-((t - m) ** 2) / 2) / math.sqrt(2 * math.pi) for m in (-1, 1)]
    mixture = 0.5 * (components[0] + components[1])
    information = torch.trapezoid(components[0] * torch.log(components[0] / mixture), t)
    mean = torch.tensor([[-1.0], [1.0]], dtype=torch.float64)
    assert pairwise_information_bound(mean, torch.tensor(0.0)).item() > information.item()


def test_gradient_in_float64():
    mean = _means(5).requires_grad_()
    log_variance = torch.tensor(0.2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(pairwise_information_bound, (mean, log_variance))


@pytest.mark.parametrize(
    ("function", "shaped"),
    [
        ("identity", lambda r: r),
        ("square", lambda r: r**2),
        ("exponential", lambda r: math.exp(0.5 * r)),
    ],
)
def test_loss_adds_beta_times_a_function_of_the_bound(function, shaped):
    mean, log_variance = _means(6), torch.tensor(0.0)
    y, prediction = mean[:, :1], mean[:, 1:]
    batch = TrainingBatch(mean, y, mean, log_variance, mean, prediction)
    bound = pairwise_information_bound(mean, log_variance).item()
    expected = (y - prediction).square().mean().item() + 0.7 * shaped(bound)
    method = NonlinearBottleneck(beta=0.7, function=function, eta=0.5)
    assert method.loss(batch).item() == pytest.approx(expected)


def test_an_unknown_function_is_never_taken_for_the_identity():
    mean, log_variance = _means(6), torch.tensor(0.0)
    batch = TrainingBatch(mean, mean[:, :1], mean, log_variance, mean, mean[:, 1:])
    with pytest.raises(AssertionError, match="squared"):
        NonlinearBottleneck(function="squared").loss(batch)
