"""Inputs as a language model makes them: zeros or small noise would be faster, and no model's."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class VocabularyInputs:
    """Makes inputs of one size on a device; the student, or its side, asks for a gradient."""

    tokens: int
    vocabulary: int
    hidden: int
    dtype: torch.dtype = torch.bfloat16

    def both(self, device: str) -> list[Tensor]:
        """Return student's and teacher's logits: correlated, with a few peaks per token."""
        generator = torch.Generator(device).manual_seed(0)
        teacher = self._noise((self.tokens, self.vocabulary), generator).mul_(3)
        peaks = torch.randint(self.vocabulary, (self.tokens, 8), generator=generator, device=device)
        teacher.scatter_add_(1, peaks, torch.full_like(peaks, 8, dtype=self.dtype))
        student = self._noise((self.tokens, self.vocabulary), generator).add_(teacher)
        return [student.requires_grad_(), teacher]

    def with_target(self, device: str) -> list[Tensor]:
        """Return the student's logits and the teacher's likeliest classes."""
        student, teacher = self.both(device)
        return [student, teacher.argmax(-1)]

    def both_with_target(self, device: str) -> list[Tensor]:
        """Return both logits and targets."""
        student, teacher = self.both(device)
        return [student, teacher, teacher.argmax(-1)]

    def with_keep(self, device: str) -> list[Tensor]:
        """Return both logits and soft keep weights."""
        student, teacher = self.both(device)
        return [student, teacher, torch.rand_like(teacher)]

    def states(self, device: str) -> list[Tensor]:
        """Return hidden states and weights of the student, then of the teacher."""
        generator = torch.Generator(device).manual_seed(0)
        shapes = ((self.tokens, self.hidden), (self.vocabulary, self.hidden)) * 2
        made = [self._noise(shape, generator).mul_(self.hidden**-0.25) for shape in shapes]
        return [tensor.requires_grad_(index < 2) for index, tensor in enumerate(made)]

    def state_and_target(self, device: str) -> list[Tensor]:
        """Return hidden states and weights of the student, and targets."""
        own, head, *_, target = self.states_and_target(device)
        return [own, head, target]

    def states_and_target(self, device: str) -> list[Tensor]:
        """Return hidden states and weights of both sides, and targets."""
        target = torch.arange(self.tokens, device=device) % self.vocabulary
        return [*self.states(device), target]

    def _noise(self, shape: tuple[int, int], generator: torch.Generator) -> Tensor:
        return torch.randn(*shape, generator=generator, device=generator.device, dtype=self.dtype)
