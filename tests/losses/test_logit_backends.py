"""Gradients, and that all implementations compute the same, on whatever logits there are."""

import math

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from logit_cases import (
    CASES,
    in_each_backend,
    in_each_case,
    in_each_case_and,
    in_each_fast_backend,
    keep_weights,
    logits,
    masked,
    value_and_gradients,
)

from losses import clipped_kl, cross_entropy, kl_divergence, token_statistics

#: Constants of kernels, such as log₂ e, are float32 even where the logits are float64.
CLOSE = {"rtol": 2e-7, "atol": 1e-7}


def assert_agree(name, student, teacher, backend, **options):
    expected = value_and_gradients(CASES[name], student, teacher, backend="reference", **options)
    found = value_and_gradients(CASES[name], student, teacher, backend=backend, **options)
    assert not any(tensor.isnan().any() for tensor in expected)
    torch.testing.assert_close(found, expected, **CLOSE)


@in_each_case_and("reference", "chunked")
def test_gradients(name, backend, small_chunks):
    student, teacher = logits(2, 5).requires_grad_(), logits(2, 5, seed=1).requires_grad_()

    def loss(*sides):
        return CASES[name](*sides, weight=torch.tensor([0.5, 2.0]), backend=backend)

    assert torch.autograd.gradcheck(loss, (student, teacher), fast_mode=backend == "triton")


@in_each_backend
@pytest.mark.parametrize("renormalize", [False, True])
def test_gradients_of_keep_weights(renormalize, backend):
    student, teacher = logits(2, 5), logits(2, 5, seed=1)
    keep = keep_weights(student).requires_grad_()

    def loss(keep):
        return clipped_kl(student, teacher, keep=keep, renormalize=renormalize, backend=backend)

    assert torch.autograd.gradcheck(loss, (keep,))


def test_the_reference_can_be_differentiated_twice():
    student = logits(2, 5).requires_grad_()
    assert torch.autograd.gradgradcheck(
        lambda s: kl_divergence(s, logits(2, 5, seed=1), backend="reference"), (student,)
    )


@in_each_fast_backend
@in_each_case
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_every_kind_of_infinity(name, backend, reduction, small_chunks):
    student, teacher = masked(logits(6, 37), logits(6, 37, seed=1))
    assert_agree(name, student, teacher, backend, reduction=reduction)
    weight = torch.tensor([0.0, 1.0, 2.0, 0.0, 0.25, 1.0])
    assert_agree(name, student, teacher, backend, reduction=reduction, weight=weight)


any_logits = settings(
    deadline=None, max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@in_each_fast_backend
@in_each_case
@any_logits
@given(
    rows=st.integers(1, 5),
    columns=st.sampled_from([1, 2, 15, 16, 17, 31, 32, 33, 47]),
    scale=st.sampled_from([1e-3, 1.0, 30.0, 1e4]),
    padding=st.integers(0, 3),
    weighted=st.booleans(),
    seed=st.integers(0, 10**6),
)
def test_backends_agree(name, backend, small_chunks, rows, columns, scale, padding, weighted, seed):
    """… over shapes around a block, scales, row strides and weights."""
    student, teacher = (
        logits(rows, columns + padding, seed=seed + i, scale=scale)[:, :columns] for i in (0, 1)
    )
    weight = torch.arange(rows) % 3 - 0.5 if weighted else None
    expected = value_and_gradients(
        CASES[name], student, teacher, backend="reference", weight=weight, reduction="none"
    )
    found = value_and_gradients(
        CASES[name], student, teacher, backend=backend, weight=weight, reduction="none"
    )
    # Sums of logits of this size cancel: their rounding is relative to the logits.
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=3e-7 * max(1, scale))


@in_each_case_and("chunked")
def test_float32_is_close_to_float64(name, backend, small_chunks):
    student, teacher = logits(4, 200), logits(4, 200, seed=1)
    expected = value_and_gradients(CASES[name], student, teacher, backend="reference")
    found = value_and_gradients(CASES[name], student.float(), teacher.float(), backend=backend)
    assert found[0].dtype == torch.float32
    torch.testing.assert_close([f.double() for f in found], expected, rtol=3e-5, atol=3e-6)


