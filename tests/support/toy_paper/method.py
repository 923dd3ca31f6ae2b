"""Toy methods for tests of the harness."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Near:
    """A guess that is off by ``bias`` and a little noise."""

    bias: float = 0.1

    def error(self, seed: int) -> float:
        """Return the bias with noise of up to 0.01."""
        return self.bias + (seed % 1000) / 100_000
