"""The two-layer network on the disjoint encoding of arms, for all streams at once.

    f(x_a) = (1/√m) Σ_j v_j relu(w_{a,j} · x),    x_a = (0, …, x at block a, …, 0)

The first layer of a network on x_a, of length K·d, is a matrix of K blocks, and x_a meets block a
alone. So the blocks are kept apart and no vector of length K·d is ever made.

NTK parametrisation with an antisymmetric start: half of the units are standard normal with v = 1,
the other half are their copies with v = −1, so that f = 0 at the start.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tasks.bandit.protocol import Floats, Index, Problem


class Activations(NamedTuple):
    """What one forward pass gives.

    ``hidden``  (streams, arms, units): relu(w · x)
    ``output``  (streams, arms)
    """

    hidden: Floats
    output: Floats


class Gradient(NamedTuple):
    """The gradient of one arm's output: that of its block is an outer product.

    ``units``   (streams, units): of the block, without its factor x
    ``output``  (streams, units): of the second layer
    """

    units: Floats
    output: Floats


class ArmNetworks:
    """One network per stream.

    ``weights``  (streams, count): all weights; ``blocks`` (streams, arms, units, dimension) and
                 ``output`` (streams, units) are views of it
    ``start``    the same at the start, or ``None`` where nobody asks for it
    """

    def __init__(
        self, problem: Problem, *, keep_start: bool = False, dtype: Any = np.float32
    ) -> None:
        shape = (problem.arms, problem.hidden_width, problem.dimension)
        size = int(np.prod(shape))
        self.width = problem.hidden_width
        self.scale = self.width**-0.5
        self.weights = np.empty((problem.streams, size + self.width), dtype=dtype)
        self.blocks = self.weights[:, :size].reshape(problem.streams, *shape)
        self.output = self.weights[:, size:]
        self._rows = np.arange(problem.streams)
        self._start(problem)
        self.start = self.weights.copy() if keep_start else None

    def _start(self, problem: Problem) -> None:
        half = self.width // 2
        shape = (problem.arms, half, problem.dimension)
        for stream, source in enumerate(problem.generators("init")):
            drawn = source.standard_normal(shape)
            self.blocks[stream, :, :half] = self.blocks[stream, :, half:] = drawn
        self.output[:, :half] = 1.0
        self.output[:, half:] = -1.0

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the views: pickled on their own they would be copies."""
        return {k: v for k, v in self.__dict__.items() if k not in ("blocks", "output")} | {
            "shape": self.blocks.shape
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Make the views anew."""
        shape = state.pop("shape")
        self.__dict__.update(state)
        size = int(np.prod(shape[1:]))
        self.blocks = self.weights[:, :size].reshape(shape)
        self.output = self.weights[:, size:]

    @property
    def count(self) -> int:
        """Number of weights of one network."""
        return int(self.weights.shape[1])

    def forward(self, x: Floats) -> Activations:
        """Return hidden units and outputs of every arm for contexts (streams, dimension)."""
        streams, arms, units, dimension = self.blocks.shape
        first = self.blocks.reshape(streams, arms * units, dimension) @ x[:, :, None]
        hidden = np.maximum(first, 0.0).reshape(streams, arms, units)
        return Activations(hidden, (hidden @ self.output[:, :, None])[:, :, 0] * self.scale)

    def at(self, x: Floats, arms: Index) -> Activations:
        """Return the same of one arm per stream: (streams, units) and (streams,)."""
        first = (self.blocks[self._rows, arms] @ x[:, :, None])[:, :, 0]
        hidden = np.maximum(first, 0.0)
        return Activations(hidden, (hidden * self.output).sum(axis=1) * self.scale)

    def gradient(self, hidden: Floats) -> Gradient:
        """Return the gradient of the output of an arm with hidden units (streams, units)."""
        active = hidden > 0
        return Gradient(self.output * active * self.scale, hidden * self.scale)

    def descend(self, x: Floats, arms: Index, gradient: Gradient, step: Floats) -> None:
        """Subtract ``step`` (streams,) times the gradient of the arms' outputs."""
        units = gradient.units * step[:, None]
        self.blocks[self._rows, arms] -= units[:, :, None] * x[:, None, :]
        self.output -= gradient.output * step[:, None]

    def shrink(self, factor: Floats) -> None:
        """Multiply all weights by ``factor`` (streams,): weight decay."""
        self.weights *= factor[:, None]

    def diverged(self) -> npt.NDArray[np.bool_]:
        """Return which networks have weights that are not finite, (streams,)."""
        return np.asarray(~np.isfinite(self.weights.sum(axis=1)))
