"""Autograd inside an operator, where PyTorch's dispatcher switches it off."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def recording() -> Iterator[None]:
    """Record operations for ``torch.autograd.grad`` even within a ``torch.library.custom_op``.

    An operator runs below the dispatcher's autograd keys. They are taken out of the excluded ones,
    as torch's own higher-order operators do it; there is no public way.
    """
    include = torch._C._dispatch_tls_local_include_set()
    exclude = torch._C._dispatch_tls_local_exclude_set() & torch._C._after_autograd_keyset
    with torch._C._ForceDispatchKeyGuard(include, exclude), torch.enable_grad():
        yield
