"""Clipped KL, with a gradient for the keep weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from losses.fused.row_launch import fake_gradients, row_gradients, run_rows
from losses.kernels.clipped import kept_gradient_kernel, kept_kernel
from losses.rows.backward import asked, needed
from losses.rows.class_a import log_sum, zero_product
from losses.rows.definitions import renormalized_clipped_kl
from losses.rows.kinds import Rows
from losses.rows.probabilities import compute_dtype


def clipped_kl(_: str, rows: Rows, parameters: Sequence[float], row_weight: Tensor) -> Tensor:
    """Return Σ k p (log p − log q) of each row, or the KL of the renormalised distributions."""
    renormalize, temperature = parameters
    assert rows.teacher is not None
    assert rows.extra is not None
    found = row_kept(rows.student, rows.teacher, rows.extra, row_weight, 1 / temperature)
    log_s, log_t = log_sum(found).unbind(-1)
    of_q, of_p, of_t, of_s = found[:, 2:].unbind(-1)
    value = of_t - of_s - of_p * (log_t - log_s)
    return renormalized_clipped_kl(value, of_p, of_q) if renormalize else value


@torch.library.custom_op("klaim::row_kept", mutates_args=())
def row_kept(
    student: Tensor, teacher: Tensor, keep: Tensor, row_weight: Tensor, scale: float
) -> Tensor:
    """Return log Σ exp s, log Σ exp t, Σ q k, Σ p k, Σ p k t and Σ p k s of each row, (N, 6)."""
    out = student.new_empty(student.shape[0], 6, dtype=compute_dtype(student.dtype))
    run_rows(kept_kernel, (student, teacher, keep), (row_weight, out), scale)
    return out


@row_kept.register_fake
def _(student: Tensor, *_: Any) -> Tensor:
    return student.new_empty(student.shape[0], 6, dtype=compute_dtype(student.dtype))


@torch.library.custom_op("klaim::row_kept_gradient", mutates_args=())
def row_kept_gradient(
    student: Tensor,
    teacher: Tensor,
    keep: Tensor,
    row_weight: Tensor,
    statistics: Tensor,
    upstream: Tensor,
    scale: float,
    needs: list[bool],
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the gradients of Σ upstream · statistics; empty where not needed."""
    found = _coefficients(statistics, upstream, scale).contiguous()
    others = row_weight, log_sum(statistics).contiguous(), found
    of_student, of_teacher, of_keep = row_gradients(
        kept_gradient_kernel, (student, teacher, keep), others, needs, scale
    )
    return of_student, of_teacher, of_keep


row_kept_gradient.register_fake(fake_gradients(3))


def _coefficients(statistics: Tensor, upstream: Tensor, scale: float) -> Tensor:
    """Return the ten numbers per row that ``kept_gradient_kernel`` reads."""
    _, _, of_q, of_p, of_t, of_s = statistics.unbind(-1)
    log_s, log_t, q, p, t, s = upstream.unbind(-1)
    whole = log_t - p * of_p - t * of_t - zero_product(s, of_s)
    scaled = torch.stack([log_s - q * of_q, q, s, whole, p + t, t, s], -1) * scale
    return torch.cat([scaled, torch.stack([p, q, torch.full_like(p, 1 / scale)], -1)], -1)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    *tensors, ctx.scale = inputs
    ctx.save_for_backward(*tensors, output)


def _backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
    needs = needed(ctx, 3)
    return asked(row_kept_gradient(*ctx.saved_tensors, upstream, ctx.scale, needs), needs, 2)


row_kept.register_autograd(_backward, setup_context=_keep)
