"""Random perturbation of the predictions: what makes the loss have one minimum.

    f̃_s(θ; x) = f(θ; x) + κ Σ_j (θ_j − θ_{0,j}) ε_{s,j},    κ = c_p / m^{1/4},    s = 1 … S

with fresh Rademacher signs ε_s for every round, one for each of the p weights, and S = ⌈ln m⌉ of
them. The same signs serve all arms of a round: the perturbation shifts every arm's prediction by
the same amount. In expectation ½ (y − f̃)² is ½ (y − f)² + ½ κ² ‖θ − θ₀‖², so that for the squared
loss the perturbation is, on average, a pull to the start.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from tasks.bandit.network import ArmNetworks
from tasks.bandit.protocol import Floats, Problem

#: The signs that the bits of a byte stand for: drawing bytes is far cheaper than drawing signs.
_SIGNS_OF_BYTE = (
    2.0 * np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1) - 1.0
).astype(np.float32)


def perturbation_scale(strength: float, width: int) -> float:
    """Return κ = c_p / m^{1/4}."""
    return float(strength / width**0.25)


def ensemble_size(width: int) -> int:
    """Return S = ⌈ln m⌉, at least 1."""
    return max(1, math.ceil(math.log(width)))


@dataclass
class Perturbation:
    """The signs of the present round and what they do; one set for each stream.

    ``strength``  c_p
    """

    problem: Problem
    networks: ArmNetworks
    strength: float
    signs: Floats = field(init=False)

    def __post_init__(self) -> None:
        self.scale = perturbation_scale(self.strength, self.problem.hidden_width)
        self.size = ensemble_size(self.problem.hidden_width)
        self._sources = self.problem.generators("perturbation")
        count = self.size * self.networks.count
        self._bytes = -(-count // 8)
        self._room = np.empty((self.problem.streams, self._bytes, 8), np.float32)
        flat = self._room.reshape(self.problem.streams, -1)[:, :count]
        self.signs = flat.reshape(self.problem.streams, self.size, self.networks.count)

    def __getstate__(self) -> dict[str, object]:
        """Leave out the signs: every round draws its own."""
        return {k: v for k, v in self.__dict__.items() if k not in ("signs", "_room")}

    def __setstate__(self, state: dict[str, object]) -> None:
        """Make room for the signs anew."""
        self.__dict__.update(state)
        count = self.size * self.networks.count
        self._room = np.empty((self.problem.streams, self._bytes, 8), np.float32)
        flat = self._room.reshape(self.problem.streams, -1)[:, :count]
        self.signs = flat.reshape(self.problem.streams, self.size, self.networks.count)

    def draw(self) -> Floats:
        """Draw this round's signs; return the S shifts of every prediction, (streams, S)."""
        assert self.networks.start is not None
        shifts = np.empty((self.problem.streams, self.size), np.float32)
        for stream, source in enumerate(self._sources):
            drawn = np.frombuffer(source.bytes(self._bytes), dtype=np.uint8)
            np.take(_SIGNS_OF_BYTE, drawn, axis=0, out=self._room[stream], mode="clip")
            moved = self.networks.weights[stream] - self.networks.start[stream]
            shifts[stream] = self.signs[stream] @ moved
        return self.scale * shifts

    def descend(self, step: Floats) -> None:
        """Subtract Σ_s step_s κ ε_s from the weights; ``step`` is (streams, S)."""
        for stream in range(self.problem.streams):
            self.networks.weights[stream] -= (self.scale * step[stream]) @ self.signs[stream]
