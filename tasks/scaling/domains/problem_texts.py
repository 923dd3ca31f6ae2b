"""Problems of the DeepMind mathematics data set: question and answer, character by character."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from models.language import Batch, Batches
from repro.errors import UserError
from tasks.scaling.domains.domain import TEST, OfUnknownEntropy, Unlabelled, cut, random_at
from tasks.scaling.domains.mathematics import EXTRAPOLATION
from tasks.scaling.domains.problem_files import ANSWER, Problems, problems

#: Rows of a test: some twelve thousand answers.
_TEST_ROWS = 2048
#: Problems drawn for a row; those that no longer fit are left out. Short ones may not fill it.
_DRAWN = 16
_LINE_END = ord("\n") | ANSWER
_TRAIN, _HELD_OUT = 13, 14


@dataclass(frozen=True)
class ProblemTexts(OfUnknownEntropy, Unlabelled):
    """Rows of whole problems, drawn from all modules and difficulties alike; padded with 0.

    The loss is that of the answers' characters and line ends alone, as in the paper. Tests are the
    published ones: of training's distribution, and beyond it.
    """

    vocabulary: int = ANSWER
    context: int = 512

    def batches(self, rows: int, seed: int) -> Batches:
        """Return problems that are drawn anew for each step."""
        return _Drawn(self, rows, seed)

    def tests(self, seed: int) -> dict[str, list[Batch]]:
        """Return problems like training's, and such as go beyond them."""
        inside = rows_of(problems("interpolate"), _TEST_ROWS, self.context, _HELD_OUT, seed)
        beyond = rows_of(problems("extrapolate"), _TEST_ROWS, self.context, _HELD_OUT, seed, 1)
        return {TEST: cut(inside), EXTRAPOLATION: cut(beyond)}


@dataclass(frozen=True)
class _Drawn:
    domain: ProblemTexts
    rows: int
    seed: int

    def at(self, step: int) -> Batch:
        """Return the batch of ``step``."""
        numbers = (_TRAIN, self.seed, step)
        return rows_of(problems("train"), self.rows, self.domain.context, *numbers)


def rows_of(own: Problems, rows: int, context: int, *numbers: int) -> Batch:
    """Return a batch of whole problems that depends on the numbers alone."""
    if own.longest > context + 1:
        raise UserError(f"a problem of {own.longest} characters does not fit into {context} tokens")
    text, first, lengths = drawn(own, rows * _DRAWN, random_at(*numbers))
    ends = lengths.reshape(rows, _DRAWN).cumsum(1).reshape(-1)
    kept = np.flatnonzero(ends <= context + 1)
    sizes = lengths[kept]
    within = np.arange(sizes.sum()) - np.repeat(sizes.cumsum() - sizes, sizes)
    which = np.repeat(kept, sizes)
    whole = np.zeros((rows, context + 1), dtype=np.uint8)
    whole[which // _DRAWN, (ends - lengths)[which] + within] = text[which, first[which] + within]
    tokens = torch.from_numpy(whole & (ANSWER - 1)).to(torch.int64)
    counted = torch.from_numpy(whole // ANSWER).to(torch.float32)
    return Batch(tokens[:, :-1], tokens[:, 1:], counted[:, 1:])


def drawn(
    own: Problems, count: int, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return text around ``count`` problems (count, bytes), where each begins, and its length.

    A file is drawn, then a place in it; the problem is the next one that begins there or later,
    and after the file's last problem comes its first. So a problem is the likelier the longer the
    one *before* it is, and its own length does not matter.
    """
    starts, ends = own.bounds[random.integers(0, len(own.bounds), count)].T
    sizes = (ends - starts)[:, None]
    places = (random.random(count) * sizes[:, 0]).astype(np.int64)
    # The byte before, so that a beginning can be told; then two problems at their longest.
    reach = np.arange(-1, 2 * own.longest)
    text = own.text[starts[:, None] + (places[:, None] + reach) % sizes]
    answers = text >= ANSWER
    first = 1 + np.argmax(answers[:, :-1] & ~answers[:, 1:], axis=1)
    ending = (text == _LINE_END) & (reach + 1 > first[:, None])
    return text, first, np.argmax(ending, axis=1) - first + 1
