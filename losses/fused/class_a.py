"""Class A as operators: the statistics of rows, and the gradient that goes back through them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from losses.fused.row_launch import fake_gradients, row_gradients, run_rows
from losses.kernels.gradient import gradient_kernel
from losses.kernels.statistics import statistics_kernel
from losses.rows.backward import asked, needed
from losses.rows.class_a import class_a_values, coefficients, log_sum
from losses.rows.kinds import Rows
from losses.rows.probabilities import compute_dtype


def loss(name: str, rows: Rows, parameters: Sequence[float], row_weight: Tensor) -> Tensor:
    """Return the named loss of class A of each row."""
    smoothed = name == "cross_entropy" and parameters[1] > 0
    needs_moments = name != "cross_entropy" or smoothed
    found = row_statistics(*rows, row_weight, 1 / parameters[-1], needs_moments, smoothed)
    return class_a_values(name, found, parameters, rows.teacher is not None)


@torch.library.custom_op("klaim::row_statistics", mutates_args=())
def row_statistics(
    student: Tensor,
    teacher: Tensor | None,
    target: Tensor | None,
    row_weight: Tensor,
    scale: float,
    moments: bool,
    uniform: bool,
) -> Tensor:
    """Return the statistics (N, 8) of ``losses.rows.class_a``; all 0 for a row of weight 0.

    ``uniform``: the teacher is the uniform distribution. Without ``moments``, the four means are 0.
    """
    _require_classes(target, student.shape[1], row_weight)
    out = _statistics_like(student)
    run_rows(
        statistics_kernel,
        (student, teacher),
        (row_weight if target is None else target, row_weight, out),
        scale,
        TEACHER=_teacher(teacher, uniform),
        TARGET=target is not None,
        MOMENTS=moments,
    )
    return out


@row_statistics.register_fake
def _(student: Tensor, *_: Any) -> Tensor:
    return _statistics_like(student)


@torch.library.custom_op("klaim::row_gradient", mutates_args=())
def row_gradient(
    student: Tensor,
    teacher: Tensor | None,
    target: Tensor | None,
    row_weight: Tensor,
    statistics: Tensor,
    upstream: Tensor,
    scale: float,
    uniform: bool,
    needs: list[bool],
) -> tuple[Tensor, Tensor]:
    """Return ∂ Σ upstream · statistics / ∂ student and ∂ teacher; empty where not needed."""
    of_student, of_teacher = row_gradients(
        gradient_kernel,
        (student, teacher),
        (
            row_weight if target is None else target,
            row_weight,
            log_sum(statistics).contiguous(),
            coefficients(statistics, upstream, scale).contiguous(),
        ),
        needs,
        scale,
        TEACHER=_teacher(teacher, uniform),
        TARGET=target is not None,
    )
    return of_student, of_teacher


row_gradient.register_fake(fake_gradients(2))


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    student, teacher, target, row_weight, ctx.scale, _, ctx.uniform = inputs
    ctx.save_for_backward(student, teacher, target, row_weight, output)


def _backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
    needs = needed(ctx, 2)
    found = row_gradient(*ctx.saved_tensors, upstream, ctx.scale, ctx.uniform, needs)
    return asked(found, needs, 5)


row_statistics.register_autograd(_backward, setup_context=_keep)


def _teacher(teacher: Tensor | None, uniform: bool) -> int:
    """Return what the kernels call the teacher's kind: none, logits, the uniform distribution."""
    return 2 if uniform else int(teacher is not None)


def _statistics_like(student: Tensor) -> Tensor:
    return student.new_zeros(student.shape[0], 8, dtype=compute_dtype(student.dtype))


def _require_classes(target: Tensor | None, classes: int, row_weight: Tensor) -> None:
    """Raise ``IndexError`` for a target that is no class; on a GPU its value is NaN instead."""
    if target is None or target.device.type != "cpu":
        return
    outside = ((target < 0) | (target >= classes)) & (row_weight != 0)
    if bool(outside.any()):
        raise IndexError(f"target {int(target[outside][0])} is outside the {classes} classes")
