"""Value and gradient of a few rows at once, in PyTorch: what the chunked implementation repeats."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from losses.rows import pixel_sweep
from losses.rows.class_a import (
    CLASS_A,
    Column,
    class_a_values,
    columns_used,
    student_coefficients,
    teacher_coefficients,
)
from losses.rows.definitions import values
from losses.rows.inner_autograd import recording
from losses.rows.kinds import Rows
from losses.rows.probabilities import compute_dtype, scaled_logits

#: Losses whose value alone is faster from statistics than from its definition.
_STATISTICS_ALONE = frozenset({"kl", "token_statistics"})

#: For student, teacher and extra: the gradient, or ``None`` where none was asked for.
Gradients = list[Tensor | None]


def without_masked(rows: Rows) -> bool:
    """Return whether all logits are finite, so that no care for 0 · ∞ is needed."""
    logits = [rows.student] if rows.teacher is None else [rows.student, rows.teacher]
    # The least of each row first: over all at once it takes three times as long.
    return all(bool(tensor.amin(-1).amin().isfinite()) for tensor in logits)


def values_alone(name: str, rows: Rows, parameters: Sequence[float]) -> Tensor:
    """Return the values of the rows."""
    found = values(name, rows, parameters, finite=True)
    # A logit of −∞ that needs care shows as NaN or ∞; to look for it first would take a pass more.
    return found if bool(found.isfinite().all()) else values(name, rows, parameters)


def values_and_gradients(
    name: str,
    rows: Rows,
    parameters: Sequence[float],
    upstream: Tensor,
    needs: Sequence[bool],
    out: Tensor | None = None,
) -> tuple[Tensor, Gradients]:
    """Return the values of the rows and the gradients of Σ upstream · values.

    ``out`` is a place for the student's gradient, which may be used or not.
    """
    if not any(needs) and name not in _STATISTICS_ALONE:
        return values_alone(name, rows, parameters), [None, None, None]
    written = _by_formula(name, rows, parameters, upstream, needs, out)
    # A logit of −∞ shows in the sums, as 0 · ∞; to look for it first would take a pass more.
    if written is not None and bool(written[0].isfinite().all()):
        return written
    return _by_autograd(name, rows, parameters, upstream, needs, without_masked(rows))


def _by_formula(
    name: str,
    rows: Rows,
    parameters: Sequence[float],
    upstream: Tensor,
    needs: Sequence[bool],
    out: Tensor | None,
) -> tuple[Tensor, Gradients] | None:
    """Return what ``values_and_gradients`` does where formulas say it; not finite where not."""
    if name == "cross_entropy" and not parameters[1]:
        return _cross_entropy(rows, parameters, upstream, out)
    if name in CLASS_A:
        return _class_a(name, rows, parameters, upstream, needs, out)
    if name == "entropy_proportion" and not any(needs[1:]):
        found, gradient = pixel_sweep.entropy_proportion(rows, parameters, upstream)
        return found, [gradient, None, None]
    return None


def _by_autograd(
    name: str,
    rows: Rows,
    parameters: Sequence[float],
    upstream: Tensor,
    needs: Sequence[bool],
    finite: bool,
) -> tuple[Tensor, Gradients]:
    student, teacher, extra = (
        tensor if tensor is None else tensor.detach().requires_grad_(need)
        for tensor, need in zip(rows, needs, strict=True)
    )
    assert student is not None
    own = Rows(student, teacher, extra)
    wanted = [
        tensor for tensor, need in zip(own, needs, strict=True) if tensor is not None and need
    ]
    with recording():
        found = values(name, own, parameters, finite=finite)
        gradients = iter(torch.autograd.grad(found, wanted, upstream) if wanted else ())
    return found.detach(), [next(gradients) if need else None for need in needs]


def _class_a(
    name: str,
    rows: Rows,
    parameters: Sequence[float],
    upstream: Tensor,
    needs: Sequence[bool],
    out: Tensor | None,
) -> tuple[Tensor, Gradients]:
    used = columns_used(name, parameters, rows.teacher is not None)
    sweep = _Sweep(rows, used, temperature=parameters[-1])
    statistics = sweep.statistics()
    gradients: Gradients = [None, None, None]
    with recording():
        statistics.requires_grad_()
        found = class_a_values(name, statistics, parameters, rows.teacher is not None)
        if any(needs):
            (of_statistics,) = torch.autograd.grad(found, statistics, upstream)
    if any(needs):
        known = statistics.detach(), of_statistics, 1 / parameters[-1]
        if needs[1]:
            gradients[1] = sweep.teacher_gradient(teacher_coefficients(*known))
        if needs[0]:
            gradients[0] = sweep.student_gradient(student_coefficients(*known), out)
    return found.detach(), gradients


def _cross_entropy(
    rows: Rows, parameters: Sequence[float], upstream: Tensor, out: Tensor | None
) -> tuple[Tensor, Gradients]:
    """Return the cross-entropy without smoothing, whose gradient is the softmax in place."""
    z_loss, _, temperature = parameters
    logits = scaled_logits(rows.student.detach(), temperature)
    where = out if out is not None and out.dtype == logits.dtype else None
    q = torch.softmax(logits, -1, out=where)
    assert rows.extra is not None
    target = rows.extra[:, None]
    own = q.gather(1, target)
    if bool((own >= torch.finfo(q.dtype).tiny).all()):
        found = -own.log()
    else:  # a probability that has left the range of its type, or no number
        found = -logits.log_softmax(-1).gather(1, target)
    step = factor = upstream[:, None] / temperature
    if z_loss:
        log_sum = logits.gather(1, target) + found
        factor = step * (1 + 2 * z_loss * log_sum)
        found = found + z_loss * log_sum.square()
    q.mul_(factor).scatter_add_(1, target, -step)
    return found.squeeze(1), [q, None, None]


class _Sweep:
    """The softmax of a few rows of finite logits, its statistics, and gradients made from both."""

    def __init__(self, rows: Rows, used: frozenset[Column], temperature: float) -> None:
        self._used = used
        self._target = rows.extra
        self._s = scaled_logits(rows.student.detach(), temperature)
        self._q = self._s.softmax(-1)
        self._t = self._p = None
        if rows.teacher is not None:
            self._t = scaled_logits(rows.teacher.detach(), temperature)
            self._p = self._t.softmax(-1)

    def statistics(self) -> Tensor:
        """Return (n, 8); a column that the loss does not read is 0."""
        s, t, q, p = self._s, self._t, self._q, self._p
        found = {Column.LOG_SUM_S: _log_sum(s, q)}
        if t is not None and p is not None:
            found[Column.LOG_SUM_T] = _log_sum(t, p)
        means = {Column.Q_S: (q, s), Column.Q_T: (q, t), Column.P_T: (p, t), Column.P_S: (p, s)}
        for column in self._used & means.keys():
            weights, logits = means[column]
            assert logits is not None
            # The uniform distribution of smoothed labels has no logits.
            mean = logits.mean(-1) if weights is None else torch.linalg.vecdot(weights, logits)
            found[column] = mean
        for column, own in ((Column.S_Y, s), (Column.T_Y, t)):
            if column in self._used:
                assert own is not None
                assert self._target is not None
                found[column] = own.gather(-1, self._target[:, None]).squeeze(-1)
        nothing = s.new_zeros(s.shape[0])
        return torch.stack([found.get(column, nothing) for column in Column], -1)

    def student_gradient(self, c: Tensor, out: Tensor | None) -> Tensor:
        """Return ∂/∂s from the coefficients (n, 5), in ``out`` if its type fits."""
        where = out if out is not None and out.dtype == self._q.dtype else None
        sides = (self._q, self._p), (self._s, self._t)
        return self._gradient(*sides, c, (Column.Q_S, Column.Q_T, Column.P_S, Column.S_Y), where)

    def teacher_gradient(self, c: Tensor) -> Tensor:
        """Return ∂/∂t from the coefficients (n, 5)."""
        assert self._p is not None
        assert self._t is not None
        sides = (self._p, self._q), (self._t, self._s)
        return self._gradient(*sides, c, (Column.P_T, Column.P_S, Column.Q_T, Column.T_Y), None)

    def _gradient(
        self,
        softmax: tuple[Tensor, Tensor | None],
        logits: tuple[Tensor, Tensor | None],
        c: Tensor,
        columns: tuple[Column, Column, Column, Column],
        out: Tensor | None,
    ) -> Tensor:
        """Return own (c₀ + c₁ own logits + c₂ other logits) + c₃ other + c₄ at the target."""
        # Terms that a loss does not use are left out: each costs a pass over the chunk.
        of_own, of_other, crossed, of_target = (column in self._used for column in columns)
        factor: Tensor = c[:, :1]
        if of_own:
            factor = factor + c[:, 1:2] * logits[0]
        if of_other and logits[1] is not None:
            factor = factor + c[:, 2:3] * logits[1]
        own, other = softmax
        gradient = torch.mul(own, factor, out=out)
        if crossed and other is not None:
            gradient.addcmul_(other, c[:, 3:4])
        elif crossed:  # the uniform distribution of smoothed labels
            gradient.add_(c[:, 3:4] * (1 / own.shape[1]))
        if of_target:
            assert self._target is not None
            gradient.scatter_add_(1, self._target[:, None], c[:, 4:5])
        return gradient


def _log_sum(logits: Tensor, softmax: Tensor) -> Tensor:
    """Return log Σ exp(logits) from the softmax, without a second exponential."""
    assert logits.dtype == compute_dtype(logits.dtype)
    return logits.amax(-1) - softmax.amax(-1).log()
