"""The equations once more, as plain Python loops, and samples to hold the losses against them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch

Row = Sequence[float]
Kernel = Callable[[Row, Row], float]


def samples(
    rows: int, columns: int, seed: int = 0, dtype: torch.dtype = torch.float64
) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, columns, generator=generator, dtype=torch.float64).to(dtype)


def gaussian(bandwidth: float) -> Kernel:
    return lambda a, b: math.exp(
        -sum((u - v) ** 2 for u, v in zip(a, b, strict=True)) / (2 * bandwidth**2)
    )


def divergence_by_loops(p: Sequence[Row], q: Sequence[Row], bandwidth: float) -> float:
    kernel = gaussian(bandwidth)

    def mean(a: Sequence[Row], b: Sequence[Row]) -> float:
        return sum(kernel(u, v) for u in a for v in b) / (len(a) * len(b))

    return math.log(mean(p, p)) + math.log(mean(q, q)) - 2 * math.log(mean(p, q))


def conditional_by_loops(
    x: Sequence[Row],
    y: Sequence[Row],
    prediction: Sequence[Row],
    bandwidths: tuple[float, float],
    form: str,
) -> float:
    of_x, of_y = (gaussian(bandwidth) for bandwidth in bandwidths)
    count = range(len(x))
    degree = [sum(of_x(x[j], x[i]) for i in count) for j in count]
    squares = [sum(of_x(x[j], x[i]) ** 2 for i in count) for j in count]

    def weight(j: int, i: int) -> float:
        below = {
            "paper": degree[j] ** 2,
            "released": squares[j],
            "symmetric": degree[i] * degree[j],
        }
        return of_x(x[j], x[i]) / below[form]

    def total(a: Sequence[Row], b: Sequence[Row]) -> float:
        return sum(weight(j, i) * of_y(a[j], b[i]) for j in count for i in count)

    within = math.log(total(y, y)) + math.log(total(prediction, prediction))
    return within - 2 * math.log(total(prediction, y))


def information_by_loops(
    x: Sequence[Row], t: Sequence[Row], bandwidths: tuple[float, float]
) -> float:
    of_x, of_t = (gaussian(bandwidth) for bandwidth in bandwidths)
    n, count = len(x), range(len(x))
    joint = sum(of_x(x[i], x[j]) * of_t(t[i], t[j]) for i in count for j in count) / n**2
    product = sum(
        of_x(x[i], x[j]) * of_t(t[k], t[m])
        for i in count
        for j in count
        for k in count
        for m in count
    )
    cross = sum(of_x(x[i], x[j]) * of_t(t[i], t[k]) for i in count for j in count for k in count)
    return math.log(joint) + math.log(product / n**4) - 2 * math.log(cross / n**3)