@in_each_fast_backend
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", ["forward KL", "JS", "cross-entropy", "Rényi 2"])
def test_half_precision_is_computed_in_float32(name, dtype, backend):
    student, teacher = (logits(3, 70, seed=i).to(dtype) for i in (0, 1))
    wide = value_and_gradients(CASES[name], student.float(), teacher.float(), backend="reference")
    found = value_and_gradients(CASES[name], student, teacher, backend=backend)
    assert found[0].dtype == torch.float32
    assert found[1].dtype == dtype
    torch.testing.assert_close(found[0], wide[0], rtol=1e-5, atol=1e-6)
    # One rounding to the type of the logits; the interpreter truncates to bfloat16.
    for gradient, exact in zip(found[1:], wide[1:], strict=True):
        bound = 2.0 ** (-7 if dtype == torch.bfloat16 else -10)
        torch.testing.assert_close(gradient.float(), exact, rtol=bound, atol=1e-6)


@in_each_case_and("reference", "chunked")
def test_a_dropped_token_may_hold_anything(name, backend):
    student, teacher = logits(4, 19), logits(4, 19, seed=1)
    dirty = [side.clone() for side in (student, teacher)]
    for side in dirty:
        side[1], side[3] = math.nan, math.inf
    weight = torch.tensor([1.0, 0.0, 2.0, 0.0])
    clean = value_and_gradients(
        CASES[name], student, teacher, backend=backend, weight=weight, reduction="none"
    )
    found = value_and_gradients(
        CASES[name], *dirty, backend=backend, weight=weight, reduction="none"
    )
    torch.testing.assert_close(found, clean)
    assert all((gradient[[1, 3]] == 0).all() for gradient in found[1:])


@in_each_case_and("reference", "chunked")
def test_nan_and_infinity_in_a_kept_token_show(name, backend):
    for value in (math.nan, math.inf):
        student = logits(2, 19)
        student[0, 4] = value
        found = CASES[name](student, logits(2, 19, seed=1), backend=backend, reduction="none")
        if "top-k" in name or (name == "cross-entropy" and value == math.inf):
            continue  # the class may not be among those that are read
        assert found[0].isnan()
        assert found[1].isfinite()


@in_each_backend
def test_reductions(backend):
    student, teacher = logits(2, 3, 19), logits(2, 3, 19, seed=1)
    weight = torch.tensor([[1.0, 0.0, 2.0], [0.5, 1.0, 0.0]], dtype=torch.float64)
    options = {"weight": weight, "backend": backend}
    each = kl_divergence(student, teacher, reduction="none", backend=backend)
    assert each.shape == (2, 3)
    whole = (each * weight).sum()

    def close(value, expected):
        torch.testing.assert_close(value, expected, rtol=1e-6, atol=0)

    close(kl_divergence(student, teacher, reduction="none", **options), each * weight)
    close(kl_divergence(student, teacher, reduction="sum", **options), whole)
    close(kl_divergence(student, teacher, **options), whole / 4.5)
    parts = [
        kl_divergence(
            student[i], teacher[i], weight=weight[i], denominator=weight.sum(), backend=backend
        )
        for i in (0, 1)
    ]
    close(sum(parts), whole / 4.5)


@in_each_backend
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_no_token_at_all_gives_0_with_a_gradient_of_0(reduction, backend):
    student, teacher = logits(3, 7), logits(3, 7, seed=1)
    value, *gradients = value_and_gradients(
        kl_divergence, student, teacher, weight=torch.zeros(3), reduction=reduction, backend=backend
    )
    assert (value == 0).all()
    assert all((gradient == 0).all() for gradient in gradients)
    empty = kl_divergence(student[:0], teacher[:0], reduction=reduction, backend=backend)
    assert empty.sum() == 0


