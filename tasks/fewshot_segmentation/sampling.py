"""Which images make up a task: a query, its class, and supports of the same class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from repro.errors import UserError
from tasks.fewshot_segmentation.scenes import SceneSet, present

Numbers = npt.NDArray[np.intp]


class Tasks(NamedTuple):
    """``classes`` (E,), ``query`` (E,) and ``support`` (E, K): class labels and image numbers.

    The first k supports of a task are its supports at k shots, so that shots are compared on the
    same tasks.
    """

    classes: Numbers
    query: Numbers
    support: Numbers


def draw_tasks(
    scenes: SceneSet, classes: Sequence[int], count: int, shots: int, random: np.random.RandomState
) -> Tasks:
    """Draw ``count`` tasks as the released code does.

    Queries are images with at least one of ``classes``, in a random order that starts again when
    all were used; the class is one of those in the query; supports are drawn without replacement
    from the class's other images. Raises ``UserError`` where a class has too few images.
    """
    there = present(scenes, classes)
    require_enough(scenes, classes, shots)
    queries = _in_turn(np.flatnonzero(there.any(1)), count, random)
    columns = np.array([random.choice(np.flatnonzero(there[query])) for query in queries])
    support = [
        random.choice(np.setdiff1d(np.flatnonzero(there[:, column]), query), shots, replace=False)
        for query, column in zip(queries, columns, strict=True)
    ]
    return Tasks(np.asarray(classes, dtype=np.intp)[columns], queries, np.stack(support))


def _in_turn(numbers: Numbers, count: int, random: np.random.RandomState) -> Numbers:
    rounds = -(-count // len(numbers))
    drawn: Numbers = np.concatenate([random.permutation(numbers) for _ in range(rounds)])[:count]
    return drawn


def require_enough(scenes: SceneSet, classes: Sequence[int], shots: int) -> None:
    """Raise ``UserError`` unless every class has more than ``shots`` images."""
    counts = present(scenes, classes).sum(0)
    least = int(np.argmin(counts))
    if counts[least] <= shots:
        raise UserError(
            f"class {classes[least]} is large enough to count in {counts[least]} images, but "
            f"{shots} shots need {shots + 1}: add images of it, or ask for fewer shots"
        )


def with_enough(scenes: SceneSet, classes: Sequence[int], shots: int) -> tuple[int, ...]:
    """Return the classes that have more than ``shots`` images."""
    counts = present(scenes, classes).sum(0)
    return tuple(c for c, count in zip(classes, counts, strict=True) if count > shots)
