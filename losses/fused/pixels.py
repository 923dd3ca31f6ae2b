"""Entropy and class proportions of images as an operator; their divergence in plain autograd."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import triton
from torch import Tensor

from losses.kernels.launch import accumulator, run
from losses.kernels.pixels import pixel_gradient_kernel, pixel_kernel
from losses.rows.backward import refuse_second_derivative
from losses.rows.definitions import proportion_divergence
from losses.rows.kinds import Rows
from losses.rows.probabilities import compute_dtype

#: Elements of a tile of all classes and some pixels.
_TILE = 4096


def entropy_proportion(_: str, rows: Rows, parameters: Sequence[float], __: Tensor) -> Tensor:
    """Return the weighted entropy plus the divergence of proportions and prior of each image."""
    of_entropy, of_proportion, forward, *class_weight = parameters
    assert rows.teacher is not None
    assert rows.extra is not None
    wide = compute_dtype(rows.student.dtype)
    weights = torch.tensor(class_weight, dtype=wide, device=rows.student.device)
    found = image_statistics(rows.student.contiguous(), rows.extra.to(wide).contiguous(), weights)
    divergence = proportion_divergence(found[:, 1:], rows.teacher.to(wide), bool(forward))
    total: Tensor = of_entropy * found[:, 0] + of_proportion * divergence
    return total


@torch.library.custom_op("klaim::image_statistics", mutates_args=())
def image_statistics(logits: Tensor, pixel_weight: Tensor, class_weight: Tensor) -> Tensor:
    """Return the weighted entropy and the class proportions of each image, (B, 1 + C)."""
    images, classes, pixels = logits.shape
    grid, options = _tiles(logits)
    parts = pixel_weight.new_zeros(images, grid[0], classes + 1)
    if logits.numel():
        run(
            pixel_kernel,
            grid,
            logits,
            pixel_weight,
            class_weight,
            parts,
            classes,
            pixels,
            ACC=accumulator(logits.dtype),
            **options,
        )
    return parts.sum(1)


@image_statistics.register_fake
def _(logits: Tensor, pixel_weight: Tensor, *_: Any) -> Tensor:
    return pixel_weight.new_empty(logits.shape[0], logits.shape[1] + 1)


@torch.library.custom_op("klaim::image_gradient", mutates_args=())
def image_gradient(
    logits: Tensor, pixel_weight: Tensor, class_weight: Tensor, upstream: Tensor
) -> Tensor:
    """Return the gradient with respect to the logits from ``upstream`` (B, 1 + C)."""
    gradient = torch.empty_like(logits)
    grid, options = _tiles(logits)
    if logits.numel():
        run(
            pixel_gradient_kernel,
            grid,
            logits,
            pixel_weight,
            class_weight,
            upstream.contiguous(),
            gradient,
            logits.shape[1],
            logits.shape[2],
            ACC=accumulator(logits.dtype),
            **options,
        )
    return gradient


@image_gradient.register_fake
def _(logits: Tensor, *_: Any) -> Tensor:
    return torch.empty_like(logits)


def _tiles(logits: Tensor) -> tuple[tuple[int, int], dict[str, Any]]:
    images, classes, pixels = logits.shape
    rows = triton.next_power_of_2(max(1, classes))
    block = max(16, min(_TILE // rows, triton.next_power_of_2(max(1, pixels))))
    options = {"CLASSES": rows, "BLOCK": block, "num_warps": max(1, min(8, rows * block // 256))}
    return (triton.cdiv(pixels, block), images), options


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:  # noqa: ARG001
    ctx.save_for_backward(*inputs)


def _backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
    refuse_second_derivative()
    needed = ctx.needs_input_grad[0]
    return (image_gradient(*ctx.saved_tensors, upstream) if needed else None), None, None


image_statistics.register_autograd(_backward, setup_context=_keep)
