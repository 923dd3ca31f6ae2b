"""CS-IB: each switch, and the released script's loss against its Gram matrices of 1-D targets."""

import math

import pytest
import torch
from torch.nn.functional import mse_loss

from losses import (
    cauchy_schwarz_mutual_information,
    conditional_cauchy_schwarz_divergence,
    median_distance,
)
from methods.cs_ib import CSIB
from tasks.regression import TrainingBatch


def _batch(rows=20, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)

    def draw(columns):
        return torch.randn(rows, columns, generator=generator, dtype=torch.float64).to(dtype)

    x, y, t = draw(4), draw(1), draw(3)
    return TrainingBatch(x, y, t, None, t, y + 0.3 * draw(1))


def _one_dimensional_gram(a, b):
    """The collapse: for 1-D input a sum over the last axis leaves one number per tensor."""
    squared = (a * a).sum(-1) + (b * b).sum(-1) - 2 * (a @ b)
    return torch.exp(-squared / 2) * torch.ones(len(a), len(b), dtype=a.dtype)


def _divergence_as_released(x, y, prediction):
    K = torch.exp(-torch.cdist(x, x).square() / 2)
    weights = 1 / K.square().sum(-1)

    def log_of_sum(L):
        return torch.log2(((K * L).sum(-1) * weights).sum())

    own = (
        log_of_sum(_one_dimensional_gram(y, y)),
        log_of_sum(_one_dimensional_gram(prediction, prediction)),
    )
    return sum(own) - 2 * log_of_sum(_one_dimensional_gram(prediction, y))


def test_as_released_equals_the_collapsed_gram_matrices():
    batch = _batch()
    loss = CSIB(beta=0, prediction="as_released").loss(batch)
    expected = _divergence_as_released(batch.x, batch.y[:, 0], batch.prediction[:, 0])
    torch.testing.assert_close(loss, expected)


def test_as_released_stays_finite_where_the_collapsed_form_underflows():
    batch = _batch(dtype=torch.float32)
    far = batch._replace(prediction=batch.y + 10.0)
    collapsed = _divergence_as_released(far.x, far.y[:, 0], far.prediction[:, 0])
    assert not torch.isfinite(collapsed)
    loss = CSIB(beta=0, prediction="as_released").loss(far)
    assert loss.item() == pytest.approx(20 * 100 / math.log(2), rel=1e-5)


@pytest.mark.parametrize("estimator", ["paper", "released", "symmetric"])
def test_conditional_term_is_the_divergence_of_that_form(estimator):
    batch = _batch()
    expected = conditional_cauchy_schwarz_divergence(
        batch.x, batch.y, batch.prediction, x_bandwidth=0.8, y_bandwidth=0.6, form=estimator
    )
    method = CSIB(beta=0, estimator=estimator, x_bandwidth=0.8, y_bandwidth=0.6)
    torch.testing.assert_close(method.loss(batch), expected)


@pytest.mark.parametrize("normalized", [False, True])
def test_compression_term_is_beta_times_the_information(normalized):
    batch = _batch()
    compression = "normalized_cs_qmi" if normalized else "cs_qmi"
    method = CSIB(beta=0.5, prediction="mse", compression=compression, t_bandwidth=2.0)
    information = cauchy_schwarz_mutual_information(
        batch.x, batch.representation, x_bandwidth=1.0, t_bandwidth=2.0, normalized=normalized
    )
    expected = mse_loss(batch.prediction, batch.y) + 0.5 * information
    torch.testing.assert_close(method.loss(batch), expected)


def test_without_compression_beta_does_nothing():
    batch = _batch()
    assert torch.equal(CSIB(beta=9.0, compression="none").loss(batch), CSIB(beta=0.0).loss(batch))


def test_a_median_bandwidth_is_the_batchs_and_carries_no_gradient():
    batch = _batch()
    t = batch.representation.clone().requires_grad_()
    moving = batch._replace(representation=t)
    width = median_distance(t)
    losses = [CSIB(beta=1.0, t_bandwidth=bandwidth).loss(moving) for bandwidth in ("median", width)]
    gradients = [torch.autograd.grad(loss, t)[0] for loss in losses]
    torch.testing.assert_close(gradients[0], gradients[1])


def test_an_unknown_word_is_never_taken_for_a_known_one():
    with pytest.raises(AssertionError, match="MSE"):
        CSIB(prediction="MSE").loss(_batch())
    with pytest.raises(KeyError, match="normalised_cs_qmi"):
        CSIB(compression="normalised_cs_qmi").loss(_batch())


def test_perfect_prediction_has_no_loss():
    batch = _batch()
    perfect = batch._replace(prediction=batch.y.clone())
    for prediction in ("conditional_cs", "mse", "as_released"):
        loss = CSIB(beta=0, prediction=prediction).loss(perfect)
        assert loss.item() == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("prediction", ["conditional_cs", "mse", "as_released"])
@pytest.mark.parametrize("compression", ["cs_qmi", "normalized_cs_qmi"])
def test_gradient_in_float64(prediction, compression):
    fixed = _batch(rows=6)
    method = CSIB(beta=0.7, prediction=prediction, compression=compression)

    def loss(t, predicted):
        return method.loss(fixed._replace(representation=t, prediction=predicted))

    inputs = (
        fixed.representation.clone().requires_grad_(),
        fixed.prediction.clone().requires_grad_(),
    )
    assert torch.autograd.gradcheck(loss, inputs)
