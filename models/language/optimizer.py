"""AdamW for a model's weights; a small model's lie end to end, so that a step is two kernels.

With small models the time of a step is that of its calls, not of its arithmetic: one for each
weight tensor would be a third of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

#: Models of more weights than this are left as they are: their steps are arithmetic.
MOST_JOINED = 2**22


class WeightOptimizer:
    """AdamW; weight decay on matrices alone. ``joined``: small tensors lie end to end meanwhile."""

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        learning_rate: float,
        betas: tuple[float, float],
        weight_decay: float,
        *,
        joined: bool,
    ) -> None:
        trained = [p for p in parameters if p.requires_grad]
        kinds = [[p for p in trained if p.ndim > 1], [p for p in trained if p.ndim < 2]]
        small = sum(p.numel() for p in trained) <= MOST_JOINED
        self._joined = [_Joined(kind) for kind in kinds if kind] if joined and small else []
        own: list[list[Tensor]] = [[j.weights] for j in self._joined]
        own = own or [list(kind) for kind in kinds if kind]
        decays = [d for d, kind in zip((weight_decay, 0.0), kinds, strict=True) if kind]
        self.weights: list[Tensor] = [tensor for group in own for tensor in group]
        groups = [
            {"params": group, "weight_decay": decay}
            for group, decay in zip(own, decays, strict=True)
        ]
        self.adamw = torch.optim.AdamW(groups, lr=learning_rate, betas=betas, fused=True)

    def set_rate(self, rate: float) -> None:
        """Set the learning rate of the next step."""
        for group in self.adamw.param_groups:
            group["lr"] = rate

    def clip(self, largest: float) -> None:
        """Scale the gradient down to the norm ``largest``, where it is above."""
        nn.utils.clip_grad_norm_(self.weights, largest)

    def clear(self) -> None:
        """Forget the gradients."""
        if self._joined:
            for joined in self._joined:
                joined.gradient.zero_()
        else:
            self.adamw.zero_grad(set_to_none=True)

    def join(self) -> None:
        """Lay the weights end to end again after :meth:`part`, as they are by now."""
        for joined in self._joined:
            joined.join()

    def part(self) -> None:
        """Give every weight a memory of its own again, as saving needs it."""
        for joined in self._joined:
            joined.part()

    def state_dict(self) -> dict[str, Any]:
        """Return AdamW's state, copied: AdamW hands out its own tensors."""
        return deepcopy(self.adamw.state_dict())

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take a copy of AdamW's state."""
        self.adamw.load_state_dict(deepcopy(state))


class _Joined:
    """Weights that are views of one tensor, and their gradients of another."""

    def __init__(self, parameters: Sequence[nn.Parameter]) -> None:
        self.parameters = parameters
        self.weights = torch.cat([p.detach().reshape(-1) for p in parameters])
        self.gradient = torch.zeros_like(self.weights)
        self.weights.grad = self.gradient
        self._apart = True
        self.join()

    def join(self) -> None:
        if not self._apart:
            return
        sizes = [p.numel() for p in self.parameters]
        places = zip(
            torch.split(self.weights, sizes), torch.split(self.gradient, sizes), strict=True
        )
        for parameter, (weight, gradient) in zip(self.parameters, places, strict=True):
            weight.copy_(parameter.detach().reshape(-1))
            parameter.data = weight.view(parameter.shape)
            parameter.grad = gradient.view(parameter.shape)
        self._apart = False

    def part(self) -> None:
        for parameter in self.parameters:
            parameter.data = parameter.detach().clone()
            parameter.grad = None
        self._apart = True