@in_each_backend
def test_weights_get_the_losses_as_their_gradient(backend):
    student, teacher = logits(3, 7), logits(3, 7, seed=1)
    weight = torch.tensor([1.0, 2.0, 0.5], dtype=torch.float64, requires_grad=True)
    each = kl_divergence(student, teacher, reduction="none", backend="reference")
    total = kl_divergence(student, teacher, weight=weight, reduction="sum", backend=backend)
    (gradient,) = torch.autograd.grad(total, weight)
    torch.testing.assert_close(gradient, each, rtol=1e-6, atol=0)


@in_each_backend
def test_only_the_side_that_asks_gets_a_gradient(backend):
    student, teacher = logits(3, 7).requires_grad_(), logits(3, 7, seed=1)
    kl_divergence(student, teacher, backend=backend).backward()
    assert student.grad is not None
    moving = logits(3, 7, seed=1).requires_grad_()
    statistics = token_statistics(
        student.detach(), torch.tensor([1, 2, 3]), moving, backend=backend
    )
    statistics.kl.sum().backward()
    assert moving.grad.abs().max() > 0


@in_each_backend
def test_autocast_changes_nothing(backend):
    student, teacher = (logits(3, 70, seed=i, dtype=torch.float32) for i in (0, 1))
    plain = value_and_gradients(kl_divergence, student, teacher, backend=backend)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = value_and_gradients(kl_divergence, student, teacher, backend=backend)
    torch.testing.assert_close(found, plain, rtol=0, atol=0)


@in_each_backend
def test_inputs_are_left_as_they_were(backend):
    student, teacher = logits(3, 70), logits(3, 70, seed=1)
    before = student.clone(), teacher.clone()
    for loss in CASES.values():
        value_and_gradients(loss, student, teacher, backend=backend)
    assert torch.equal(student, before[0])
    assert torch.equal(teacher, before[1])


@in_each_fast_backend
def test_strided_views(backend):
    """Transposed (sequence, batch, V) views, and rows further apart than they are long."""
    whole = logits(4, 3, 24)
    views = [whole.transpose(0, 1), whole[:, :, :19], whole[::2], whole[..., ::2]]
    for view in views:
        other = logits(*view.shape, seed=1)
        assert_agree("forward KL", view, other, backend)
        assert_agree("JS", view, other, backend)


@in_each_fast_backend
def test_a_second_backward_pass_gives_the_same(backend):
    student, teacher = logits(3, 7).requires_grad_(), logits(3, 7, seed=1)
    value = kl_divergence(student, teacher, backend=backend)
    value.backward(retain_graph=True)
    first = student.grad.clone()
    value.backward()
    torch.testing.assert_close(student.grad, 2 * first)


@in_each_fast_backend
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_the_fast_ones_refuse_to_be_differentiated_twice(reduction, backend):
    student = logits(3, 7).requires_grad_()
    value = kl_divergence(student, logits(3, 7, seed=1), reduction=reduction, backend=backend)
    with pytest.raises(RuntimeError, match="differentiable once only"):
        torch.autograd.grad(value.sum(), student, create_graph=True)


@in_each_fast_backend
@pytest.mark.parametrize("z_loss", [0.0, 0.125])
def test_cross_entropy_of_a_target_that_no_float_gives_a_probability(backend, z_loss):
    scores = logits(3, 9, dtype=torch.float32)
    scores[1, 4] = scores[1].max() - 200  # exp(−200) is 0 in float32
    target = torch.tensor([1, 4, 2])

    def loss(student, backend=backend):
        return cross_entropy(student, target, z_loss=z_loss, temperature=0.5, backend=backend)

    found = value_and_gradients(loss, scores)
    expected = value_and_gradients(loss, scores.double(), backend="reference")
    assert found[0] > 100
    torch.testing.assert_close(found, [value.float() for value in expected], rtol=1e-5, atol=1e-6)


@in_each_case
def test_values_without_a_gradient_are_those_of_the_definition(name, small_chunks):
    student, teacher = masked(logits(5, 19), logits(5, 19, seed=1))
    with torch.no_grad():
        found = CASES[name](student, teacher, backend="chunked", reduction="none")
        expected = CASES[name](student, teacher, backend="reference", reduction="none")
    torch.testing.assert_close(found, expected)
