"""The same losses from other libraries, where these are installed."""

from __future__ import annotations

from importlib.util import find_spec

from torch import Tensor

from losses.profile.operations import Loss


def peers(operation: str) -> dict[str, Loss]:
    """Return the peers of an operation by their libraries' names."""
    if find_spec("liger_kernel") is None:
        return {}
    known: dict[str, Loss] = {
        "kl_divergence": _liger_kl,
        "js_divergence": _liger_js,
        "cross_entropy": _liger_cross_entropy,
        "linear_kl_divergence": _liger_linear_kl,
        "linear_cross_entropy": _liger_linear_cross_entropy,
    }
    return {"Liger-Kernel": known[operation]} if operation in known else {}


def _liger_kl(student: Tensor, teacher: Tensor) -> Tensor:
    from liger_kernel.transformers.kl_div import LigerKLDIVLoss

    loss = LigerKLDIVLoss(reduction="batchmean", log_target=True)
    value: Tensor = loss(student.float().log_softmax(-1), teacher.float().log_softmax(-1))
    return value


def _liger_js(student: Tensor, teacher: Tensor) -> Tensor:
    from liger_kernel.transformers.jsd import LigerJSD

    value: Tensor = LigerJSD(beta=0.5)(
        student.float().log_softmax(-1), teacher.float().log_softmax(-1)
    )
    return value


def _liger_cross_entropy(student: Tensor, target: Tensor) -> Tensor:
    from liger_kernel.transformers.cross_entropy import LigerCrossEntropyLoss

    # It overwrites its input with the gradient: the next repetition needs fresh logits.
    value: Tensor = LigerCrossEntropyLoss()(student.clone(), target)
    return value


def _liger_linear_kl(hidden: Tensor, head: Tensor, teacher: Tensor, teacher_head: Tensor) -> Tensor:
    from liger_kernel.transformers.fused_linear_jsd import LigerFusedLinearJSD

    # Its beta of 0 is the forward KL.
    loss = LigerFusedLinearJSD(jsd_beta=0.0)
    value: Tensor = loss(hidden, head, teacher, teacher_head, None)
    return value


def _liger_linear_cross_entropy(hidden: Tensor, head: Tensor, target: Tensor) -> Tensor:
    from liger_kernel.transformers.fused_linear_cross_entropy import (
        LigerFusedLinearCrossEntropyLoss,
    )

    value: Tensor = LigerFusedLinearCrossEntropyLoss()(head, hidden, target)
    return value
