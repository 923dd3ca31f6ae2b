"""Losses from hidden states are those of the logits that these make, gradients included."""

import pytest
import torch
from logit_cases import in_each_backend, in_each_fast_backend, logits, needs_triton

from losses import (
    cross_entropy,
    kl_divergence,
    linear_cross_entropy,
    linear_kl_divergence,
    linear_token_statistics,
    token_statistics,
)

CLOSE = {"rtol": 2e-6, "atol": 2e-7}
TARGET = torch.tensor([3, 0, -100, 32, 7, 5, 1])
WEIGHT = torch.tensor([1.0, 0.0, 2.0, 0.5, 1.0, 3.0, 0.0])


def inputs(dtype=torch.float64, vocabulary=33):
    shapes = ((7, 5), (vocabulary, 5), (7, 6), (vocabulary, 6))
    return [
        logits(*shape, seed=i, scale=1.0).to(dtype).requires_grad_()
        for i, shape in enumerate(shapes)
    ]


def both(linear, plain, tensors, upstream=None):
    """Return value and gradients of the loss from hidden states, and of that from logits."""
    results = []
    for loss in (linear, plain):
        value = loss()
        weights = torch.linspace(0.5, 2, max(1, value.numel()), dtype=value.dtype)
        gradients = torch.autograd.grad(value, tensors, weights.reshape(value.shape))
        results.append([value.detach(), *gradients])
    return results


@in_each_backend
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("direction", ["forward", "reverse", "symmetric"])
def test_kl(direction, weight, reduction, backend, small_chunks):
    tensors = inputs()
    a, b, c, d = tensors
    options = {"direction": direction, "temperature": 2.0, "weight": weight, "reduction": reduction}
    found, expected = both(
        lambda: linear_kl_divergence(a, b, c, d, backend=backend, **options),
        lambda: kl_divergence(a @ b.T, c @ d.T, backend="reference", **options),
        tensors,
    )
    torch.testing.assert_close(found, expected, **CLOSE)


@in_each_backend
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_cross_entropy(reduction, backend, small_chunks):
    hidden, matrix, *_ = inputs()
    options = {"z_loss": 0.25, "label_smoothing": 0.25, "reduction": reduction}
    found, expected = both(
        lambda: linear_cross_entropy(
            hidden, matrix, TARGET, token_weight=WEIGHT, backend=backend, **options
        ),
        lambda: cross_entropy(
            hidden @ matrix.T, TARGET, weight=WEIGHT, backend="reference", **options
        ),
        (hidden, matrix),
    )
    torch.testing.assert_close(found, expected, **CLOSE)


@in_each_backend
def test_token_statistics(backend, small_chunks):
    tensors = inputs()
    a, b, c, d = tensors

    def whole(found):
        return torch.stack(list(found)).square().sum(0)

    found, expected = both(
        lambda: whole(linear_token_statistics(a, b, TARGET, c, d, weight=WEIGHT, backend=backend)),
        lambda: whole(
            token_statistics(a @ b.T, TARGET, c @ d.T, weight=WEIGHT, backend="reference")
        ),
        tensors,
    )
    torch.testing.assert_close(found, expected, **CLOSE)
    alone = linear_token_statistics(a, b, TARGET, backend=backend)
    torch.testing.assert_close(
        alone.entropy, token_statistics(a @ b.T, TARGET, backend="reference").entropy, **CLOSE
    )


@in_each_fast_backend
def test_gradients(backend, small_chunks):
    tensors = [
        tensor[:2] if i % 2 == 0 else tensor for i, tensor in enumerate(inputs(vocabulary=6))
    ]
    tensors = [tensor.detach().requires_grad_() for tensor in tensors]
    assert torch.autograd.gradcheck(
        lambda *own: linear_kl_divergence(*own, backend=backend),
        tensors,
        fast_mode=backend == "triton",
    )


@in_each_fast_backend
def test_a_dropped_token_may_hold_anything(backend, small_chunks):
    a, b, c, d = (tensor.detach() for tensor in inputs())
    dirty = a.clone()
    dirty[WEIGHT == 0] = torch.nan
    clean = linear_kl_divergence(a, b, c, d, weight=WEIGHT, backend=backend)
    dirty.requires_grad_()
    found = linear_kl_divergence(dirty, b, c, d, weight=WEIGHT, backend=backend)
    (gradient,) = torch.autograd.grad(found, dirty)
    torch.testing.assert_close(found.detach(), clean)
    assert (gradient[WEIGHT == 0] == 0).all()


@in_each_fast_backend
def test_chunks_of_any_length_give_the_same(backend, monkeypatch):
    from losses.rows import linear_chunks

    results = []
    for tokens in (1, 3, 100):
        monkeypatch.setitem(linear_chunks.LEAST_TOKENS, "cpu", tokens)
        monkeypatch.setitem(linear_chunks.CHUNK_ELEMENTS, "cpu", 1)
        tensors = inputs(torch.float32)
        value = linear_kl_divergence(*tensors, backend=backend)
        results.append([value.detach(), *torch.autograd.grad(value, tensors)])
    for other in results[1:]:
        torch.testing.assert_close(other, results[0], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    "backend",
    ["chunked", pytest.param("triton", marks=[needs_triton, pytest.mark.slow])],  # 600 launches
)
def test_half_precision_sums_over_chunks_in_float32(backend, monkeypatch):
    from losses.rows import linear_chunks

    monkeypatch.setitem(linear_chunks.LEAST_TOKENS, "cpu", 1)
    monkeypatch.setitem(linear_chunks.CHUNK_ELEMENTS, "cpu", 1)
    hidden = torch.ones(300, 1, dtype=torch.bfloat16)
    matrix = torch.zeros(2, 1, dtype=torch.bfloat16, requires_grad=True)
    target = torch.zeros(300, dtype=torch.int64)
    value = linear_cross_entropy(hidden, matrix, target, reduction="sum", backend=backend)
    value.backward()
    # bfloat16 sums of ½ would stop growing at 128: this one is 150.
    assert matrix.grad[1].item() == 150


@in_each_backend
def test_autocast_runs_the_products_in_its_type(backend):
    a, b, c, d = (tensor.detach().float().requires_grad_() for tensor in inputs())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = linear_kl_divergence(a, b, c, d, backend=backend)
    gradients = torch.autograd.grad(value, (a, b, c, d))
    assert value.dtype == torch.float32
    assert {gradient.dtype for gradient in gradients} == {torch.float32}
    exact = linear_kl_divergence(a, b, c, d, backend="reference")
    assert 0 < abs(value.item() - exact.item()) < 0.05 * exact.item()


@in_each_fast_backend
def test_leading_dimensions(backend):
    a, b, c, d = (tensor.detach() for tensor in inputs())
    flat = linear_kl_divergence(a[:6], b, c[:6], d, reduction="none", backend=backend)
    shaped = linear_kl_divergence(
        a[:6].view(2, 3, 5), b, c[:6].view(2, 3, 6), d, reduction="none", backend=backend
    )
    torch.testing.assert_close(shaped, flat.view(2, 3))
