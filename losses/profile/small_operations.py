"""The losses whose cost is launches, images or pairs of samples, at the sizes of their papers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

import losses
from losses.profile.operations import Operation, by_definition


def small_operations() -> list[Operation]:
    """Return what ``make profile`` times beside the losses over a vocabulary."""

    def latents(device: str) -> list[Tensor]:
        generator = torch.Generator(device).manual_seed(0)
        sides = (torch.randn(1024, 32, 32, generator=generator, device=device) for _ in range(2))
        return [side.requires_grad_() for side in sides]

    def images(device: str) -> list[Tensor]:
        generator = torch.Generator(device).manual_seed(0)
        scores = torch.randn(8, 21, 512, 512, generator=generator, device=device).bfloat16()
        return [scores.requires_grad_(), torch.full((21,), 1 / 21, device=device)]

    def samples(device: str) -> list[Tensor]:
        generator = torch.Generator(device).manual_seed(0)
        shapes = ((4096, 64), (4096, 1), (4096, 1))
        x, y, prediction = (torch.randn(*s, generator=generator, device=device) for s in shapes)
        return [x, y, prediction.requires_grad_()]

    def conditional(*inputs: Tensor, **options: Any) -> Tensor:
        return losses.conditional_cauchy_schwarz_divergence(
            *inputs, x_bandwidth=8.0, y_bandwidth=1.0, **options
        )

    return [
        Operation(
            "conditional_cauchy_schwarz_divergence",
            conditional,
            by_definition(conditional),
            samples,
            {"samples": 4096, "columns": 64},
            torch.float32,
        ),
        Operation(
            "balanced_categorical_kl",
            losses.balanced_categorical_kl,
            by_definition(losses.balanced_categorical_kl),
            latents,
            {"steps": 1024, "groups": 32, "classes": 32},
            torch.float32,
            (2, 4),
            pass_bytes=1024 * 32 * 32 * 4,
        ),
        Operation(
            "entropy_proportion",
            losses.entropy_proportion,
            by_definition(losses.entropy_proportion),
            images,
            {"images": 8, "classes": 21, "pixels": 512 * 512},
            torch.bfloat16,
            (1, 3),
            pass_bytes=8 * 21 * 512 * 512 * 2,
        ),
    ]
