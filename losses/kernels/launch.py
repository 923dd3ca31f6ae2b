"""Launching the kernels: one program per row, block sizes, strides, types."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from losses.rows.backends import interpreted

#: Elements of a block, and the warps that share it: with 8 to 16 elements per thread nothing spills
#: (tests/losses/test_kernel_compilation.py).
BLOCK = 2048
WARPS = 8

#: Sides of a tile of pairs of samples, and the columns of points that are read at once.
GRAM_TILE = {"ROWS": 32, "COLUMNS": 64, "STEP": 16, "num_warps": 8}
#: Columns of a gradient that one program writes.
GRAM_POINTS = 64


#: Is told of a launch: the kernel's name, and what Triton compiled (``None`` if interpreted).
Observer = Callable[[str, Any], None]

_observers: list[Observer] = []


def run(kernel: Any, grid: tuple[int, ...], *arguments: Any, **options: Any) -> None:
    """Launch a kernel on the device of its first tensor, which need not be the current one."""
    first = next(argument for argument in arguments if isinstance(argument, Tensor))
    with torch.cuda.device(first.device) if first.is_cuda else nullcontext():
        compiled = kernel[grid](*arguments, **options)
    for observer in _observers:
        observer(kernel.fn.__name__, compiled)


@contextmanager
def observed(observer: Observer) -> Iterator[None]:
    """Tell ``observer`` of every launch until the context ends."""
    _observers.append(observer)
    try:
        yield
    finally:
        _observers.remove(observer)


def block_options(n_columns: int, block: int | None = None) -> dict[str, Any]:
    """Return block size and warps for rows of ``n_columns``: a short row is one short block."""
    size = min(block or BLOCK, max(16, triton.next_power_of_2(n_columns)))
    return {"BLOCK": size, "num_warps": max(1, min(WARPS, size // 256))}


def accumulator(dtype: torch.dtype) -> Any:
    """Return the kernels' accumulator type for logits of ``dtype``."""
    return tl.float64 if dtype == torch.float64 else tl.float32


def fast(dtype: torch.dtype) -> bool:
    """Return whether approximate instructions may be used: not interpreted, not in float64."""
    return not interpreted() and dtype != torch.float64


def row_stride(tensor: Tensor | None) -> int:
    """Return the distance between rows; the last dimension must be contiguous."""
    if tensor is None:
        return 0
    assert tensor.stride(-1) == 1 or tensor.shape[-1] == 1, "rows must be contiguous"
    return tensor.stride(0)
