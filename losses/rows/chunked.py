"""A few rows at a time, with the gradient made in the forward pass: bounded memory anywhere.

A chunk stays in the processor's cache while its value and its gradient are computed, and nothing of
the logits' size is kept but the gradient. Where the gradient that will arrive is not known when the
values are computed (``reduction="none"``), the backward pass computes the chunks once more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from losses.rows.backward import asked, needed, refuse_second_derivative
from losses.rows.eager_sweeps import Gradients, values_alone, values_and_gradients
from losses.rows.kinds import Rows
from losses.rows.precision import full_precision
from losses.rows.probabilities import compute_dtype

#: Logits of one chunk, chosen by timing: two megabytes of float32, within a processor's cache, and
#: enough to hide what calling an operation costs. A GPU needs more rows at once to be busy.
CHUNK_ELEMENTS = {"cpu": 2**19, "cuda": 2**26}


def total(name: str, rows: Rows, parameters: Sequence[float], row_weight: Tensor) -> Tensor:
    """Return Σ row_weight · value, 0-dim. Rows of weight 0 are not read."""
    needs = [tensor is not None and tensor.requires_grad for tensor in rows]
    if not torch.is_grad_enabled():
        needs = [False] * 3
    result: Tensor = _total(*rows, row_weight, name, list(parameters), needs)[0]
    return result


def row_values(name: str, rows: Rows, parameters: Sequence[float], row_weight: Tensor) -> Tensor:
    """Return the value of each row, (N,) or (N, k), 0 where ``row_weight`` is 0."""
    result: Tensor = _values(*rows, row_weight, name, list(parameters))
    return result


def sweep(
    name: str,
    rows: Rows,
    parameters: Sequence[float],
    row_weight: Tensor,
    upstream: Tensor,
    needs: Sequence[bool],
) -> tuple[Tensor, list[Tensor]]:
    """Return the values of all rows and the gradients of Σ upstream · values, chunk by chunk."""
    result = _new_values(rows.student, width(name, rows.teacher))
    gradients = _new_gradients(rows, needs)
    with full_precision(rows.student):
        for part in _chunks(rows.student, row_weight, gradients):
            out = gradients[0][part] if needs[0] and isinstance(part, slice) else None
            found, of_part = values_and_gradients(
                name, rows.part(part), parameters, upstream[part], needs, out
            )
            result[part] = found
            _store(gradients, part, of_part)
    return result, gradients


def width(name: str, teacher: Tensor | None) -> int:
    """Return how many values a row has, 0 for a plain number."""
    return (3 if teacher is None else 5) if name == "token_statistics" else 0


@torch.library.custom_op("klaim::chunked_total", mutates_args=())
def _total(
    student: Tensor,
    teacher: Tensor | None,
    extra: Tensor | None,
    row_weight: Tensor,
    name: str,
    parameters: list[float],
    needs: list[bool],
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    rows = Rows(student, teacher, extra)
    result, gradients = sweep(name, rows, parameters, row_weight, row_weight, needs)
    whole = (result.double() @ row_weight.double()).to(result.dtype)
    return whole, result, gradients[0], gradients[1], gradients[2]


@_total.register_fake
def _(
    student: Tensor, teacher: Tensor | None, extra: Tensor | None, *rest: Any
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    result = _new_values(student, 0)
    gradients = _new_gradients(Rows(student, teacher, extra), rest[-1])
    return result.new_empty(()), result, gradients[0], gradients[1], gradients[2]


def _keep_gradients(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    ctx.set_materialize_grads(False)
    ctx.needs = inputs[-1]
    ctx.save_for_backward(*output[1:])


def _scale_gradients(ctx: Any, upstream: Tensor | None, *_: Any) -> tuple[Tensor | None, ...]:
    refuse_second_derivative()
    result, *gradients = ctx.saved_tensors
    if upstream is None:
        return (None,) * 7
    scaled = scaled_gradients(gradients, ctx.needs, upstream)
    of_weight = result * upstream if ctx.needs_input_grad[3] else None
    return (*scaled, of_weight, None, None, None)


def scaled_gradients(
    gradients: Sequence[Tensor], needs: Sequence[bool], upstream: Tensor
) -> Gradients:
    """Return the needed gradients times ``upstream``; no copy where that is known to be 1."""
    on_cpu = upstream.device.type == "cpu" and not torch.compiler.is_compiling()
    unchanged = on_cpu and type(upstream) is Tensor and bool(upstream == 1)
    return [
        (gradient if unchanged else gradient * upstream.to(gradient.dtype)) if need else None
        for gradient, need in zip(gradients, needs, strict=True)
    ]


_total.register_autograd(_scale_gradients, setup_context=_keep_gradients)


@torch.library.custom_op("klaim::chunked_values", mutates_args=())
def _values(
    student: Tensor,
    teacher: Tensor | None,
    extra: Tensor | None,
    row_weight: Tensor,
    name: str,
    parameters: list[float],
) -> Tensor:
    rows = Rows(student, teacher, extra)
    result = _new_values(student, width(name, teacher))
    for part in _chunks(student, row_weight):
        result[part] = values_alone(name, rows.part(part), parameters)
    return result


@_values.register_fake
def _(student: Tensor, teacher: Tensor | None, *rest: Any) -> Tensor:
    return _new_values(student, width(rest[2], teacher))


@torch.library.custom_op("klaim::chunked_gradients", mutates_args=())
def _gradients(
    student: Tensor,
    teacher: Tensor | None,
    extra: Tensor | None,
    row_weight: Tensor,
    name: str,
    parameters: list[float],
    upstream: Tensor,
    needs: list[bool],
) -> tuple[Tensor, Tensor, Tensor]:
    rows = Rows(student, teacher, extra)
    gradients = sweep(name, rows, parameters, row_weight, upstream, needs)[1]
    return gradients[0], gradients[1], gradients[2]


@_gradients.register_fake
def _(
    student: Tensor, teacher: Tensor | None, extra: Tensor | None, *rest: Any
) -> tuple[Tensor, Tensor, Tensor]:
    gradients = _new_gradients(Rows(student, teacher, extra), rest[-1])
    return gradients[0], gradients[1], gradients[2]


def _keep_inputs(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:  # noqa: ARG001
    *tensors, ctx.name, ctx.parameters = inputs
    ctx.save_for_backward(*tensors)


def _compute_again(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
    needs = needed(ctx, 3)
    gradients = _gradients(*ctx.saved_tensors, ctx.name, ctx.parameters, upstream, needs)
    return asked(gradients, needs, 3)


_values.register_autograd(_compute_again, setup_context=_keep_inputs)


def _chunks(
    student: Tensor, row_weight: Tensor, gradients: Sequence[Tensor] = ()
) -> Iterator[slice | Tensor]:
    """Yield which rows to read at once: those of a weight other than 0; clear other gradients."""
    count = student.shape[0]
    row = max(1, student[0].numel() if count else 1)
    height = max(1, CHUNK_ELEMENTS.get(student.device.type, 2**18) // row)
    dropped = row_weight == 0
    if not bool(dropped.any()):
        yield from (slice(i, min(i + height, count)) for i in range(0, count, height))
        return
    for gradient in gradients:
        if gradient.numel():
            gradient[dropped] = 0
    kept = row_weight.nonzero().squeeze(-1)
    yield from (kept[i : i + height] for i in range(0, len(kept), height))


def _new_values(student: Tensor, columns: int) -> Tensor:
    shape = (student.shape[0], columns) if columns else (student.shape[0],)
    return student.new_zeros(shape, dtype=compute_dtype(student.dtype))


def _new_gradients(rows: Rows, needs: Sequence[bool]) -> list[Tensor]:
    return [
        torch.empty_like(tensor, memory_format=torch.contiguous_format)
        if need and tensor is not None
        else rows.student.new_empty(0)
        for tensor, need in zip(rows, needs, strict=True)
    ]


def _store(gradients: list[Tensor], part: slice | Tensor, of_part: Gradients) -> None:
    for whole, own in zip(gradients, of_part, strict=True):
        if own is None:
            continue
        # What was computed in place needs no copy.
        if not (isinstance(part, slice) and own.data_ptr() == whole[part].data_ptr()):
            whole[part] = own
