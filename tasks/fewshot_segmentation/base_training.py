"""Base networks: trained once on base classes, then shared by every method and frozen.

``cross_entropy``  RePRI's: cross entropy over base classes and background, labels smoothed by 0.1
``episodic``       PANet's: one-way one-shot tasks of base classes, prototypes and their alignment

Both see the same number of images in the same number of steps, flipped at random, with the same
optimiser. No training step and no choice of a checkpoint sees a novel class.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from models.segmentation import SegmentationNetwork
from repro.files import write_json
from tasks.fewshot_segmentation.data import SOURCES, source_of
from tasks.fewshot_segmentation.evaluation import overlap_of
from tasks.fewshot_segmentation.features import Encoded, episodes_of, nearest
from tasks.fewshot_segmentation.networks import NetworkName, Pretraining, build_network
from tasks.fewshot_segmentation.overlap import Overlap
from tasks.fewshot_segmentation.protocol import Training
from tasks.fewshot_segmentation.prototypes import (
    episodic_loss,
    prototype_scores,
    prototypes,
)
from tasks.fewshot_segmentation.sampling import Tasks, draw_tasks, with_enough
from tasks.fewshot_segmentation.scenes import SomeScenes
from tasks.fewshot_segmentation.seeds import derived_seed, generator
from tasks.fewshot_segmentation.sources import BaseScenes

LABEL_SMOOTHING = 0.1
MOMENTUM = 0.9
WEIGHT_DECAY = 1e-4
LAST_RATE = 1e-6
#: Tasks of base classes on which the checkpoint of an episodic network is chosen.
CHOICE_TASKS = 200
PARTS = 64  # images per pass without gradient


@dataclass(frozen=True)
class BaseSettings:
    """How a base network is made; every field is a part of the artefact's key.

    ``base``         name of the base set; ``folder`` the user's, as ``file:<folder>…``, or empty
    ``epochs``       passes over the base set
    ``batch_size``   images a step
    ``side``         pixels to which image files are brought
    ``checkpoints``  how many are kept, evenly spaced; the last one ends training
    """

    base: str
    folder: str
    training: Training
    network: NetworkName
    pretraining: Pretraining
    epochs: int
    batch_size: int
    learning_rate: float
    side: int
    checkpoints: int
    seed: int


def train_base(directory: Path, **settings: Any) -> None:
    """Fill ``directory`` with ``checkpoint_<k>.pt`` and ``selection.json``: an artefact's builder.

    ``settings`` are those of :class:`BaseSettings`. ``selection.json`` has each checkpoint's score
    on held-out images of base classes and the best one's number, the first among equals.
    """
    how = BaseSettings(**settings)
    run = BaseTraining.start(how)
    steps = how.epochs * run.steps_per_epoch
    # Fewer steps than checkpoints make several of them one and the same.
    kept = [max(1, round(steps * (k + 1) / how.checkpoints)) for k in range(how.checkpoints)]
    scores: list[float] = []
    for step, loss in enumerate(run.losses(steps), start=1):
        run.descend(loss, step, steps)
        for place in (k for k, at in enumerate(kept) if at == step):
            torch.save(run.network.state_dict(), directory / f"checkpoint_{place}.pt")
            scores.append(run.score())
    best = int(np.argmax(scores))
    write_json(
        directory / "selection.json",
        {"scores": scores, "best": best, "steps": kept, "classes": run.classes},
    )


@dataclass
class BaseTraining:
    """One training run."""

    how: BaseSettings
    data: BaseScenes
    network: SegmentationNetwork
    optimizer: torch.optim.SGD
    random: np.random.RandomState
    device: str

    @classmethod
    def start(cls, how: BaseSettings) -> BaseTraining:
        """Return a run with its data and an untrained (or pre-trained) network."""
        device = "cuda" if torch.cuda.is_available() else "cpu"
        source = source_of(how.folder) if how.folder else SOURCES[how.base]
        data = source.base(how.seed, how.side)
        init = derived_seed(how.base, how.seed, "init")
        network = build_network(how.network, len(data.classes) + 1, init, how.pretraining)
        network.to(device)
        optimizer = torch.optim.SGD(
            network.parameters(),
            lr=how.learning_rate,
            momentum=MOMENTUM,
            weight_decay=WEIGHT_DECAY,
            nesterov=True,
        )
        random = generator(derived_seed(how.base, how.seed, how.training, "batches"))
        return cls(how, data, network, optimizer, random, device)

    @property
    def classes(self) -> int:
        """Base classes and background."""
        return len(self.data.classes) + 1

    @property
    def steps_per_epoch(self) -> int:
        """Batches in a pass; a smaller last one is left out."""
        return max(1, len(self.data.train) // self.how.batch_size)

    def losses(self, steps: int) -> Iterator[Tensor]:
        """Yield the loss of each step; the network's weights may change in between."""
        if self.how.training == "cross_entropy":
            yield from (self._cross_entropy(batch) for batch in self._batches(steps))
            return
        scenes = SomeScenes(self.data.scenes, self.data.train)
        classes = with_enough(scenes, self.data.classes, shots=1)
        count = max(1, self.how.batch_size // 2)
        tasks = draw_tasks(scenes, classes, steps * count, 1, self.random)
        for step in range(steps):
            own = slice(step * count, (step + 1) * count)
            yield self._episodic(scenes, Tasks(*(part[own] for part in tasks)))

    def descend(self, loss: Tensor, step: int, steps: int) -> None:
        """Take one step; the rate falls along half a cosine to 1e-6."""
        share = 0.5 * (1 + np.cos(np.pi * (step - 1) / steps))
        for group in self.optimizer.param_groups:
            group["lr"] = LAST_RATE + (self.how.learning_rate - LAST_RATE) * share
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()

    @torch.no_grad()
    def score(self) -> float:
        """Return the mean intersection over union on held-out images of base classes, per cent.

        Of all pixels' classes; of an episodic network, whose classifier is not trained, of one-shot
        tasks of base classes, by prototypes.
        """
        self.network.eval()
        found = (
            self._score_of_maps()
            if self.how.training == "cross_entropy"
            else self._score_of_tasks()
        )
        self.network.train()
        return found

    def _batches(self, steps: int) -> Iterator[np.ndarray]:
        size = min(self.how.batch_size, len(self.data.train))
        for step in range(steps):
            place = step % self.steps_per_epoch
            if place == 0:
                order = self.random.permutation(self.data.train)
            yield order[place * size : (place + 1) * size]

    def _cross_entropy(self, numbers: np.ndarray) -> Tensor:
        images, labels = self._read(self.data.scenes, numbers.tolist(), flips=True)
        target = self.data.training_labels(labels)
        return cross_entropy(
            self.network(images), target, ignore_index=255, label_smoothing=LABEL_SMOOTHING
        )

    def _episodic(self, scenes: SomeScenes, tasks: Tasks) -> Tensor:
        images, labels = self._read(scenes, [*tasks.support[:, 0], *tasks.query], flips=True)
        features = self.network.features(images)
        count, grid = len(tasks.query), features.shape[-1]
        own = np.arange(count)
        encoded = Encoded(
            np.arange(2 * count), features.flatten(2).transpose(1, 2), labels, grid, 0.0
        )
        renamed = Tasks(tasks.classes, count + own, own[:, None])
        classes = torch.from_numpy(tasks.classes).to(labels.device)
        truth = nearest(labels[count:], grid).flatten(1) == classes[:, None]
        return episodic_loss(episodes_of(encoded, renamed, 1), truth.to(features.dtype))

    def _read(
        self, scenes: Any, numbers: Sequence[int], flips: bool = False
    ) -> tuple[Tensor, Tensor]:
        images, labels = (part.to(self.device) for part in scenes.read(list(numbers)))
        if not flips:
            return images, labels
        for axis in (1, 2):
            turn = torch.from_numpy(self.random.rand(len(images)) < 0.5).to(self.device)
            images = torch.where(turn[:, None, None, None], images.flip(axis + 1), images)
            labels = torch.where(turn[:, None, None], labels.flip(axis), labels)
        return images, labels

    def _score_of_maps(self) -> float:
        overlap = Overlap.of(self.classes)
        numbers = self.data.validation
        for part in np.array_split(numbers, -(-len(numbers) // PARTS)):
            images, labels = self._read(self.data.scenes, part.tolist())
            predicted = self.network(images).argmax(1)
            overlap.add_maps(predicted, self.data.training_labels(labels))
        return overlap.mean

    def _score_of_tasks(self) -> float:
        scenes = SomeScenes(self.data.scenes, self.data.validation)
        classes = with_enough(scenes, self.data.classes, shots=1)
        if not classes:
            # A small set's held-out part may have no two images of a class: then all images.
            everything = np.concatenate([self.data.train, self.data.validation])
            scenes = SomeScenes(self.data.scenes, everything)
            classes = with_enough(scenes, self.data.classes, shots=1)
        random = generator(derived_seed(self.how.base, self.how.seed, "choice"))
        tasks = draw_tasks(scenes, classes, CHOICE_TASKS, 1, random)
        return overlap_of(self.network, scenes, tasks, 1, _by_prototypes, self.device).mean


def _by_prototypes(episodes: Any) -> Tensor:
    return prototype_scores(episodes.query_directions, *prototypes(episodes))
