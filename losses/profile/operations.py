"""What is timed: each loss at its shape, with the bytes and products that it cannot do without."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

import losses
from losses.profile.inputs import VocabularyInputs

Loss = Callable[..., Tensor]
Make = Callable[[str], list[Tensor]]


@dataclass(frozen=True)
class Operation:
    """One loss, the inputs that it is timed on, and its least work.

    ``passes`` counts reads and writes of a matrix of logits that the scheme must make, forward and
    with the gradient; ``products`` the floating-point operations of its matrix products.
    """

    name: str
    ours: Loss
    eager: Loss
    make: Make
    shape: dict[str, int]
    dtype: torch.dtype
    passes: tuple[int, int] = (0, 0)
    products: tuple[float, float] = (0, 0)
    #: Bytes of one pass.
    pass_bytes: int = 0

    def least_bytes(self, gradient: bool) -> int:
        """Return the bytes that the scheme must move."""
        return self.passes[gradient] * self.pass_bytes


def wide(logits: Tensor) -> Tensor:
    """Return logits in the type that eager code computes in: float32, or float64 if they are it."""
    return logits if logits.dtype == torch.float64 else logits.float()


def eager_kl(student: Tensor, teacher: Tensor) -> Tensor:
    """Return the forward KL as one writes it in PyTorch, in float32."""
    return torch.nn.functional.kl_div(
        wide(student).log_softmax(-1),
        wide(teacher).log_softmax(-1),
        reduction="batchmean",
        log_target=True,
    )


def eager_js(student: Tensor, teacher: Tensor) -> Tensor:
    """Return the Jensen-Shannon divergence as one writes it in PyTorch, in float32."""
    log_q, log_p = wide(student).log_softmax(-1), wide(teacher).log_softmax(-1)
    log_m = torch.logaddexp(log_q, log_p) - 0.6931471805599453
    sides = log_p.exp() * (log_p - log_m) + log_q.exp() * (log_q - log_m)
    return sides.sum(-1).mean() / 2


def eager_cross_entropy(student: Tensor, target: Tensor) -> Tensor:
    """Return the cross-entropy as one writes it in PyTorch, in float32."""
    return torch.nn.functional.cross_entropy(wide(student), target)


def eager_linear_kl(hidden: Tensor, head: Tensor, teacher: Tensor, teacher_head: Tensor) -> Tensor:
    """Return the forward KL of the logits of all tokens."""
    return eager_kl(hidden @ head.T, teacher @ teacher_head.T)


def eager_linear_cross_entropy(hidden: Tensor, head: Tensor, target: Tensor) -> Tensor:
    """Return the cross-entropy of the logits of all tokens."""
    return eager_cross_entropy(hidden @ head.T, target)


def by_definition(loss: Loss) -> Loss:
    """Return the reference implementation of one of our losses."""
    return lambda *inputs: loss(*inputs, backend="reference")


def _token_loss(policy: Tensor, reference: Tensor, target: Tensor, **options: Any) -> Tensor:
    return _everything(losses.token_statistics(policy, target, reference, **options))


def _linear_token_loss(
    policy: Tensor, head: Tensor, reference: Tensor, reference_head: Tensor, target: Tensor,
    **options: Any,
) -> Tensor:  # fmt: skip
    sides = reference, reference_head
    return _everything(losses.linear_token_statistics(policy, head, target, *sides, **options))


def _everything(found: losses.TokenStatistics) -> Tensor:
    """Return a sum of all that token statistics offer."""
    ratio, divergence = found.log_ratio, found.kl
    assert ratio is not None
    assert divergence is not None
    return (ratio + divergence + found.entropy).mean()


def _renyi(*sides: Tensor, **options: Any) -> Tensor:
    return losses.renyi_divergence(*sides, alpha=0.5, **options)


def _skew(*sides: Tensor, **options: Any) -> Tensor:
    return losses.skew_kl(*sides, alpha=0.1, **options)


def _top_k(student: Tensor, teacher: Tensor, **options: Any) -> Tensor:
    k = min(1000, student.shape[-1])
    return losses.top_k_kl(student, teacher, k=k, **options)


def _clipped(student: Tensor, teacher: Tensor, keep: Tensor, **options: Any) -> Tensor:
    return losses.clipped_kl(student, teacher, keep=keep, **options)


def operations(
    tokens: int, vocabulary: int, hidden: int, dtype: torch.dtype = torch.bfloat16
) -> list[Operation]:
    """Return the losses over a vocabulary that ``make profile`` times, at these sizes."""
    inputs = VocabularyInputs(tokens, vocabulary, hidden, dtype)
    return [*_from_logits(inputs), *_from_hidden(inputs)]


def _from_logits(inputs: VocabularyInputs) -> list[Operation]:
    def logits(
        ours: Loss, eager: Loss | None, passes: tuple[int, int], make: Make, name: str = ""
    ) -> Operation:
        return Operation(
            name or ours.__name__.removeprefix("_"),
            ours,
            eager or by_definition(ours),
            make,
            {"tokens": inputs.tokens, "vocabulary": inputs.vocabulary},
            inputs.dtype,
            passes,
            pass_bytes=inputs.tokens * inputs.vocabulary * inputs.dtype.itemsize,
        )

    class_a, class_b, both = (2, 5), (4, 7), inputs.both
    return [
        logits(losses.kl_divergence, eager_kl, class_a, both),
        logits(losses.js_divergence, eager_js, class_b, both),
        logits(_skew, None, class_b, both, "skew_kl"),
        logits(losses.total_variation, None, class_b, both),
        logits(_renyi, None, class_a, both, "renyi_divergence"),
        logits(_top_k, None, class_a, both, "top_k_kl"),
        logits(_clipped, None, (3, 7), inputs.with_keep, "clipped_kl"),
        logits(losses.cross_entropy, eager_cross_entropy, (1, 3), inputs.with_target),
        logits(_token_loss, None, class_a, inputs.both_with_target, "token_statistics"),
    ]


def _from_hidden(inputs: VocabularyInputs) -> list[Operation]:
    sizes = {"tokens": inputs.tokens, "vocabulary": inputs.vocabulary, "hidden": inputs.hidden}
    product = 2.0 * inputs.tokens * inputs.hidden * inputs.vocabulary

    def linear(name: str, ours: Loss, eager: Loss, make: Make, sides: int) -> Operation:
        least = sides * product, (sides + 2) * product
        return Operation(name, ours, eager, make, sizes, inputs.dtype, products=least)

    return [
        linear(
            "linear_kl_divergence", losses.linear_kl_divergence, eager_linear_kl, inputs.states, 2
        ),
        linear(
            "linear_cross_entropy",
            losses.linear_cross_entropy,
            eager_linear_cross_entropy,
            inputs.state_and_target,
            1,
        ),
        linear(
            "linear_token_statistics",
            _linear_token_loss,
            by_definition(_linear_token_loss),
            inputs.states_and_target,
            2,
        ),
    ]
