"""KL balancing of categorical latents as an operator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import triton
from torch import Tensor

from losses.kernels.balanced import balanced_kernel
from losses.kernels.launch import accumulator, run
from losses.rows.backward import refuse_second_derivative
from losses.rows.kinds import Rows
from losses.rows.probabilities import compute_dtype


def balanced_kl(_: str, rows: Rows, parameters: Sequence[float], __: Tensor) -> Tensor:
    """Return the balanced loss of each row (groups, classes)."""
    assert rows.teacher is not None
    posterior, prior = rows.student.contiguous(), rows.teacher.contiguous()
    recorded = torch.is_grad_enabled() and (posterior.requires_grad or prior.requires_grad)
    result: Tensor = row_balance(posterior, prior, list(parameters), recorded)[0]
    return result


@torch.library.custom_op("klaim::row_balance", mutates_args=())
def row_balance(
    posterior: Tensor, prior: Tensor, parameters: list[float], recorded: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the loss of each row (N,), and its gradients: empty unless ``recorded``."""
    value, *gradients = _outputs(posterior, prior, recorded)
    count, groups, classes = posterior.shape
    if count:
        tile = triton.next_power_of_2(groups), triton.next_power_of_2(classes)
        run(
            balanced_kernel,
            (count,),
            posterior,
            prior,
            value,
            *(gradients if recorded else (posterior, prior)),
            groups,
            classes,
            groups * classes,
            groups * classes,
            *parameters,
            GRADIENT=recorded,
            GROUPS=tile[0],
            CLASSES=tile[1],
            ACC=accumulator(posterior.dtype),
            num_warps=max(1, min(8, tile[0] * tile[1] // 256)),
        )
    return value, gradients[0], gradients[1]


@row_balance.register_fake
def _(posterior: Tensor, prior: Tensor, *rest: Any) -> tuple[Tensor, Tensor, Tensor]:
    return _outputs(posterior, prior, rest[-1])


def _outputs(posterior: Tensor, prior: Tensor, recorded: bool) -> tuple[Tensor, Tensor, Tensor]:
    value = posterior.new_empty(posterior.shape[0], dtype=compute_dtype(posterior.dtype))
    if not recorded:
        return value, posterior.new_empty(0), posterior.new_empty(0)
    return value, torch.empty_like(posterior), torch.empty_like(prior)


def _keep(ctx: Any, inputs: Any, output: tuple[Tensor, ...]) -> None:  # noqa: ARG001
    ctx.set_materialize_grads(False)
    ctx.save_for_backward(*output[1:])


def _backward(ctx: Any, upstream: Tensor | None, *_: Any) -> tuple[Tensor | None, ...]:
    refuse_second_derivative()
    if upstream is None:
        return None, None, None, None
    factor = upstream[:, None, None]
    scaled = (
        (gradient * factor).to(gradient.dtype) if need else None
        for gradient, need in zip(ctx.saved_tensors, ctx.needs_input_grad[:2], strict=True)
    )
    return (*scaled, None, None)


row_balance.register_autograd(_backward, setup_context=_keep)
