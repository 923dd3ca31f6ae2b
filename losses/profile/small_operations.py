"""The losses whose cost is launches, images or pairs of samples, at the sizes of their papers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

import losses
from losses.profile.operations import Loss, Make, Operation, by_definition


def small_operations(*, large: bool = True) -> list[Operation]:
    """Return what ``make profile`` times beside the losses over a vocabulary.

    ``large``: at a GPU's sizes; a processor gets smaller images and fewer samples.
    """
    return [
        *_of_samples(4096 if large else 1024),
        _latents(),
        _images(8, torch.bfloat16) if large else _images(1, torch.float32),
    ]


def _of_samples(count: int, columns: int = 64) -> list[Operation]:
    def samples(*widths: int) -> Make:
        """Make samples of several variables, the last of which asks for a gradient."""

        def make(device: str) -> list[Tensor]:
            generator = torch.Generator(device).manual_seed(0)
            found = [torch.randn(count, w, generator=generator, device=device) for w in widths]
            found[-1].requires_grad_()
            return found

        return make

    def operation(name: str, ours: Loss, make: Make) -> Operation:
        sizes = {"samples": count, "columns": columns}
        return Operation(name, ours, by_definition(ours), make, sizes, torch.float32)

    def divergence(*inputs: Tensor, **options: Any) -> Tensor:
        return losses.cauchy_schwarz_divergence(*inputs, bandwidth=8.0, **options)

    def conditional(*inputs: Tensor, **options: Any) -> Tensor:
        return losses.conditional_cauchy_schwarz_divergence(
            *inputs, x_bandwidth=8.0, y_bandwidth=1.0, **options
        )

    def information(*inputs: Tensor, **options: Any) -> Tensor:
        return losses.cauchy_schwarz_mutual_information(
            *inputs, x_bandwidth=8.0, t_bandwidth=4.0, **options
        )

    return [
        operation("cauchy_schwarz_divergence", divergence, samples(columns, columns)),
        operation("conditional_cauchy_schwarz_divergence", conditional, samples(columns, 1, 1)),
        operation("cauchy_schwarz_mutual_information", information, samples(columns, columns // 4)),
    ]


def _latents() -> Operation:
    def make(device: str) -> list[Tensor]:
        generator = torch.Generator(device).manual_seed(0)
        sides = (torch.randn(1024, 32, 32, generator=generator, device=device) for _ in range(2))
        return [side.requires_grad_() for side in sides]

    return Operation(
        "balanced_categorical_kl",
        losses.balanced_categorical_kl,
        by_definition(losses.balanced_categorical_kl),
        make,
        {"steps": 1024, "groups": 32, "classes": 32},
        torch.float32,
        (2, 4),
        pass_bytes=1024 * 32 * 32 * 4,
    )


def _images(count: int, dtype: torch.dtype, classes: int = 21, side: int = 512) -> Operation:
    def make(device: str) -> list[Tensor]:
        generator = torch.Generator(device).manual_seed(0)
        shape = count, classes, side, side
        scores = torch.randn(*shape, generator=generator, device=device).to(dtype)
        return [scores.requires_grad_(), torch.full((classes,), 1 / classes, device=device)]

    return Operation(
        "entropy_proportion",
        losses.entropy_proportion,
        by_definition(losses.entropy_proportion),
        make,
        {"images": count, "classes": classes, "pixels": side * side},
        dtype,
        (1, 3),
        pass_bytes=count * classes * side * side * dtype.itemsize,
    )
