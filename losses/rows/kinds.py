"""The words that every row-wise loss shares: its rows, its parameters, its implementation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

from torch import Tensor

#: Which implementation computes a loss. ``None`` lets the device decide.
Backend = Literal["reference", "chunked", "triton"]

Reduction = Literal["mean", "sum", "none"]


class Rows(NamedTuple):
    """What a loss reads, one row per token (or image): the first dimension of each tensor."""

    student: Tensor
    teacher: Tensor | None = None
    #: Class indices, keep weights or a prior, as the loss wants.
    extra: Tensor | None = None

    def part(self, rows: slice | Tensor) -> Rows:
        """Return some of the rows."""
        return Rows(
            self.student[rows],
            None if self.teacher is None else self.teacher[rows],
            None if self.extra is None else self.extra[rows],
        )


class Definition(Protocol):
    """The value of a loss for each row: (n,), or (n, k) for k quantities at once."""

    def __call__(self, rows: Rows, parameters: Sequence[float], *, finite: bool = False) -> Tensor:
        """Return the values. ``finite`` promises that no logit is −∞, which saves the care."""
