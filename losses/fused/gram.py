"""Log row sums of products of Gaussian Gram matrices as an operator; no matrix is ever stored."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
import triton
from torch import Tensor

from losses.kernels.gram import pull_kernel, row_log_sum_kernel
from losses.kernels.launch import GRAM_POINTS, GRAM_TILE, accumulator, run
from losses.rows.backward import refuse_second_derivative


class _Pairs(NamedTuple):
    """Points of rows and of columns, a product of one or two kernels."""

    a: Tensor
    b: Tensor
    c: Tensor | None
    d: Tensor | None

    def swapped(self) -> _Pairs:
        return _Pairs(self.b, self.a, self.d, self.c)

    def arguments(self) -> list[Tensor]:
        """Return points and half norms, the first pair twice where there is no second."""
        first = [self.a, self.b, _half_norms(self.a), _half_norms(self.b)]
        if self.c is None or self.d is None:
            return first * 2
        return [*first, self.c, self.d, _half_norms(self.c), _half_norms(self.d)]

    def widths(self) -> tuple[int, int]:
        return self.a.shape[1], 0 if self.c is None else self.c.shape[1]


def row_log_sums(
    a: Tensor,
    b: Tensor,
    c: Tensor | None = None,
    d: Tensor | None = None,
    bias: Tensor | None = None,
) -> Tensor:
    """Return log Σⱼ exp(−½‖aᵢ − bⱼ‖² − ½‖cᵢ − dⱼ‖² + biasⱼ), (N,), differentiable in all.

    ``a`` (N, k) and ``b`` (M, k) are samples divided by their bandwidth, ``c`` and ``d`` a second
    pair with the same rows, ``bias`` (M,).
    """
    points = [None if p is None else p.contiguous() for p in (a, b, c, d)]
    result: Tensor = _row_log_sums(*points, bias)
    return result


@torch.library.custom_op("klaim::gram_row_log_sums", mutates_args=())
def _row_log_sums(
    a: Tensor, b: Tensor, c: Tensor | None, d: Tensor | None, bias: Tensor | None
) -> Tensor:
    pairs = _Pairs(a, b, c, d)
    out = a.new_empty(len(a))
    run(
        row_log_sum_kernel,
        (triton.cdiv(len(a), GRAM_TILE["ROWS"]),),
        *pairs.arguments(),
        a if bias is None else bias.contiguous(),
        out,
        len(a),
        len(b),
        *pairs.widths(),
        SECOND=c is not None,
        BIAS=bias is not None,
        ACC=accumulator(a.dtype),
        **GRAM_TILE,
    )
    return out


@_row_log_sums.register_fake
def _(a: Tensor, *_: Any) -> Tensor:
    return a.new_empty(len(a))


@torch.library.custom_op("klaim::gram_pull", mutates_args=())
def _pull(
    a: Tensor,
    b: Tensor,
    c: Tensor | None,
    d: Tensor | None,
    own_log: Tensor,
    other_log: Tensor,
    other_factor: Tensor,
    points: Tensor,
) -> tuple[Tensor, Tensor]:
    """Return Σⱼ W (N,) and Σⱼ W points (N, k) with W of ``losses.kernels.gram.pull_kernel``."""
    pairs = _Pairs(a, b, c, d)
    mass, out = a.new_empty(len(a)), a.new_empty(len(a), points.shape[1])
    block = min(GRAM_POINTS, max(16, triton.next_power_of_2(points.shape[1])))
    run(
        pull_kernel,
        (triton.cdiv(len(a), GRAM_TILE["ROWS"]), triton.cdiv(points.shape[1], block)),
        *pairs.arguments(),
        own_log.contiguous(),
        other_log.contiguous(),
        # A gradient that comes from a sum is one number, expanded.
        other_factor.contiguous(),
        points,
        mass,
        out,
        len(a),
        len(b),
        *pairs.widths(),
        points.shape[1],
        SECOND=c is not None,
        POINTS=block,
        ACC=accumulator(a.dtype),
        **GRAM_TILE,
    )
    return mass, out


@_pull.register_fake
def _(a: Tensor, *rest: Any) -> tuple[Tensor, Tensor]:
    return a.new_empty(len(a)), a.new_empty(len(a), rest[-1].shape[1])


def _half_norms(points: Tensor) -> Tensor:
    return points.square().sum(1) / 2


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.save_for_backward(*inputs, output)


def _backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
    refuse_second_derivative()
    *points, bias, log_sums = ctx.saved_tensors
    pairs, needs = _Pairs(*points), ctx.needs_input_grad
    bias = torch.zeros_like(pairs.b[:, 0]) if bias is None else bias
    gradients: list[Tensor | None] = [None] * 5
    nothing = torch.ones_like(bias)
    for index, (own, other) in enumerate(((0, 1), (2, 3))):
        if needs[own]:
            # Rows: the weights of one row share its upstream gradient, taken outside.
            mass, pulled = _pull(*pairs, -log_sums, bias, nothing, points[other])
            gradients[own] = upstream[:, None] * (pulled - mass[:, None] * points[own])
        if needs[other] or (needs[4] and index == 0):
            mass, pulled = _pull(*pairs.swapped(), bias, -log_sums, upstream, points[own])
            if needs[other]:
                gradients[other] = pulled - mass[:, None] * points[other]
            if index == 0 and needs[4]:
                gradients[4] = mass
    return tuple(gradients)


_row_log_sums.register_autograd(_backward, setup_context=_keep)
