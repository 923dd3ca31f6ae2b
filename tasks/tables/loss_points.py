"""Published losses of language models by size and compute: a scaling law's own test case."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from repro.data import DataFile

#: 245 runs of Hoffmann et al. (2022), read off their figure 4 by Besiroglu et al. (2024).
CHINCHILLA = DataFile(
    name="svg_extracted_data.csv",
    urls=(
        "https://raw.githubusercontent.com/epoch-research/analyzing-chinchilla/"
        "92258837425e1b5f2851d624287f0120583a3d0e/data/svg_extracted_data.csv",
    ),
    sha256="193478df4e90f040016431996c45682659306840ecdadf83cfb9cd5ca0aa1b30",
    licence="none stated",
    source="Besiroglu et al., Chinchilla Scaling: A replication attempt, arXiv:2404.10102",
)

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LossPoints:
    """Points, (n,) each: model size in parameters, training tokens, loss in nats per token."""

    sizes: Numbers
    tokens: Numbers
    losses: Numbers


def read_chinchilla(path: Path) -> LossPoints:
    """Return the points of the file; tokens follow from compute = 6 · size · tokens."""
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    sizes, compute, losses = (
        np.array([float(row[name]) for row in rows])
        for name in ("Model Size", "Training FLOP", "loss")
    )
    return LossPoints(sizes, compute / 6 / sizes, losses)
