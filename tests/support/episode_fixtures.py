"""Small tasks for tests of the few-shot methods."""

from __future__ import annotations

import torch

from tasks.fewshot_segmentation import Episodes


def episodes(
    count: int = 3,
    shots: int = 2,
    cells: int = 20,
    features: int = 5,
    seed: int = 0,
    **parts: object,
) -> Episodes:
    """Return random tasks in float64 whose foreground lies off the background's mean."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=generator, dtype=torch.float64)

    foreground = (draw(count, shots, cells) < 0.35).double()
    foreground[..., 0], foreground[..., 1] = 1.0, 0.0
    truth = (draw(count, cells) < 0.35).double()
    annotated = (draw(count, shots, cells) < 0.9).double()
    annotated[..., :2] = 1.0
    counted = (draw(count, cells) < 0.9).double()
    counted[:, 0] = 1.0
    step = draw(count, 1, features)
    given = {
        "support": draw(count, shots, cells, features) + foreground[..., None] * step[:, None],
        "foreground": foreground * annotated,
        "annotated": annotated,
        "query": draw(count, cells, features) + truth[..., None] * step,
        "counted": counted,
        "proportion": (truth * counted).sum(1) / counted.sum(1),
    }
    return Episodes(**{**given, **parts})  # type: ignore[arg-type]


def one_task(many: Episodes, place: int) -> Episodes:
    """Return one of the tasks alone."""
    own = slice(place, place + 1)
    return Episodes(
        support=many.support[own],
        foreground=many.foreground[own],
        annotated=many.annotated[own],
        query=many.query[own],
        counted=many.counted[own],
        proportion=many.proportion[own],
    )
