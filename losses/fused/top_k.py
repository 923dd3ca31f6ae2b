"""Top-k KL: the log-normalisers of class A, and the logits of the teacher's likeliest classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from losses.fused.class_a import row_gradient, row_statistics
from losses.fused.row_launch import fake_gradients
from losses.rows.backward import asked, needed
from losses.rows.class_a import log_sum
from losses.rows.definitions import kl
from losses.rows.kinds import Rows
from losses.rows.probabilities import compute_dtype, relative_entropy


def top_k_kl(_: str, rows: Rows, parameters: Sequence[float], row_weight: Tensor) -> Tensor:
    """Return Σ p log(p / q) over the teacher's k likeliest classes of each row."""
    k, renormalize, temperature = parameters
    assert rows.teacher is not None
    classes = rows.teacher.detach().topk(int(k), -1).indices
    dropped = (row_weight == 0)[:, None]
    if renormalize:
        # k logits a row are all that is read and written: gathering is the whole work.
        student, teacher = (
            side.gather(-1, classes).masked_fill(dropped, 0)
            for side in (rows.student, rows.teacher)
        )
        return kl(Rows(student, teacher), (1, 0, temperature))
    statistics, of_student, of_teacher = chosen_logits(
        rows.student, rows.teacher, classes, row_weight, 1 / temperature
    )
    log_s, log_t = log_sum(statistics)[:, :, None].unbind(1)
    log_p, log_q = (of_teacher - log_t, of_student - log_s)
    return relative_entropy(
        log_p.masked_fill(dropped, 0), log_q.masked_fill(dropped, 0), finite=False
    )


@torch.library.custom_op("klaim::chosen_logits", mutates_args=())
def chosen_logits(
    student: Tensor, teacher: Tensor, classes: Tensor, row_weight: Tensor, scale: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the log-normalisers as statistics (N, 8), and the scaled logits of ``classes``."""
    wide = compute_dtype(student.dtype)
    statistics = row_statistics(student, teacher, None, row_weight, scale, False, False)
    of_student, of_teacher = (
        logits.gather(-1, classes).to(wide) * scale for logits in (student, teacher)
    )
    return statistics, of_student, of_teacher


@chosen_logits.register_fake
def _(student: Tensor, teacher: Tensor, classes: Tensor, *_: Any) -> tuple[Tensor, Tensor, Tensor]:
    wide = compute_dtype(student.dtype)
    statistics = student.new_empty(student.shape[0], 8, dtype=wide)
    of_student, of_teacher = (
        like.new_empty(classes.shape, dtype=wide) for like in (student, teacher)
    )
    return statistics, of_student, of_teacher


@torch.library.custom_op("klaim::chosen_logits_gradient", mutates_args=())
def chosen_logits_gradient(
    student: Tensor,
    teacher: Tensor,
    classes: Tensor,
    row_weight: Tensor,
    statistics: Tensor,
    upstream: Tensor,
    of_student: Tensor,
    of_teacher: Tensor,
    scale: float,
    needs: list[bool],
) -> tuple[Tensor, Tensor]:
    """Return the gradients of the statistics and of the chosen logits; empty where not needed."""
    found = row_gradient(
        student, teacher, None, row_weight, statistics, upstream, scale, False, needs
    )
    kept = (row_weight != 0)[:, None]
    for gradient, own, need in zip(found, (of_student, of_teacher), needs, strict=True):
        if need:
            gradient.scatter_add_(-1, classes, (own * kept * scale).to(gradient.dtype))
    return found[0], found[1]


chosen_logits_gradient.register_fake(fake_gradients(2))


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    *tensors, ctx.scale = inputs
    ctx.save_for_backward(*tensors, output[0])


def _backward(
    ctx: Any, upstream: Tensor, of_student: Tensor, of_teacher: Tensor
) -> tuple[Tensor | None, ...]:
    needs = needed(ctx, 2)
    found = chosen_logits_gradient(
        *ctx.saved_tensors, upstream, of_student, of_teacher, ctx.scale, needs
    )
    return asked(found, needs, 3)


chosen_logits.register_autograd(_backward, setup_context=_keep)
