"""Autograd inside an operator, where PyTorch's dispatcher switches it off."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

#: The version of PyTorch that ``recording`` has been tried with: what it needs is not public, so
#: that a new one is tried first (tests/losses/test_inner_autograd.py).
TRIED = "2.13"

_NEEDED = (
    "_dispatch_tls_local_include_set",
    "_dispatch_tls_local_exclude_set",
    "_after_autograd_keyset",
    "_ForceDispatchKeyGuard",
)


@contextmanager
def recording() -> Iterator[None]:
    """Record operations for ``torch.autograd.grad`` even within a ``torch.library.custom_op``.

    An operator runs below the dispatcher's autograd keys. They are taken out of the excluded ones,
    as torch's own higher-order operators do it. There is no public way: ``torch.func.vjp`` records
    here too, but not under ``torch.compile``. A PyTorch without it: ``RuntimeError``.
    """
    missing = [name for name in _NEEDED if not hasattr(torch._C, name)]
    if missing:
        raise RuntimeError(
            f"PyTorch {torch.__version__} has no torch._C.{missing[0]}, which the losses need for "
            f'gradients in chunks: install PyTorch {TRIED}, or pass backend="reference"'
        )
    include = torch._C._dispatch_tls_local_include_set()
    exclude = torch._C._dispatch_tls_local_exclude_set() & torch._C._after_autograd_keyset
    with torch._C._ForceDispatchKeyGuard(include, exclude), torch.enable_grad():
        yield
