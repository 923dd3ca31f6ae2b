"""One training run on one device, or spread over several GPUs by ``accelerate``."""

from __future__ import annotations

import contextlib
from contextlib import AbstractContextManager
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from models.language.batches import Batch
from models.language.libraries import library
from repro.errors import UserError


class Processes(Protocol):
    """Who shares the work of a step. Batches are cut by sequences; gradients are added up."""

    device: str
    is_first: bool

    def prepare(self, module: nn.Module) -> nn.Module:
        """Return the module to call in place of ``module``, on its device."""

    def own(self, batch: Batch) -> Batch:
        """Return this process's sequences of a batch, on the device: one at least."""

    def scale(self, loss: Tensor) -> Tensor:
        """Return a share of the loss such that gradients of all processes add up to the whole's."""

    def without_exchange(self, module: nn.Module) -> AbstractContextManager[object]:
        """Return the context of a pass after which gradients are not exchanged yet."""

    def total(self, number: Tensor) -> Tensor:
        """Return the sum of a number over all processes."""


class OneProcess:
    """All of it here."""

    is_first = True

    def __init__(self, device: str = "cpu") -> None:
        self.device = device

    def prepare(self, module: nn.Module) -> nn.Module:
        """Return the module, on the device."""
        return module.to(self.device)

    def own(self, batch: Batch) -> Batch:
        """Return all of it, on the device."""
        return batch.to(self.device)

    def scale(self, loss: Tensor) -> Tensor:
        """Return the loss."""
        return loss

    def without_exchange(self, module: nn.Module) -> AbstractContextManager[object]:  # noqa: ARG002
        """Return an empty context."""
        return contextlib.nullcontext()

    def total(self, number: Tensor) -> Tensor:
        """Return the number."""
        return number


class AcceleratedProcesses:
    """One process per GPU, started by ``accelerate launch`` or ``torchrun``.

    Precision stays the training loop's own business, so that one process and several compute alike.
    """

    def __init__(self) -> None:
        cpu = not torch.cuda.is_available()
        self._accelerator: Any = library("accelerate").Accelerator(cpu=cpu, mixed_precision="no")
        self.device = str(self._accelerator.device)
        self.is_first: bool = self._accelerator.is_main_process

    def prepare(self, module: nn.Module) -> nn.Module:
        """Return the module wrapped for data parallel training."""
        wrapped: nn.Module = self._accelerator.prepare(module.to(self.device))
        return wrapped

    def own(self, batch: Batch) -> Batch:
        """Return every n-th sequence of n processes, on the device. Too few: ``UserError``."""
        count, own = self._accelerator.num_processes, self._accelerator.process_index
        if len(batch.tokens) < count:
            raise UserError(
                f"a batch of {len(batch.tokens)} sequences cannot be shared by {count} processes: "
                "make it larger, or start fewer processes"
            )
        return batch.rows(slice(own, None, count)).to(self.device)

    def scale(self, loss: Tensor) -> Tensor:
        """Return the loss times the number of processes, whose gradients are averaged."""
        return loss * int(self._accelerator.num_processes)

    def without_exchange(self, module: nn.Module) -> AbstractContextManager[object]:
        """Return accelerate's context of that meaning."""
        context: AbstractContextManager[object] = self._accelerator.no_sync(module)
        return context

    def total(self, number: Tensor) -> Tensor:
        """Return the sum over all processes."""
        summed: Tensor = self._accelerator.reduce(number, "sum")
        return summed
