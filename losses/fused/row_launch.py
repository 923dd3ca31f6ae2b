"""Launching a kernel over rows of logits: what all of them take alike, and their gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from losses.kernels.launch import accumulator, block_options, row_stride, run

_FLAGS = ("OF_STUDENT", "OF_TEACHER", "OF_KEEP")


def run_rows(
    kernel: Any,
    logits: Sequence[Tensor | None],
    others: Sequence[Tensor],
    *scalars: float,
    **constants: Any,
) -> None:
    """Launch one program per row. ``logits``: the student's first, ``None`` where there are none.

    The kernel's arguments are ``logits``, ``others``, the number of columns, the strides of
    ``logits`` and ``scalars``.
    """
    student = logits[0]
    assert student is not None
    if not len(student):
        return
    run(
        kernel,
        (len(student),),
        *(student if tensor is None else tensor for tensor in logits),
        *others,
        student.shape[1],
        *map(row_stride, logits),
        *scalars,
        ACC=accumulator(student.dtype),
        **block_options(student.shape[1]),
        **constants,
    )


def row_gradients(
    kernel: Any,
    logits: Sequence[Tensor | None],
    others: Sequence[Tensor],
    needs: Sequence[bool],
    *scalars: float,
    **constants: Any,
) -> list[Tensor]:
    """Return the gradients that such a kernel writes, one for each of ``logits``.

    Its arguments go on with the gradients after ``others`` and their stride after the others'.
    """
    out = new_gradients(logits, needs)
    if any(needs):
        assert logits[0] is not None
        flags = dict(zip(_FLAGS, needs, strict=False))
        stride = logits[0].shape[1]
        run_rows(kernel, logits, [*others, *out], stride, *scalars, **flags, **constants)
    return out


def new_gradients(tensors: Sequence[Tensor | None], needs: Sequence[bool]) -> list[Tensor]:
    """Return an uninitialised gradient for each needed tensor, contiguous; empty for the others."""
    like = tensors[0]
    assert like is not None
    return [
        torch.empty_like(tensor, memory_format=torch.contiguous_format)
        if need and tensor is not None
        else like.new_empty(0)
        for tensor, need in zip(tensors, needs, strict=True)
    ]


def fake_gradients(count: int) -> Callable[..., tuple[Tensor, ...]]:
    """Return the fake of an operator whose first arguments are the logits and whose last, needs."""

    def fake(*arguments: Any) -> tuple[Tensor, ...]:
        return tuple(new_gradients(arguments[:count], arguments[-1]))

    return fake
