"""One run of base training: its steps, its scores, and what a killed one goes on from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from models.segmentation import SegmentationNetwork
from tasks.fewshot_segmentation.data import SOURCES, source_of
from tasks.fewshot_segmentation.evaluation import miou_of
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


@dataclass
class BaseTraining:
    """One training run. ``step``: done so far; ``scores``: of the checkpoints so far."""

    how: BaseSettings
    data: BaseScenes
    network: SegmentationNetwork
    optimizer: torch.optim.SGD
    random: np.random.RandomState
    device: str
    step: int = 0
    scores: list[float] = field(default_factory=list)
    order: np.ndarray | None = None

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

    def keep(self, path: Path) -> None:
        """Write all that :meth:`resume` needs, whole or not at all."""
        cuda = torch.cuda.get_rng_state_all() if self.device == "cuda" else []
        scratch = path.with_suffix(".part")
        torch.save(
            {
                "run": (self.step, self.scores, self.order, self.random.get_state()),
                "network": self.network.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "dropout": (torch.get_rng_state(), cuda),
            },
            scratch,
        )
        scratch.replace(path)

    def resume(self, path: Path) -> None:
        """Go on where :meth:`keep` was called last; without its file, from the start."""
        if not path.exists():
            return
        kept = torch.load(path, map_location="cpu", weights_only=False)
        # Tasks are drawn before the first step, from the generator as it was then.
        _ = self.how.training == "episodic" and self._tasks
        self.step, self.scores, self.order, random = kept["run"]
        self.random.set_state(random)
        self.network.load_state_dict(kept["network"])
        self.optimizer.load_state_dict(kept["optimizer"])
        torch.set_rng_state(kept["dropout"][0])
        if self.device == "cuda":
            torch.cuda.set_rng_state_all(kept["dropout"][1])

    @property
    def classes(self) -> int:
        """Base classes and background."""
        return len(self.data.classes) + 1

    @property
    def steps_per_epoch(self) -> int:
        """Batches in a pass; a smaller last one is left out."""
        return max(1, len(self.data.train) // self.how.batch_size)

    @property
    def steps(self) -> int:
        """All steps of the training."""
        return self.how.epochs * self.steps_per_epoch

    @property
    def kept(self) -> list[int]:
        """Steps after which a checkpoint is kept; with fewer steps, several are one and the same.

        Evenly spaced; the last one ends training.
        """
        count = self.how.checkpoints
        return [max(1, round(self.steps * (k + 1) / count)) for k in range(count)]

    def losses(self) -> Iterator[Tensor]:
        """Yield the loss of each step that is left; the network's weights change in between."""
        one = self._cross_entropy if self.how.training == "cross_entropy" else self._episodic
        while self.step < self.steps:
            yield one()

    def descend(self, loss: Tensor) -> None:
        """Take one step; the rate falls along half a cosine to 1e-6."""
        share = 0.5 * (1 + np.cos(np.pi * self.step / self.steps))
        for group in self.optimizer.param_groups:
            group["lr"] = LAST_RATE + (self.how.learning_rate - LAST_RATE) * share
        self.step += 1
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

    def _batch(self) -> np.ndarray:
        """Return the numbers of the step's images: the next ones of a random order."""
        size = min(self.how.batch_size, len(self.data.train))
        place = self.step % self.steps_per_epoch
        if place == 0 or self.order is None:
            self.order = self.random.permutation(self.data.train)
        return self.order[place * size : (place + 1) * size]

    def _cross_entropy(self) -> Tensor:
        images, labels = self._read(self.data.scenes, self._batch().tolist(), flips=True)
        target = self.data.training_labels(labels)
        return cross_entropy(
            self.network(images), target, ignore_index=255, label_smoothing=LABEL_SMOOTHING
        )

    @cached_property
    def _train_scenes(self) -> SomeScenes:
        return SomeScenes(self.data.scenes, self.data.train)

    @cached_property
    def _tasks(self) -> Tasks:
        """The one-shot tasks of all steps, half as many in a step as images."""
        classes = with_enough(self._train_scenes, self.data.classes, shots=1)
        count = self.steps * max(1, self.how.batch_size // 2)
        return draw_tasks(self._train_scenes, classes, count, 1, self.random)

    def _episodic(self) -> Tensor:
        size = max(1, self.how.batch_size // 2)
        own_tasks = slice(self.step * size, (self.step + 1) * size)
        tasks = Tasks(*(part[own_tasks] for part in self._tasks))
        numbers = [*tasks.support[:, 0], *tasks.query]
        images, labels = self._read(self._train_scenes, numbers, flips=True)
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
        return miou_of(self.network, scenes, tasks, 1, _by_prototypes, self.device)


def _by_prototypes(episodes: Any) -> Tensor:
    return prototype_scores(episodes.query_directions, *prototypes(episodes))
