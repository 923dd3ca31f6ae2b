"""What is played: each stream's rows in their order, and the labels as they are observed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from repro.context import RunContext
from repro.errors import UserError
from tasks.bandit.data import DatasetName, Order
from tasks.bandit.protocol import Floats, Index
from tasks.bandit.tables import MISSING_NUMBER, ClassTable
from tasks.randomness import fixed_seed, generator

#: Which rows are played: the table's own, or those set aside for tuning.
Rows = Literal["table", "tuning"]

#: What is done to inputs: columns standardised, then each row divided by its length; or rows alone,
#: as the released code of the earlier neural bandits does, where the column of the largest unit
#: hides all others.
Scaling = Literal["columns_and_rows", "rows"]

TUNING_SHARE = 0.25
FEWEST_ROWS = 10


@dataclass(frozen=True)
class Streams:
    """Contexts and labels of all streams.

    ``x``           (rows, dimension), float32: every row of length 1, with a constant column
    ``labels``      (rows,): classes without noise
    ``arms``        number of classes
    ``order``       (rounds, streams): the row of each round
    ``observed``    (rounds, streams): the class that decides the loss
    ``noise``       (streams,): share of labels that are replaced by another class
    """

    x: Floats
    labels: Index
    arms: int
    order: Index
    observed: Index
    noise: Floats

    @property
    def rounds(self) -> int:
        """Number of rounds."""
        return len(self.order)

    @property
    def expected_best(self) -> Floats:
        """Return the expected loss of the best policy, which plays the clean label, (streams,)."""
        return self.noise

    @property
    def expected_other(self) -> Floats:
        """Return the expected loss of every other arm, (streams,)."""
        return 1.0 - self.noise / (self.arms - 1)


def make_streams(
    table: ClassTable,
    identity: str,
    contexts: Sequence[RunContext],
    rows: Rows,
    most_rounds: int | None,
    scaling: Scaling = "columns_and_rows",
) -> Streams:
    """Return one stream for each context and level of label noise, level by level per context.

    A quarter of the rows, the same in every trial, is set aside for tuning and never played in a
    table. Tuning plays as many rounds as the table, going through its own rows again and again,
    each time in a new order. The levels of one context share order and random numbers.
    """
    name = DatasetName.of(contexts[0].dataset)
    levels = name.noise_levels
    tuning, rest = _folds(len(table.labels), identity)
    rounds = min(len(rest), most_rounds or len(rest))
    chosen = rest if rows == "table" else tuning
    orders, observed = [], []
    for context in contexts:
        order = _order(table, chosen, name.order, rounds, context.seed("order"))
        labels = table.labels[order]
        orders += [order] * len(levels)
        observed += _observed(labels, table.classes, levels, context.seed("noise"))
    return Streams(
        x=unit_rows(table, scaling),
        labels=table.labels,
        arms=table.classes,
        order=np.stack(orders, axis=1),
        observed=np.stack(observed, axis=1),
        noise=np.tile(np.asarray(levels), len(contexts)),
    )


def unit_rows(table: ClassTable, scaling: Scaling = "columns_and_rows") -> Floats:
    """Return the table's rows with a constant column, each of length 1, float32.

    A column that is the same in every row is 0 where columns are standardised.
    """
    x = np.where(np.isnan(table.x), MISSING_NUMBER, table.x).astype(np.float64)
    if scaling == "columns_and_rows":
        deviation = x.std(axis=0)
        x = (x - x.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)
        x = np.hstack([x, np.ones((len(x), 1))])
    else:
        length = np.linalg.norm(x, axis=1, keepdims=True)
        x = np.hstack([x / np.where(length > 0, length, 1.0), np.ones((len(x), 1))])
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    return np.asarray(x, dtype=np.float32)


def _folds(n: int, identity: str) -> tuple[Index, Index]:
    """Return the rows for tuning and the rest, by the table's name alone."""
    permutation = generator(fixed_seed(f"tasks.bandit/{identity}/tuning fold")).permutation(n)
    count = round(TUNING_SHARE * n)
    if count < FEWEST_ROWS:
        raise UserError(
            f"{identity}: {n} rows leave {count} for tuning; at least {FEWEST_ROWS} are needed"
        )
    return permutation[:count], permutation[count:]


def _order(table: ClassTable, rows: Index, order: Order, rounds: int, seed: int) -> Index:
    source = generator(seed)
    passes = -(-rounds // len(rows))
    played = np.concatenate([source.permutation(rows) for _ in range(passes)])[:rounds]
    if order == "shuffled":
        return played
    # Classes come in an order of the seed's own: no arm's number is favoured.
    rank = source.permutation(table.classes)
    return played[np.argsort(rank[table.labels[played]], kind="stable")]


def _observed(labels: Index, classes: int, levels: Sequence[float], seed: int) -> list[Index]:
    """Return the labels at each level; what is noisy at one level is so at every higher one."""
    source = generator(seed)
    uniform = source.random_sample(len(labels))
    other = (labels + source.randint(1, classes, len(labels))) % classes
    return [np.where(uniform < level, other, labels) for level in levels]
