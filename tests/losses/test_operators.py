"""The operators keep PyTorch's rules: schemas, fake tensors, compilation, large offsets."""

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from logit_cases import (
    CASES,
    classes,
    in_each_case_and,
    in_each_fast_backend,
    keep_weights,
    logits,
    value_and_gradients,
)
from torch.library import opcheck

from losses import balanced_categorical_kl, entropy_proportion, linear_kl_divergence
from losses.rows import chunked, linear_operators

ROOT = Path(__file__).parents[2]
S, T = (logits(3, 9, seed=i).requires_grad_() for i in (0, 1))
W = torch.tensor([1.0, 0.0, 2.0], dtype=torch.float64, requires_grad=True)


@pytest.fixture(autouse=True)
def forget_compiled():
    """Every test compiles anew: PyTorch stops at eight versions of one function."""
    torch._dynamo.reset()


PASSED = dict.fromkeys(
    ["test_schema", "test_autograd_registration", "test_faketensor", "test_aot_dispatch_dynamic"],
    "SUCCESS",
)


def results(operator, *arguments):
    """Return what PyTorch's own four checks of an operator say."""
    return opcheck(operator, arguments)


def test_chunked_operators():
    for name, parameters in (("kl", [1.0, 0.5, 1.0]), ("js", [0.25, 1.0])):
        assert (
            results(chunked._total, S, T, None, W, name, parameters, [True, True, False]) == PASSED
        )
        assert results(chunked._values, S, T, None, W.detach(), name, parameters) == PASSED
    target = classes(S)
    assert results(chunked._values, S, T, target, W.detach(), "token_statistics", [1.0]) == PASSED
    assert (
        results(chunked._values, S, None, target, W.detach(), "cross_entropy", [0.1, 0.1, 1.0])
        == PASSED
    )


def test_linear_operators():
    sides = [
        logits(*shape, seed=i).requires_grad_() for i, shape in enumerate([(3, 4), (9, 4)] * 2)
    ]
    assert (
        results(
            linear_operators._total, *sides, None, W, "kl", [1.0, 0.0, 1.0], [True] * 4, "chunked"
        )
        == PASSED
    )
    target = classes(S)
    weight = W.detach()
    assert (
        results(
            linear_operators._values, *sides, target, weight, "token_statistics", [1.0], "chunked"
        )
        == PASSED
    )


def test_triton_operators():
    pytest.importorskip("triton")
    from losses.fused import balanced as latents
    from losses.fused import class_a, class_b, clipped, gram, mixture, pixels, top_k

    w, target = W.detach(), classes(S)
    assert results(class_a.row_statistics, S, T, target, w, 1.0, True, False) == PASSED
    assert results(class_a.row_statistics, S, None, target, w, 1.0, True, True) == PASSED
    assert results(class_b.row_sums, S, T, w, 1.0, 0.25, 0) == PASSED
    assert results(mixture.row_mixture, S, T, w, 1.0, 0.5) == PASSED
    assert results(clipped.row_kept, S, T, keep_weights(S).requires_grad_(), w, 1.0) == PASSED
    assert results(top_k.chosen_logits, S, T, T.topk(3).indices, w, 1.0) == PASSED
    assert (
        results(latents.row_balance, S[:, None], T[:, None], [1.0, 0.5, 0.1, 0.01], True) == PASSED
    )
    ones = torch.ones(3, 1, dtype=torch.float64)
    assert (
        results(pixels.image_statistics, S[..., None], ones, torch.ones(9, dtype=torch.float64))
        == PASSED
    )
    assert results(gram._row_log_sums, S, T, S, T, W) == PASSED


def test_statistics_of_parts_of_a_vocabulary_merge_to_those_of_the_whole():
    """What a vocabulary that is split over devices needs: an all-gather of (N, 8) numbers."""
    pytest.importorskip("triton")
    from losses.fused.class_a import row_statistics
    from losses.rows.class_a import class_a_values, merged

    student, teacher, target = logits(3, 40), logits(3, 40, seed=1), torch.tensor([3, 39, 20])
    student[0, 20:] = teacher[1, :20] = -math.inf
    ones = torch.ones(3, dtype=torch.float64)
    whole = row_statistics(student, teacher, target, ones, 1.0, True, False)
    parts = []
    for start in (0, 20):
        own = target - start
        inside = (own >= 0) & (own < 20)
        sides = student[:, start : start + 20], teacher[:, start : start + 20]
        part = row_statistics(*sides, own.clamp(0, 19), ones, 1.0, True, False)
        part[:, 6:] = part[:, 6:].masked_fill(~inside[:, None], -math.inf)
        parts.append(part)
    torch.testing.assert_close(merged(torch.stack(parts)), whole)
    for name, parameters in (("kl", (1.0, 1.0, 1.0)), ("token_statistics", (1.0,))):
        torch.testing.assert_close(
            class_a_values(name, merged(torch.stack(parts)), parameters, True),
            class_a_values(name, whole, parameters, True),
        )


