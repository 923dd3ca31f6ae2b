"""Class B as operators: sums over classes that need both normalisers first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from losses.fused.class_a import row_statistics
from losses.fused.row_launch import fake_gradients, row_gradients, run_rows
from losses.kernels.launch import fast
from losses.kernels.pointwise import (
    JS,
    SKEW_FORWARD,
    SKEW_REVERSE,
    TOTAL_VARIATION,
    sums_gradient_kernel,
    sums_kernel,
)
from losses.rows.backward import asked, needed
from losses.rows.class_a import log_sum
from losses.rows.kinds import Rows
from losses.rows.probabilities import compute_dtype


def js(_: str, rows: Rows, parameters: Sequence[float], row_weight: Tensor) -> Tensor:
    """Return the generalised Jensen-Shannon divergence of each row."""
    beta, temperature = parameters
    return _sums(rows, row_weight, temperature, beta, JS.value)


def skew(_: str, rows: Rows, parameters: Sequence[float], row_weight: Tensor) -> Tensor:
    """Return the skew Kullback-Leibler divergence of each row."""
    alpha, reverse, temperature = parameters
    kind = SKEW_REVERSE.value if reverse else SKEW_FORWARD.value
    return _sums(rows, row_weight, temperature, alpha, kind)


def total_variation(_: str, rows: Rows, parameters: Sequence[float], row_weight: Tensor) -> Tensor:
    """Return the total variation distance of each row."""
    return _sums(rows, row_weight, parameters[0], 0.0, TOTAL_VARIATION.value)


def _sums(
    rows: Rows, row_weight: Tensor, temperature: float, parameter: float, kind: int
) -> Tensor:
    assert rows.teacher is not None
    found: Tensor = row_sums(
        rows.student, rows.teacher, row_weight, 1 / temperature, parameter, kind
    )[0]
    return found[:, 0]


@torch.library.custom_op("klaim::row_sums", mutates_args=())
def row_sums(
    student: Tensor, teacher: Tensor, row_weight: Tensor, scale: float, parameter: float, kind: int
) -> tuple[Tensor, Tensor]:
    """Return Σ f and Σ ∂f/∂log q of each row, (N, 2), and both log-normalisers, (N, 2)."""
    with torch.no_grad():
        statistics = row_statistics(student, teacher, None, row_weight, scale, False, False)
    log_sums = log_sum(statistics).contiguous()
    out = torch.empty_like(log_sums)
    constants = {"KIND": kind, "FAST": fast(student.dtype)}
    others = row_weight, log_sums, out
    run_rows(sums_kernel, (student, teacher), others, scale, parameter, **constants)
    return out, log_sums


@row_sums.register_fake
def _(student: Tensor, *_: Any) -> tuple[Tensor, Tensor]:
    out = student.new_empty(student.shape[0], 2, dtype=compute_dtype(student.dtype))
    return out, torch.empty_like(out)


@torch.library.custom_op("klaim::row_sums_gradient", mutates_args=())
def row_sums_gradient(
    student: Tensor,
    teacher: Tensor,
    row_weight: Tensor,
    sums: Tensor,
    log_sums: Tensor,
    upstream: Tensor,
    scale: float,
    parameter: float,
    kind: int,
    needs: list[bool],
) -> tuple[Tensor, Tensor]:
    """Return the gradients of Σ upstream · Σ f; empty where not needed."""
    of_student, of_teacher = row_gradients(
        sums_gradient_kernel,
        (student, teacher),
        (row_weight, log_sums, sums, upstream.contiguous()),
        needs,
        scale,
        parameter,
        KIND=kind,
        FAST=fast(student.dtype),
    )
    return of_student, of_teacher


row_sums_gradient.register_fake(fake_gradients(2))


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    student, teacher, row_weight, *ctx.settings = inputs
    ctx.save_for_backward(student, teacher, row_weight, *output)


def _backward(ctx: Any, upstream: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
    needs = needed(ctx, 2)
    found = row_sums_gradient(*ctx.saved_tensors, upstream[:, 0], *ctx.settings, needs)
    return asked(found, needs, 4)


row_sums.register_autograd(_backward, setup_context=_keep)
