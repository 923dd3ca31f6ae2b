"""Which implementation computes a loss."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import get_args

from torch import Tensor

from losses.rows.kinds import Backend


def chosen_backend(backend: Backend | None, like: Tensor) -> Backend:
    """Return ``backend``, or the default of the tensor's device. Raises ``ValueError``.

    Triton computes float64 in its interpreter alone: on a GPU it is the tests' type, not a user's.
    """
    if backend is None:
        fused = like.device.type == "cuda" and find_spec("triton") is not None
        return "triton" if fused and like.element_size() < 8 else "chunked"
    if backend not in get_args(Backend):
        raise ValueError(
            f"backend is {backend!r}: it must be one of {', '.join(get_args(Backend))}"
        )
    if backend == "triton":
        _require_triton(like)
    return backend


def interpreted() -> bool:
    """Return whether Triton's kernels run in its interpreter, on a CPU."""
    return os.environ.get("TRITON_INTERPRET") == "1"


def _require_triton(like: Tensor) -> None:
    if find_spec("triton") is None:
        raise ValueError("backend is 'triton', which is not installed: pip install triton")
    if like.device.type != "cuda" and not interpreted():
        raise ValueError(
            f"backend is 'triton' but the tensors are on {like.device.type}: Triton's kernels need "
            "a CUDA device (or its interpreter: set TRITON_INTERPRET=1 before Python starts)"
        )