@in_each_case_and("chunked")
def test_compiles_as_one_graph(name, backend):
    def loss(student, teacher):
        value = CASES[name](student, teacher, backend=backend)
        return 3 * value + CASES[name](student, teacher, backend=backend, reduction="none").sum()

    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    student, teacher = logits(3, 9), logits(3, 9, seed=1)
    expected = value_and_gradients(loss, student, teacher)
    torch.testing.assert_close(value_and_gradients(compiled, student, teacher), expected)


@in_each_fast_backend
def test_the_other_losses_compile_as_one_graph(backend):
    def loss(student, teacher):
        latents = balanced_categorical_kl(student[:, None], teacher[:, None], backend=backend)
        images = entropy_proportion(
            student[..., None], torch.full((9,), 1 / 9, dtype=student.dtype), backend=backend
        )
        hidden = linear_kl_divergence(student, teacher, teacher, student, backend=backend)
        return latents + images + hidden

    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    student, teacher = logits(3, 9), logits(3, 9, seed=1)
    expected = value_and_gradients(loss, student, teacher)
    torch.testing.assert_close(value_and_gradients(compiled, student, teacher), expected)


@pytest.mark.slow
def test_compiles_with_inductor():
    compiled = torch.compile(CASES["JS"], fullgraph=True)
    student, teacher = logits(3, 9), logits(3, 9, seed=1)
    expected = value_and_gradients(CASES["JS"], student, teacher)
    torch.testing.assert_close(value_and_gradients(compiled, student, teacher), expected)


OVERFLOW = """
import numpy
import torch
from losses.kernels.statistics import statistics_kernel
from losses.kernels.gradient import gradient_kernel
import triton.language as tl

rows, columns = 16_750, 128_256  # rows · columns is beyond 2³¹; the system hands out no page unused
logits = torch.empty(rows, columns, dtype=torch.float16)
assert (rows - 1) * columns > 2**31
logits[-1, :16] = torch.arange(16)
weight = torch.zeros(rows)
weight[-1] = 1
out = torch.zeros(rows, 8)

# One program, the last row's, in place of 16,750.
import triton.runtime.interpreter as interpreter

interpreter.interpreter_builder.create_get_program_id = lambda axis: interpreter.TensorHandle(
    numpy.array([rows - 1], dtype=numpy.int32), tl.int32
)
target = torch.zeros(rows, dtype=torch.int64)
statistics_kernel[(1,)](
    logits, logits, target, weight, out, 16, logits.stride(0), logits.stride(0), 1.0,
    TEACHER=0, TARGET=True, MOMENTS=True, BLOCK=16, ACC=tl.float32,
)
torch.testing.assert_close(out[-1, 0], torch.arange(16.0).logsumexp(0))
coefficients = torch.zeros(rows, 10)
coefficients[-1, 0] = 1
gradient_kernel[(1,)](
    logits, logits, target, weight, out[:, :2].contiguous(), coefficients, logits, logits, 16,
    logits.stride(0), logits.stride(0), logits.stride(0), 1.0,
    TEACHER=0, TARGET=False, OF_STUDENT=True, OF_TEACHER=False, BLOCK=16, ACC=tl.float32,
)
expected = torch.arange(16.0).softmax(0)
torch.testing.assert_close(logits[-1, :16].float(), expected, rtol=1e-2, atol=1e-3)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="relies on memory that is handed out lazily")
def test_offsets_beyond_two_billion_do_not_wrap():
    """In a process of its own: a wrapped offset reads outside the tensor and ends the process."""
    pytest.importorskip("triton")
    environment = os.environ | {"TRITON_INTERPRET": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [sys.executable, "-c", OVERFLOW], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
