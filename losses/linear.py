"""Losses from hidden states and the weights of the last layer, without the logits of all tokens.

Logits are ``hidden @ weight.T``, (…, H) and (V, H) → (…, V), made a chunk of tokens at a time. The
gradient is made in the forward pass where the loss is reduced, and by a second round of chunks
where it is not. It reaches hidden states and weights of each side that asks for it; sums over
tokens are float32. Under autocast the products run in its type, as ``torch.nn.Linear`` would run
them. All other arguments are those of the functions of the same name without ``linear_``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Unpack

import torch
from torch import Tensor

from losses.divergences import Direction, Options, checked_options, kl_divergence, kl_shares
from losses.likelihood import TokenStatistics, cross_entropy, named_statistics, token_statistics
from losses.logit_arguments import (
    require_alike,
    require_hidden,
    require_range,
    require_target,
    require_temperature,
    weighting,
    without_ignored,
)
from losses.rows import linear_operators
from losses.rows.backends import chosen_backend
from losses.rows.evaluate import Weighting, row_weights, weighted
from losses.rows.kinds import Backend, Reduction
from losses.rows.linear_chunks import Linear
from losses.rows.precision import as_autocast


def linear_kl_divergence(
    student_hidden: Tensor,
    student_weight: Tensor,
    teacher_hidden: Tensor,
    teacher_weight: Tensor,
    *,
    direction: Direction = "forward",
    **options: Unpack[Options],
) -> Tensor:
    """Return ``kl_divergence`` of the logits that hidden states and weights make.

    The hidden sizes of student and teacher may differ, their vocabularies may not.
    """
    shares = kl_shares(direction)
    inputs = _inputs(
        ("student", student_hidden, student_weight), ("teacher", teacher_hidden, teacher_weight)
    )
    shape = student_hidden.shape[:-1]
    chosen = chosen_backend(options.get("backend"), inputs.student_hidden)
    if chosen == "reference":
        student, teacher = (
            (hidden @ matrix.T).reshape(*shape, -1) for hidden, matrix in inputs.sides()
        )
        options["backend"] = chosen
        return kl_divergence(student, teacher, direction=direction, **options)
    temperature, how = checked_options(shape, student_hidden, **options)
    return _reduced("kl", inputs, (*shares, temperature), how, chosen, shape)


def linear_cross_entropy(
    hidden: Tensor,
    weight: Tensor,
    target: Tensor,
    *,
    z_loss: float = 0.0,
    label_smoothing: float = 0.0,
    temperature: float = 1.0,
    ignore_index: int = -100,
    token_weight: Tensor | None = None,
    reduction: Reduction = "mean",
    denominator: float | Tensor | None = None,
    backend: Backend | None = None,
) -> Tensor:
    """Return ``cross_entropy`` of ``hidden @ weight.T``.

    ``weight`` (V, H) is the last layer's here; ``token_weight`` weighs the tokens.
    """
    require_temperature(temperature)
    require_range("label_smoothing", label_smoothing, -1e-12, 1, "it is a share of the loss")
    require_range("z_loss", z_loss, -1e-12, math.inf, "it scales a penalty")
    inputs = _inputs(("", hidden, weight))
    shape = hidden.shape[:-1]
    require_target(target, shape, hidden)
    how = weighting(token_weight, reduction, denominator, shape, hidden)
    chosen = chosen_backend(backend, inputs.student_hidden)
    if chosen == "reference":
        return cross_entropy(
            (inputs.student_hidden @ inputs.student_weight.T).reshape(*shape, -1),
            target,
            z_loss=z_loss,
            label_smoothing=label_smoothing,
            temperature=temperature,
            ignore_index=ignore_index,
            weight=token_weight,
            reduction=reduction,
            denominator=denominator,
            backend="reference",
        )
    classes, kept = without_ignored(target, token_weight, ignore_index, inputs.student_hidden)
    inputs, how = inputs._replace(target=classes), how._replace(weight=kept)
    parameters = (z_loss, label_smoothing, temperature)
    return _reduced("cross_entropy", inputs, parameters, how, chosen, shape)


def linear_token_statistics(
    policy_hidden: Tensor,
    policy_weight: Tensor,
    target: Tensor,
    reference_hidden: Tensor | None = None,
    reference_weight: Tensor | None = None,
    *,
    temperature: float = 1.0,
    ignore_index: int = -100,
    weight: Tensor | None = None,
    backend: Backend | None = None,
) -> TokenStatistics:
    """Return ``token_statistics`` of the logits that hidden states and weights make."""
    require_temperature(temperature)
    inputs = _inputs(
        ("policy", policy_hidden, policy_weight), ("reference", reference_hidden, reference_weight)
    )
    shape = policy_hidden.shape[:-1]
    require_target(target, shape, policy_hidden)
    weighting(weight, "none", None, shape, policy_hidden)
    chosen = chosen_backend(backend, inputs.student_hidden)
    if chosen == "reference":
        policy, *others = (
            (hidden @ matrix.T).reshape(*shape, -1) for hidden, matrix in inputs.sides()
        )
        return token_statistics(
            policy,
            target,
            *others,
            temperature=temperature,
            ignore_index=ignore_index,
            weight=weight,
            backend="reference",
        )
    classes, kept = without_ignored(target, weight, ignore_index, inputs.student_hidden)
    found = linear_operators.values(
        "token_statistics",
        inputs._replace(target=classes),
        (temperature,),
        kept.detach(),
        chosen,
    )
    return named_statistics(found, shape)


_Side = tuple[str, Tensor | None, Tensor | None]


def _inputs(*sides: _Side) -> Linear:
    """Return the sides as rows, in the type that a product would read. Checks them.

    A side is the prefix of its arguments' names, hidden states and weights; the second may be
    ``None``.
    """
    tensors: list[Tensor] = []
    for name, hidden, weight in sides:
        if hidden is None and weight is None:
            continue
        if hidden is None or weight is None:
            raise ValueError(f"{name}_hidden and {name}_weight are given together or not at all")
        hidden, weight = as_autocast(hidden), as_autocast(weight)
        require_hidden(f"{name}_" if name else "", hidden, weight)
        if tensors:
            _require_same_tokens((sides[0][0], tensors[0], tensors[1]), (name, hidden, weight))
        tensors += [hidden, weight]
    return Linear(*(t.reshape(-1, t.shape[-1]) if i % 2 == 0 else t for i, t in enumerate(tensors)))


def _require_same_tokens(
    first: tuple[str, Tensor, Tensor], second: tuple[str, Tensor, Tensor]
) -> None:
    (one, hidden, weight), (two, other_hidden, other_weight) = first, second
    require_alike(f"{two}_hidden", other_hidden, f"{one}_hidden", hidden)
    if hidden.shape[:-1] != other_hidden.shape[:-1]:
        raise ValueError(
            f"{two}_hidden holds tokens of shape {tuple(other_hidden.shape[:-1])} but {one}_hidden "
            f"of {tuple(hidden.shape[:-1])}: both must be of the same tokens"
        )
    if len(weight) != len(other_weight):
        raise ValueError(
            f"{two}_weight has {len(other_weight)} rows but {one}_weight has {len(weight)}: both "
            "make logits of one vocabulary"
        )


def _reduced(
    name: str,
    inputs: Linear,
    parameters: Sequence[float],
    how: Weighting,
    backend: str,
    shape: torch.Size,
) -> Tensor:
    factors = row_weights(how, inputs.student_hidden)
    if how.reduction != "none":
        return linear_operators.total(name, inputs, parameters, factors, backend)
    found = linear_operators.values(name, inputs, parameters, factors.detach(), backend)
    return weighted(found, factors, how, shape)
