"""Base networks: trained once on base classes, then shared by every method and frozen.

``cross_entropy``  RePRI's: cross entropy over base classes and background, labels smoothed by 0.1
``episodic``       PANet's: one-way one-shot tasks of base classes, prototypes and their alignment

Both see the same number of images in the same number of steps, flipped at random, with the same
optimiser. No training step and no choice of a checkpoint sees a novel class.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from repro.context import RESUME_FILE
from repro.files import write_json
from tasks.fewshot_segmentation.seeds import derived_seed
from tasks.fewshot_segmentation.training_run import BaseSettings, BaseTraining

__all__ = ["BaseSettings", "train_base"]

#: Seconds of training between two kept states: what a killed training may lose.
KEEP_SECONDS = 300.0


def train_base(directory: Path, **settings: Any) -> None:
    """Fill ``directory`` with ``checkpoint_<k>.pt`` and ``selection.json``: an artefact's builder.

    ``settings`` are those of :class:`BaseSettings`. ``selection.json`` has each checkpoint's score
    on held-out images of base classes and the best one's number, the first among equals.
    """
    how = BaseSettings(**settings)
    with torch.random.fork_rng():
        torch.manual_seed(derived_seed(how.base, how.seed, how.training, "dropout"))
        run = BaseTraining.start(how)
        run.resume(directory / RESUME_FILE)
        _train(run, directory)
    best = int(np.argmax(run.scores))
    write_json(
        directory / "selection.json",
        {"scores": run.scores, "best": best, "steps": run.kept, "classes": run.classes},
    )


def _train(run: BaseTraining, directory: Path) -> None:
    since = time.monotonic()
    for loss in run.losses():
        run.descend(loss)
        for place in (k for k, at in enumerate(run.kept) if at == run.step):
            torch.save(run.network.state_dict(), directory / f"checkpoint_{place}.pt")
            run.scores.append(run.score())
        if time.monotonic() - since >= KEEP_SECONDS:
            run.keep(directory / RESUME_FILE)
            since = time.monotonic()
