"""How the paper trains on each kind of data, where that differs between kinds."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.scaling.domains import IMAGE_SETS, MATHEMATICS_SET


@dataclass(frozen=True)
class Recipe:
    """What a setting of the task that is ``null`` stands for; as it is, the paper's for text.

    ``feedforward``   width of the feed-forward part, as a multiple of the model's
    ``tokens``        of a batch
    ``weight_decay``  of matrices
    """

    feedforward: float = 4.0
    tokens: int = 524_288
    weight_decay: float = 0.0


#: Images of a batch.
_IMAGES = 128
_MATHEMATICS = Recipe(feedforward=1.0, weight_decay=0.05)


def recipe_of(dataset: str) -> Recipe:
    """Return the paper's recipe for the domain that ``dataset`` belongs to."""
    if dataset in IMAGE_SETS:
        return Recipe(feedforward=1.0, tokens=_IMAGES * 3 * IMAGE_SETS[dataset].side ** 2)
    return _MATHEMATICS if dataset == MATHEMATICS_SET else Recipe()
