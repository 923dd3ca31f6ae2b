"""The weights that the conditional divergence gives to pairs of samples, tile by tile.

log wⱼᵢ = log Kⱼᵢ − log normaliserⱼ (− log normaliserᵢ in the symmetric form), where normalisers are
powers of sums over a row of K.
"""

from __future__ import annotations

import torch
from torch import Tensor

from losses.cauchy_schwarz.kinds import Form
from losses.gram_tiles import Points, Pull, log_kernel, row_tiles


class PairWeights:
    """The weights of one form for the points x."""

    def __init__(self, x: Points, form: Form) -> None:
        self.x, self.form = x, form
        self.rows = row_tiles(len(x), len(x))
        self._only = log_kernel(x, x, self.rows[0]) if len(self.rows) == 1 else None
        # Sums of K over a row, or of K² in the released form: at least 1, their diagonal element.
        self._sums = torch.cat([self._summand(rows).sum(1) for rows in self.rows])
        self._log_normalizer = self._sums.log() * (2.0 if form == "paper" else 1.0)

    def log_weights(self, rows: slice) -> Tensor:
        """Return log w of some rows, (rows, N)."""
        log_weights = self._log_kernel(rows) - self._log_normalizer[rows, None]
        return log_weights - self._log_normalizer if self.form == "symmetric" else log_weights

    def add_normalizer_pull(self, pull: Pull, row_sums: Tensor, column_sums: Tensor) -> None:
        """Add what flows to x through the normalisers.

        ``row_sums``, ``column_sums`` (N,): the sums of ∂D / ∂ log w. A step of log Kⱼᵢ moves the
        log of a row's sum of Kᵖ by p Kᵖⱼᵢ / sum, and log w by that times the sum's exponent. The
        two numbers multiply to 2 in the paper's and the released form, and to 1 each for row and
        column in the symmetric one.
        """
        moved = row_sums + (column_sums if self.form == "symmetric" else row_sums)
        for rows in self.rows:
            part = self._summand(rows).mul_((moved / self._sums)[rows, None])
            pull.add_own(part, rows, -1.0)

    def _summand(self, rows: slice) -> Tensor:
        log_terms = self._log_kernel(rows)
        return (2 * log_terms).exp_() if self.form == "released" else log_terms.exp()

    def _log_kernel(self, rows: slice) -> Tensor:
        return log_kernel(self.x, self.x, rows) if self._only is None else self._only
