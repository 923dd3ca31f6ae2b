"""A network's weights as one vector: an optimiser's step is one operation, not one per layer."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class WeightVector:
    """All parameters of a network in one tensor, which they are views of from then on.

    ``values``  (count,); what is written there is what the network computes with. Its ``grad`` is
                set by :meth:`differentiate`, so that it can stand in an optimiser's list.
    """

    def __init__(self, network: nn.Module) -> None:
        # The largest first: single numbers in front would take the matrices out of alignment.
        self._parts = sorted(network.parameters(), key=Tensor.numel, reverse=True)
        self.values = torch.cat([part.detach().flatten() for part in self._parts])
        sizes = [part.numel() for part in self._parts]
        for part, view in zip(self._parts, torch.split(self.values, sizes), strict=True):
            part.data = view.view_as(part)

    def differentiate(self, loss: Tensor) -> None:
        """Set ``values.grad`` to the gradient of a scalar; 0 for weights that it does not use."""
        gradients = torch.autograd.grad(loss, self._parts, materialize_grads=True)
        self.values.grad = torch.cat([gradient.flatten() for gradient in gradients])
