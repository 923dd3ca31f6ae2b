"""What does not fit is named, and why, in one line."""

import re

import pytest
import torch

import losses
from losses import (
    balanced_categorical_kl,
    clipped_kl,
    cross_entropy,
    entropy_proportion,
    js_divergence,
    kl_divergence,
    linear_cross_entropy,
    linear_kl_divergence,
    linear_token_statistics,
    renyi_divergence,
    skew_kl,
    token_statistics,
    top_k_kl,
)

S = torch.ones(4, 7)
Y = torch.ones(4, dtype=torch.int64)
HIDDEN, MATRIX = torch.ones(4, 3), torch.ones(7, 3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: kl_divergence(S, S[:3]), "teacher has shape (3, 7) but student has (4, 7)"),
        (lambda: kl_divergence(S, S[:, :5]), "pad a smaller vocabulary with -inf, not with 0"),
        (lambda: kl_divergence(S, S.double()), "teacher has dtype torch.float64 but student has"),
        (lambda: kl_divergence(S, S.to("meta")), "teacher has device meta but student has cpu"),
        (lambda: kl_divergence(S.long(), S), "student has dtype torch.int64: it must be floating"),
        (lambda: kl_divergence(S[:, :0], S[:, :0]), "at least one class"),
        (lambda: kl_divergence(S, S, direction="back"), "one of forward, reverse, symmetric"),
        (lambda: kl_divergence(S, S, temperature=0), "temperature is 0: logits are divided by it"),
        (lambda: kl_divergence(S, S, weight=torch.ones(3)), "weight has shape (3,) but there are"),
        (lambda: kl_divergence(S, S, weight=torch.ones(4, device="meta")), "weight is on meta but"),
        (lambda: kl_divergence(S, S, reduction="batchmean"), "one of mean, sum, none"),
        (lambda: kl_divergence(S, S, reduction="sum", denominator=3), "only a mean divides"),
        (lambda: kl_divergence(S, S, denominator=0), "denominator is 0: a mean divides by"),
        (lambda: kl_divergence(S, S, denominator=torch.ones(2)), "it must be a single number"),
        (lambda: kl_divergence(S, S, backend="fast"), "one of reference, chunked, triton"),
        (
            lambda: js_divergence(S, S, beta=1),
            "beta is 1: it must lie between 0 and 1; at the ends",
        ),
        (lambda: skew_kl(S, S, alpha=1), "alpha is 1: it must lie between 0 and 1"),
        (lambda: skew_kl(S, S, direction="symmetric"), "it must be one of forward, reverse"),
        (lambda: renyi_divergence(S, S, alpha=1), "use kl_divergence"),
        (lambda: renyi_divergence(S, S, alpha=0), "alpha is 0: it must lie between 0 and inf"),
        (lambda: top_k_kl(S, S, k=8), "k is 8: it must be between 1 and the 7 classes"),
        (lambda: clipped_kl(S, S, keep=S[:3]), "keep has shape (3, 7) but student has (4, 7)"),
        (
            lambda: cross_entropy(S, Y[:3]),
            "target has shape (3,) but there are tokens of shape (4,)",
        ),
        (lambda: cross_entropy(S, Y.float()), "target has dtype torch.float32: class indices are"),
        (lambda: cross_entropy(S, Y, label_smoothing=1), "label_smoothing is 1"),
        (lambda: cross_entropy(S, Y, z_loss=-1), "z_loss is -1"),
        (lambda: token_statistics(S, Y, S[:3]), "reference has shape (3, 7) but policy has (4, 7)"),
        (
            lambda: linear_kl_divergence(HIDDEN, MATRIX[:, :2], HIDDEN, MATRIX),
            "student_hidden has shape (4, 3) and student_weight (7, 2)",
        ),
        (
            lambda: linear_kl_divergence(HIDDEN, MATRIX, HIDDEN, MATRIX[:5]),
            "teacher_weight has 5 rows but student_weight has 7: both make logits of one",
        ),
        (
            lambda: linear_kl_divergence(HIDDEN, MATRIX, HIDDEN[:2], MATRIX),
            "teacher_hidden holds tokens of shape (2,) but student_hidden of (4,)",
        ),
        (
            lambda: linear_kl_divergence(HIDDEN, MATRIX, HIDDEN.double(), MATRIX.double()),
            "teacher_hidden has dtype torch.float64 but student_hidden has torch.float32",
        ),
        (
            lambda: linear_cross_entropy(HIDDEN, MATRIX.double(), Y),
            "weight has dtype torch.float64",
        ),
        (
            lambda: linear_token_statistics(HIDDEN, MATRIX, Y, HIDDEN),
            "reference_hidden and reference_weight are given together or not at all",
        ),
        (lambda: balanced_categorical_kl(Y.float(), Y.float()), "(…, groups, classes)"),
        (lambda: balanced_categorical_kl(S, S, unimix=1), "unimix is 1"),
        (lambda: balanced_categorical_kl(S, S, free_nats=-1), "free_nats is -1"),
        (
            lambda: entropy_proportion(S, S),
            "logits have shape (4, 7): they must be (B, C, *pixels)",
        ),
        (
            lambda: entropy_proportion(torch.ones(2, 3, 5), torch.ones(4)),
            "prior has shape (4,) but logits have (2, 3, 5)",
        ),
        (
            lambda: entropy_proportion(torch.ones(2, 3, 5), torch.ones(3), class_weight=[1]),
            "class_weight has 1 entries but logits have 3",
        ),
        (
            lambda: entropy_proportion(torch.ones(2, 3, 5), torch.ones(3), direction="symmetric"),
            "it must be one of forward, reverse",
        ),
        (lambda: losses.kl_dro_weights(S, 1.0), "it must be (B,)"),
        (lambda: losses.kl_dro_weights(S[0], 0.0), "temperature is 0.0"),
        (lambda: losses.kl_dro_moving_weights(S[0], 1.0, None, 0.0), "rate is 0.0"),
    ],
)
def test_what_does_not_fit_is_named(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


@pytest.mark.parametrize("backend", ["reference", "chunked", "triton"])
def test_a_target_outside_the_vocabulary_is_refused(backend):
    if backend == "triton":
        pytest.importorskip("triton")
    with pytest.raises((IndexError, RuntimeError), match=r"out of bounds|outside the 7 classes"):
        cross_entropy(S, Y + 6, backend=backend)
    with pytest.raises((IndexError, RuntimeError), match=r"out of bounds|outside the 7 classes"):
        cross_entropy(S, Y - 2, backend=backend)


def test_triton_without_a_gpu_or_its_interpreter_is_refused(monkeypatch):
    pytest.importorskip("triton")
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    with pytest.raises(ValueError, match="the tensors are on cpu: Triton's kernels need a CUDA"):
        kl_divergence(S, S, backend="triton")


def test_triton_that_is_not_installed_is_refused(monkeypatch):
    monkeypatch.setattr("losses.rows.backends.find_spec", lambda name: None)
    with pytest.raises(ValueError, match="backend is 'triton', which is not installed"):
        kl_divergence(S, S, backend="triton")


def test_every_public_function_says_what_it_does():
    functions = [getattr(losses, name) for name in losses.__all__]
    assert all((function.__doc__ or "").strip() for function in functions)
