"""RePRI's time for a batch of tasks, against one task after the other.

Both sides take turns within one test, so that another program slows both alike.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import fields

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from methods.repri import RePRI
from tasks.fewshot_segmentation import Episodes

TASKS, CELLS, FEATURES = 100, 256, 32
TURNS = 2

#: Least times faster than the straightforward form, at one shot.
BATCH_FASTER = 10.0


@pytest.fixture(autouse=True)
def _on_one_thread(one_thread: None) -> None:
    pass


def tasks(shots: int) -> Episodes:
    generator = torch.Generator().manual_seed(0)
    draw = lambda *shape: torch.rand(*shape, generator=generator)  # noqa: E731
    foreground = (draw(TASKS, shots, CELLS) < 0.2).float()
    step = draw(TASKS, 1, FEATURES)
    return Episodes(
        support=draw(TASKS, shots, CELLS, FEATURES) + foreground[..., None] * step[:, None],
        foreground=foreground,
        annotated=torch.ones(TASKS, shots, CELLS),
        query=draw(TASKS, CELLS, FEATURES),
        counted=torch.ones(TASKS, CELLS),
        proportion=torch.full((TASKS,), 0.2),
    )


def one_after_the_other(many: Episodes) -> Tensor:
    """The released loop for one task at a time: an optimiser, probabilities, logarithms."""
    found = []
    for place in range(len(many)):
        own = {f.name: getattr(many, f.name)[place] for f in fields(many)}
        found.append(_one_task(**own))
    return torch.stack(found)


def _one_task(
    support: Tensor,
    foreground: Tensor,
    annotated: Tensor,
    query: Tensor,
    counted: Tensor,
    proportion: Tensor,
) -> Tensor:
    del proportion
    shots = len(support)
    cells, other = normalize(support.flatten(0, 1), dim=1), normalize(query, dim=1)
    label, known = foreground.flatten(), annotated.flatten()
    w = (cells * label[:, None]).sum(0) / label.sum()

    def score(z: Tensor, w: Tensor) -> Tensor:
        return 20 * (z @ w) / (w.norm() * z.norm(dim=1) + 1e-10)

    def both(s: Tensor) -> Tensor:
        p = torch.sigmoid(s)
        return torch.stack([1 - p, p], 1)

    b = (score(other, w) * counted).sum() / counted.sum()
    w, b = w.requires_grad_(), b.detach().requires_grad_()
    optimizer = torch.optim.SGD([w, b], lr=0.025)
    share = lambda: (both(score(other, w) - b).detach() * counted[:, None]).sum(0) / counted.sum()  # noqa: E731
    prior, weight = share(), 1 / shots
    for step in range(50):
        if step == 10:
            prior, weight = share(), weight + 1
        p, q = both(score(cells, w) - b), both(score(other, w) - b)
        targets = torch.stack([1 - label, label], 1)
        ce = -(known[:, None] * targets * torch.log(p + 1e-10)).sum() / known.sum()
        entropy = -(counted[:, None] * q * torch.log(q + 1e-10)).sum() / counted.sum()
        mean = (counted[:, None] * q).sum(0) / counted.sum()
        divergence = (mean * torch.log(mean / (prior + 1e-10))).sum()
        optimizer.zero_grad()
        (ce + entropy / shots + weight * divergence).backward()
        optimizer.step()
    with torch.no_grad():
        return score(other, w) - b


def times_faster(own: Callable[[], object], straightforward: Callable[[], object]) -> float:
    """Return the ratio of the least processor seconds of this thread."""
    least = [math.inf, math.inf]
    for _ in range(TURNS):
        for which, run in enumerate((own, straightforward)):
            start = time.thread_time()
            run()
            least[which] = min(least[which], time.thread_time() - start)
    print(f"\n{1e3 * least[0] / TASKS:.2f} ms a task, {least[1] / least[0]:.1f} times faster")
    return least[1] / least[0]


@pytest.mark.benchmark
@pytest.mark.slow
def test_a_batch_of_tasks_against_a_loop() -> None:
    many = tasks(shots=1)

    def own() -> Tensor:
        # A new object, so that what the tasks keep is made anew each time.
        return RePRI().segment(Episodes(*(getattr(many, f.name) for f in fields(many))))

    torch.testing.assert_close(own(), one_after_the_other(many), rtol=1e-3, atol=1e-3)
    assert times_faster(own, lambda: one_after_the_other(many)) > BATCH_FASTER
