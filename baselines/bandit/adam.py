"""Adam (Kingma and Ba, ICLR 2015), with PyTorch's defaults, for the weights of all streams."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tasks.bandit.protocol import Floats

_FIRST, _SECOND, _SMALL = 0.9, 0.999, 1e-8


@dataclass
class Adam:
    """Moves ``weights`` (streams, count), float32, in place.

    ``weight_decay``  times the weights is added to every gradient, as ``torch.optim.Adam`` does
    """

    weights: Floats
    weight_decay: float = 0.0
    taken: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.mean, self.square = np.zeros_like(self.weights), np.zeros_like(self.weights)
        self._room = np.empty_like(self.weights)

    def step(self, gradient: Floats, rate: float) -> None:
        """Take one step; ``gradient`` (streams, count) is written over."""
        self.taken += 1
        room = self._room
        if self.weight_decay:
            gradient += np.multiply(self.weights, self.weight_decay, out=room)
        self.mean *= _FIRST
        self.mean += np.multiply(gradient, 1.0 - _FIRST, out=room)
        self.square *= _SECOND
        np.square(gradient, out=gradient)
        self.square += np.multiply(gradient, 1.0 - _SECOND, out=room)
        divisor = np.sqrt(self.square, out=room)
        divisor *= (1.0 - _SECOND**self.taken) ** -0.5
        divisor += _SMALL
        move = np.divide(self.mean, divisor, out=gradient)
        move *= rate / (1.0 - _FIRST**self.taken)
        self.weights -= move
