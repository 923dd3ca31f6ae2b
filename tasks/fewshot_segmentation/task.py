"""The task: one novel class at a time, segmented from a few annotated images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch

from models.segmentation import SegmentationNetwork
from repro.context import RunContext
from repro.data import DataFile
from repro.errors import UserError
from repro.files import read_json
from tasks.fewshot_segmentation import data
from tasks.fewshot_segmentation.base_training import BaseSettings, train_base
from tasks.fewshot_segmentation.evaluation import (
    Measured,
    measure,
    miou_of,
    nothing_measured,
    portions,
)
from tasks.fewshot_segmentation.folder import is_user_folder
from tasks.fewshot_segmentation.networks import (
    NetworkName,
    Pretraining,
    build_network,
    weights_of,
)
from tasks.fewshot_segmentation.pictures import draw_pictures
from tasks.fewshot_segmentation.protocol import BaseNetwork, FewShotMethod, Training
from tasks.fewshot_segmentation.sampling import Tasks, draw_tasks, with_enough
from tasks.fewshot_segmentation.scenes import SceneSet
from tasks.fewshot_segmentation.seeds import derived_seed, generator
from tasks.fewshot_segmentation.sources import ClassScenes, Source, Split

#: Tasks on which the leaking ablation chooses its checkpoint.
CHOICE_TASKS = 100
PICTURES = 4
#: What a user's folder must allow: this many supports beside a query.
DEFAULT_SHOTS = (1, 5, 10)


@dataclass(frozen=True)
class FewShotSegmentation:
    """One-way few-shot segmentation on the features of a frozen base network.

    A method offers ``base`` and ``segment(episodes)`` (see
    :class:`~tasks.fewshot_segmentation.protocol.FewShotMethod`). Base networks are trained once on
    base classes and shared; all methods get the same tasks, and the supports at fewer shots are the
    first of those at more.

    ``network``        ``dilated`` (small images), ``pspnet50`` or ``pspnet101``
    ``more_networks``  others that methods name, trained before any trial where seeds share them
    ``pretraining``    of PSPNet's backbone: ``imagenet`` (torchvision's weights),
                       ``imagenet_deep_stem`` (the released code's, supplied by the user), ``none``
    ``epochs``         of base training; the data set's own without a value
    ``batch_size``     images a step of base training, or half as many one-shot tasks
    ``learning_rate``, ``episodic_learning_rate``  at the start of base training of each kind
    ``side``           pixels of the square to which image files are brought
    ``checkpoints``    kept of base training, among which the best on base classes is taken
    ``base_seed``      one base network for all seeds, as in the paper; each seed its own without it
    ``shots``          supports of a task
    ``tasks``, ``runs``  tasks in a run, and runs over which mIoU is averaged
    ``evaluate``       ``validation`` leaves novel classes alone: for pilots and tuning

    Metrics, at each number of shots K: ``miou@K`` (per cent; intersection and union accumulated by
    class over the tasks of a run, mean over classes, mean over runs), ``tasks_per_second@K``
    (network and inference; per second of processor time on a CPU), ``share_error@K`` (mean absolute
    error of the predicted share of foreground, in points); ``miou_mean`` over shots, and
    ``base_miou`` (held-out images of base classes). For ``validation`` only ``validation_miou``,
    the mean over shots on tasks of the validation's classes, and ``base_miou``.
    """

    network: NetworkName = "dilated"
    more_networks: Sequence[NetworkName] = ()
    pretraining: Pretraining = "none"
    epochs: int | None = None
    batch_size: int = 12
    learning_rate: float = 0.0025
    episodic_learning_rate: float = 0.0025
    side: int = 64
    checkpoints: int = 5
    base_seed: int | None = None
    shots: Sequence[int] = DEFAULT_SHOTS
    tasks: int = 200
    runs: int = 5
    evaluate: Split = "test"

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "learning_rate", "checkpoints", "tasks", "runs"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                _refuse(f"{name} is {value}; it must be above 0")
        if self.batch_size < 2:
            _refuse("batch_size is 1; batch normalisation needs at least 2 images")
        if not self.shots or min(self.shots) < 1:
            _refuse(f"shots is {list(self.shots)}; it must list numbers from 1 on")
        for name in (self.network, *self.more_networks):
            _require_one_of("network", name, NetworkName)
        _require_one_of("pretraining", self.pretraining, Pretraining)
        _require_one_of("evaluate", self.evaluate, Split)
        if self.network == "dilated" and self.pretraining != "none":
            _refuse("the network dilated has no ImageNet weights; set pretraining to none")

    @staticmethod
    def known_datasets() -> tuple[str, ...]:
        """Return the names of the data sets; ``file:<folder>`` stands for a user's own."""
        return data.known_datasets()

    @staticmethod
    def check_dataset(dataset: str) -> None:
        """Raise ``UserError`` where a name is unknown or a user's folder cannot be used."""
        data.check_dataset(dataset, max(DEFAULT_SHOTS))

    @staticmethod
    def data_files(dataset: str) -> tuple[DataFile, ...]:
        """Return the files that ``dataset`` needs; none for generated sets."""
        return data.data_files(dataset)

    def artifacts(self, dataset: str) -> list[tuple[Any, dict[str, Any]]]:
        """Return builder and settings of the base networks that all seeds share, if they do."""
        if self.base_seed is None:
            return []
        wanted = [BaseNetwork(training) for training in get_args(Training)]
        wanted += [BaseNetwork(network=name) for name in self.more_networks]
        return [
            (train_base, asdict(self._base_settings(dataset, base, self.base_seed)))
            for base in wanted
        ]

    def run(self, method: FewShotMethod, context: RunContext) -> dict[str, float]:
        """Measure ``method`` on ``context.dataset`` and return its metrics."""
        source = data.source_of(context.dataset)
        self._note_data(source, method.base.network or self.network, context)
        bases = self._bases(method, context)
        with torch.no_grad():
            return self._measured(method, source, bases, context)

    def _measured(
        self, method: FewShotMethod, source: Source, bases: _Bases, context: RunContext
    ) -> dict[str, float]:
        there = source.tasks_from(self.evaluate, context.trial_seed, self.side)
        chosen = self._checkpoint(method, there, bases, context)
        network = bases.network(chosen, context.device)
        context.record(parameters=sum(weight.numel() for weight in network.parameters()))
        runs = [self._draw(there, context, "tasks", run) for run in range(self.runs)]
        if self.evaluate == "test":
            # Before anything is timed: what the first call alone does, such as compiling, is done.
            draw_pictures(network, there.scenes, runs[0], PICTURES, method.segment, context)
        found = self._found(method, network, there.scenes, runs, context)
        base_miou = bases.scores[chosen]
        if self.evaluate == "validation":
            miou = _mean([measured.miou for measured in found.values()])
            return {"validation_miou": miou, "base_miou": base_miou}
        return {**_metrics(found), "base_miou": base_miou}

    def _found(
        self,
        method: FewShotMethod,
        network: SegmentationNetwork,
        scenes: SceneSet,
        runs: Sequence[Tasks],
        context: RunContext,
    ) -> dict[int, Measured]:
        """Measure portion by portion; an interrupted trial goes on after its last one."""
        kept = context.restore() or {"found": nothing_measured(self.shots, len(runs)), "done": 0}
        found: dict[int, Measured] = kept["found"]
        done: int = kept["done"]
        parts = portions(scenes, runs)
        for number, portion in enumerate(parts[done:], start=done + 1):
            measure(network, scenes, portion, method.segment, context.device, found)
            context.progress(number, len(parts))
            if number < len(parts):
                context.checkpoint({"found": found, "done": number}, number)
        return found

    def _checkpoint(
        self, method: FewShotMethod, there: ClassScenes, bases: _Bases, context: RunContext
    ) -> int:
        """Return the checkpoint to use: the best on base classes, or the leak that is asked for."""
        if method.base.selection == "base" or self.evaluate == "validation":
            return bases.best
        tasks = self._draw(there, context, "choice", 0, CHOICE_TASKS)
        scores = []
        for place in range(len(bases.scores)):
            network = bases.network(place, context.device)
            scores.append(miou_of(network, there.scenes, tasks, 1, method.segment, context.device))
        return int(np.argmax(scores))

    def _draw(
        self,
        there: ClassScenes,
        context: RunContext,
        purpose: str,
        run: int,
        count: int | None = None,
    ) -> Tasks:
        most = max(self.shots)
        classes = there.classes
        if self.evaluate == "validation":
            # Base classes of a finite set may be rare in its held-out part.
            classes = with_enough(there.scenes, classes, most)
            if not classes:
                _refuse(f"no class of the validation part has the images that {most} shots need")
        seed = derived_seed(
            context.dataset_identity or context.dataset, context.trial_seed, purpose, run
        )
        return draw_tasks(there.scenes, classes, count or self.tasks, most, generator(seed))

    def _bases(self, method: FewShotMethod, context: RunContext) -> _Bases:
        seed = context.trial_seed if self.base_seed is None else self.base_seed
        settings = self._base_settings(context.dataset, method.base, seed)
        folder = context.artifact(train_base, **asdict(settings))
        selection = read_json(folder / "selection.json")
        assert selection is not None
        return _Bases(
            folder, settings.network, selection["classes"], selection["scores"], selection["best"]
        )

    def _base_settings(self, dataset: str, base: BaseNetwork, seed: int) -> BaseSettings:
        source = data.source_of(dataset)
        episodic = base.training == "episodic"
        return BaseSettings(
            base=source.base_name,
            folder=dataset if is_user_folder(dataset) else "",
            training=base.training,
            network=base.network or self.network,
            pretraining=self.pretraining,
            epochs=source.epochs if self.epochs is None else self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.episodic_learning_rate if episodic else self.learning_rate,
            side=self.side,
            checkpoints=self.checkpoints,
            seed=seed,
        )

    def _note_data(self, source: Source, network: NetworkName, context: RunContext) -> None:
        """Put the hashes of what is read into the trial's record."""
        for file in source.files:
            context.data(file)
        if self.pretraining != "none":
            context.data(weights_of(network, self.pretraining))
        if is_user_folder(context.dataset):
            path = data.folder_of(context.dataset)
            context.found_data(path.name, path)


@dataclass(frozen=True)
class _Bases:
    """The checkpoints of one base training."""

    folder: Path
    name: NetworkName
    classes: int
    scores: list[float]
    best: int

    def network(self, checkpoint: int, device: str) -> SegmentationNetwork:
        """Return the network of a checkpoint, ready for inference."""
        network = build_network(self.name, self.classes, seed=0)
        path = self.folder / f"checkpoint_{checkpoint}.pt"
        network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
        return network.to(device).eval()


def _metrics(found: dict[int, Measured]) -> dict[str, float]:
    metrics: dict[str, float] = {}
    for k, measured in found.items():
        metrics[f"miou@{k}"] = measured.miou
        metrics[f"tasks_per_second@{k}"] = measured.tasks_per_second
        metrics[f"share_error@{k}"] = _mean(measured.share_errors)
    return {**metrics, "miou_mean": _mean([measured.miou for measured in found.values()])}


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else math.nan


def _refuse(problem: str) -> None:
    raise UserError(f"tasks.fewshot_segmentation.FewShotSegmentation: {problem}")


def _require_one_of(name: str, value: str, kind: Any) -> None:
    if value not in get_args(kind):
        _refuse(f"{name} is {value!r}; it must be one of {', '.join(get_args(kind))}")
