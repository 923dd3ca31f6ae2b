"""One operation, all variants, all modes: times, memory and error, side by side in one run."""

from __future__ import annotations

import gc
from typing import Any

import torch
from torch import Tensor

from losses.profile.clocks import Clock, Prepare, Run, interleaved, kernels, spread_of_equals
from losses.profile.compiled import watched
from losses.profile.operations import Loss, Operation
from losses.profile.summary import summary

#: Forward alone; forward and backward of a mean loss; the same with a gradient that is not 1; and
#: the backward pass without the forward pass before it.
MODES = ("forward", "forward + gradient", "forward + scaled gradient", "gradient alone")


def variants(operation: Operation) -> dict[str, Loss]:
    """Return ours, the eager code and the compiled eager code, by name."""
    # Many operations share code: beyond eight versions of it, PyTorch would quietly stay eager.
    torch._dynamo.reset()
    return {
        "ours": operation.ours,
        "eager": operation.eager,
        "torch.compile": torch.compile(operation.eager),
    }


def steps(loss: Loss, inputs: list[Tensor], mode: str) -> Prepare:
    """Return what makes the timed function: leaf inputs, gradients cleared before each call."""

    def forward() -> object:
        with torch.no_grad():
            return loss(*inputs)

    def both() -> object:
        _clear(inputs)
        value = loss(*inputs)
        torch.autograd.backward(value if mode == "forward + gradient" else 3 * value)
        return value

    def gradient() -> Run:
        _clear(inputs)
        value = loss(*inputs)
        return lambda: torch.autograd.backward(value)

    if mode == "gradient alone":
        return gradient
    return lambda: forward if mode == "forward" else both


def measure(
    operation: Operation,
    losses: dict[str, Loss],
    device: str,
    clocks: dict[str, Clock],
    repetitions: int,
) -> list[dict[str, Any]]:
    """Return one result per variant and mode. A variant that fails is recorded with its error.

    ``clocks``  by the name of their field: ``time_ms``, ``wall_ms``; all variants take turns
    """
    inputs = operation.make(device)
    exact = exact_gradient(operation, inputs)
    results = []
    for mode in MODES:
        usable, failed = _first_calls(losses, inputs, mode)
        times = {key: interleaved(usable, clock, repetitions) for key, clock in clocks.items()}
        for name in losses:
            result = _head(operation, name, mode)
            results.append(result)
            if name in failed:
                result["error"] = failed[name]
                continue
            for key, of_clock in times.items():
                result[key] = summary(of_clock[name])
            result["spread_of_equals"] = spread_of_equals(times[next(iter(times))][name])
            if device == "cuda":
                result |= _cost(usable[name], inputs)
            if mode == MODES[1]:
                result["relative_error"] = relative_errors(losses[name], inputs, exact)
    return results


def exact_gradient(operation: Operation, inputs: list[Tensor], most: int = 64) -> list[Tensor]:
    """Return value and gradients of the first tokens, by the eager code in float64."""
    wide = _first(inputs, most, torch.float64)
    return _value_and_gradients(operation.eager, wide)


def relative_errors(loss: Loss, inputs: list[Tensor], exact: list[Tensor]) -> list[float]:
    """Return ‖found − exact‖ / ‖exact‖ of the value and of each gradient, on the first tokens."""
    found = _value_and_gradients(loss, _first(inputs, len(exact[1]), None))
    return [
        float((own.detach().double() - other).norm() / other.norm().clamp_min(1e-300))
        for own, other in zip(found, exact, strict=True)
    ]


def _first(inputs: list[Tensor], most: int, dtype: torch.dtype | None) -> list[Tensor]:
    """Return leaves with the first entries of what has as many rows as the first input."""
    count = len(inputs[0])
    leaves = []
    for tensor in inputs:
        part = tensor.detach()[:most] if len(tensor) == count else tensor.detach()
        wide = part.to(dtype) if dtype is not None and part.is_floating_point() else part.clone()
        leaves.append(wide.requires_grad_(tensor.requires_grad))
    return leaves


def _value_and_gradients(loss: Loss, leaves: list[Tensor]) -> list[Tensor]:
    value = loss(*leaves)
    wanted = [leaf for leaf in leaves if leaf.requires_grad]
    return [value.detach(), *torch.autograd.grad(value, wanted)]


def _first_calls(
    losses: dict[str, Loss], inputs: list[Tensor], mode: str
) -> tuple[dict[str, Prepare], dict[str, str]]:
    """Return what can be called, and what failed at its first call, with its error."""
    usable: dict[str, Prepare] = {}
    failed: dict[str, str] = {}
    for name, loss in losses.items():
        prepare = steps(loss, inputs, mode)
        try:
            prepare()()
            usable[name] = prepare
        except Exception as error:  # out of memory, a peer's bug: recorded, the others go on
            failed[name] = f"{type(error).__name__}: {str(error).splitlines()[0][:200]}"
        _free()
    return usable, failed


def _cost(prepare: Prepare, inputs: list[Tensor]) -> dict[str, Any]:
    """Return kernels, their resources, and peak memory beyond inputs of one call. Needs CUDA."""
    _clear(inputs)
    run = prepare()
    _free()
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    with watched() as compiled:
        run()
    torch.cuda.synchronize()
    memory = {
        "peak_bytes": torch.cuda.max_memory_allocated() - before,
        "final_bytes": torch.cuda.memory_allocated() - before,
    }
    del run
    found = kernels(prepare, 5)
    whole = sum(kernel["ms"] for kernel in found)
    return memory | {"kernels": found, "kernel_ms": whole, "compiled": compiled}


def _head(operation: Operation, variant: str, mode: str) -> dict[str, Any]:
    gradient = mode != MODES[0]
    # What a backward pass alone must do depends on how much the forward pass has done already.
    alone = mode == MODES[3]
    return {
        "operation": operation.name,
        "variant": variant,
        "mode": mode,
        "dtype": str(operation.dtype).removeprefix("torch."),
        "shape": operation.shape,
        "least_bytes": 0 if alone else operation.least_bytes(gradient),
        "products": 0 if alone else operation.products[gradient],
    }


def _clear(inputs: list[Tensor]) -> None:
    for tensor in inputs:
        tensor.grad = None


def _free() -> None:
    if torch.cuda.is_available():
        gc.collect()
        torch.cuda.empty_cache()
