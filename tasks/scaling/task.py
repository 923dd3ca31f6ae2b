"""The task: train a ladder of models on a domain once, and judge laws by the largest of them."""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from models.language import model_class
from models.language.corpora import USER_FILE, find_folder
from models.language.precision import Precision, require_precision
from repro.context import RunContext
from repro.data import DataFile
from repro.errors import UserError
from repro.files import read_json
from tasks.scaling.domains import DOMAINS, HUB_SETS, check_dataset, content_hash, data_files
from tasks.scaling.extrapolation import extrapolated_best_size, extrapolated_law
from tasks.scaling.ladder import Rung, train_rung
from tasks.scaling.measures import (
    COMPUTE_LEVELS,
    LAW_FROM,
    LEAST_POINTS,
    Ladder,
    best_sizes,
    by_size,
    frontier_divergence,
    joint_law,
    out_of_sample,
    whole_ladder,
)
from tasks.scaling.protocol import ScalingForm
from tasks.scaling.recipes import recipe_of

#: Width of a head of attention.
_HEAD_WIDTH = 64
#: Tokens of a pass where ``parts`` is ``null``.
_PASS_TOKENS = 16_384
#: Fewer models leave a law with three parameters nothing to be judged by.
_LEAST_MODELS = 5


@dataclass(frozen=True)
class Scaling:
    """Loss of decoder-only transformers against size N (without embeddings) and compute C = 6 N D.

    A method offers ``fitted(x, losses)`` (see :class:`~tasks.scaling.protocol.ScalingForm`). Each
    model of the ladder is trained once for a data set and a seed, and shared by all methods.

    ``ladder``          width and layers of each model, the smallest N first; a head of attention
                        for every 64 of the width, two at least, as in the paper
    ``feedforward``     width of the feed-forward part, as a multiple of the model's
    ``steps``, ``tokens``  updates, and tokens in a batch
    ``learning_rate``   at N = 12,288; other sizes have it times (N / 12,288)^−0.25, as in the
                        paper; a linear warm-up over ``warmup`` steps, a linear decay to a tenth
    ``looks``           how often test losses are measured
    ``deviation``       standard deviation of the first weights
    ``parts``           passes over which a batch is spread, to save memory; ``null``: one for each
                        16,384 tokens
    ``finetune_steps``  of classification, ``finetune_rows`` sequences each, on domains with classes
    ``blank_share``, ``blank_rate``  of finetuning with blanks, on domains with pairs: its steps as
                        a share of ``steps``, its rate as a share of the learning rate

    ``feedforward``, ``tokens`` and ``weight_decay`` may be ``null``: the paper's for the domain
    (:mod:`tasks.scaling.recipes`).

    Metrics that judge a law: ``size_error``, ``compute_error`` (nats), ``forecast_error``
    (doublings). Of its fit to all models: ``constant``, ``compute_constant`` (nats), where the
    source is known ``constant_error``, ``compute_constant_error`` (as shares), and what
    :func:`~tasks.scaling.extrapolation.extrapolated_law` has (mathematics). The ladder's own,
    with the method that describes it alone: ``loss@r`` with r the size relative to the smallest,
    and ``late_fall@r`` (:func:`~tasks.scaling.measures.late_fall`);
    what :func:`~tasks.scaling.measures.best_sizes`,
    :func:`~tasks.scaling.measures.joint_law` and
    :func:`~tasks.scaling.extrapolation.extrapolated_best_size` (mathematics) have;
    ``divergence@r`` (from the true source, where known); ``frontier_divergence@c`` (from the same,
    c the compute relative to the smallest model's run); what :mod:`tasks.scaling.information` has
    (pairs); ``extrapolation_loss@r`` and ``matched_extrapolation@r`` (mathematics);
    ``classification_loss@r`` and ``error_rate@r`` (digits, images). A ladder that diverges has
    ``nan``.
    """

    ladder: Sequence[Sequence[int]] = ((8, 2), (16, 2), (24, 2), (32, 2), (48, 2), (64, 2))
    feedforward: float | None = 4.0
    steps: int = 300
    tokens: int | None = 1024
    learning_rate: float = 5e-3
    warmup: int = 20
    weight_decay: float | None = 0.0
    looks: int = 10
    finetune_steps: int = 60
    finetune_rows: int = 32
    blank_share: float = 0.2
    blank_rate: float = 0.3
    precision: Precision = "float32"
    deviation: float = 0.1
    parts: int | None = 1

    def __post_init__(self) -> None:
        self._check_ladder()
        for name in ("steps", "tokens", "learning_rate", "parts", "blank_share", "blank_rate"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                _refuse(f"{name} is {value}; it must be above 0")
        if self.looks < LEAST_POINTS:
            _refuse(f"looks is {self.looks}; a law needs at least {LEAST_POINTS}")
        require_precision(self.precision, "cuda")
        for shape in self.ladder:
            self._rung("", 0, shape).architecture(2, 2)
        self._check_looks()

    def _check_ladder(self) -> None:
        if not all(isinstance(shape, Sequence) and len(shape) == 2 for shape in self.ladder):
            _refuse(f"ladder is {self.ladder}; it must list pairs: a width and a number of layers")
        sizes = [width**2 * layers for width, layers in self.ladder]
        if len(sizes) < _LEAST_MODELS or sizes != sorted(set(sizes)):
            _refuse(f"ladder is {self.ladder}; N must rise, over at least {_LEAST_MODELS} models")

    def _check_looks(self) -> None:
        steps = self._rung("", 0, self.ladder[0]).look_steps()
        counted = [step for step in steps if step >= LAW_FROM * self.steps]
        if len(counted) < LEAST_POINTS:
            _refuse(
                f"looks is {self.looks} and steps is {self.steps}: a law needs at least "
                f"{LEAST_POINTS} looks after the first {LAW_FROM:.0%} of the steps, "
                f"and these are {len(counted)}"
            )

    @staticmethod
    def known_datasets() -> tuple[str, ...]:
        """Return the names of the domains; ``file:<path>`` stands for a user's own text."""
        return tuple(DOMAINS)

    @staticmethod
    def data_files(dataset: str) -> tuple[DataFile, ...]:
        """Return the named files that a domain is read from."""
        return data_files(dataset)

    @staticmethod
    def preload() -> None:
        """Import the models' and the digits' code: 5 s, once, where each fork would do it anew."""
        model_class("gpt2")
        importlib.import_module("sklearn.datasets")

    @staticmethod
    def check_dataset(dataset: str) -> None:
        """Make a domain's data ready; ``UserError`` where that cannot be done."""
        check_dataset(dataset)

    def run(self, method: ScalingForm, context: RunContext) -> dict[str, float]:
        """Judge ``method`` on the ladder of ``context.dataset`` and return the metrics."""
        _note_data(context)
        rungs = self._rungs(context, largest_first=method.describes_ladder)
        ladder = Ladder.of(rungs)
        self._log(ladder, context)
        context.record(
            parameters=rungs[-1]["parameters"],
            samples_seen=sum(rung["looks"][-1]["tokens"] for rung in rungs),
        )
        whole = all(math.isfinite(loss) for loss in ladder.final)
        if whole:
            laws = {
                **out_of_sample(ladder, method),
                **whole_ladder(ladder, method),
                **extrapolated_law(ladder, method),
            }
        else:
            truth_names = _TRUTH_METRICS if ladder.true_loss is not None else ()
            laws = dict.fromkeys([*_LAW_METRICS, *truth_names], math.nan)
        return {**laws, **(_of_ladder(ladder, whole) if method.describes_ladder else {})}

    def _rungs(self, context: RunContext, largest_first: bool) -> list[dict[str, Any]]:
        """Return what each model's training wrote, the smallest first.

        The law and its rivals start at different ends, so that two that run at once share the work.
        """
        found: list[Any] = []
        seed, data_hash = context.seed("ladder"), content_hash(context.dataset)
        for done, shape in enumerate(reversed(self.ladder) if largest_first else self.ladder):
            rung = self._rung(context.dataset, seed, shape, data_hash)
            folder = context.artifact(train_rung, **asdict(rung))
            found.append(read_json(folder / "rung.json"))
            context.progress(done + 1, len(self.ladder))
        return found[::-1] if largest_first else found

    def _rung(self, dataset: str, seed: int, shape: Sequence[int], data_hash: str = "") -> Rung:
        width, layers = shape
        own = asdict(self)
        del own["ladder"]
        for name, papers in asdict(recipe_of(dataset)).items():
            own[name] = papers if own[name] is None else own[name]
        own["parts"] = self.parts or -(-own["tokens"] // _PASS_TOKENS)
        heads = max(2, width // _HEAD_WIDTH)
        own |= {"dataset": dataset, "data_hash": data_hash, "seed": seed}
        return Rung(width=width, layers=layers, heads=heads, **own)

    def _log(self, ladder: Ladder, context: RunContext) -> None:
        for look, tokens in enumerate(ladder.tokens.tolist()):
            losses = zip(ladder.relative, ladder.losses["test"][:, look].tolist(), strict=True)
            context.log(int(tokens), **{f"loss@{level}": loss for level, loss in losses})


def _of_ladder(ladder: Ladder, whole: bool) -> dict[str, float]:
    """Return what no law changes; all of it NaN where a model diverged."""
    found = {**by_size(ladder), **frontier_divergence(ladder), **best_sizes(ladder)}
    if whole:
        return {**found, **joint_law(ladder), **extrapolated_best_size(ladder)}
    return dict.fromkeys([*found, *_JOINT_METRICS], math.nan)


_LAW_METRICS = (
    "size_error",
    "compute_error",
    "forecast_error",
    "constant",
    "compute_constant",
)
_JOINT_METRICS = (
    "joint_explained",
    "joint_constant",
    "joint_best_size_exponent",
    *(f"joint_log_best_size@{level}" for level in COMPUTE_LEVELS),
)
#: Where the source is known.
_TRUTH_METRICS = ("constant_error", "compute_constant_error")


def _note_data(context: RunContext) -> None:
    """Put the hash of what is read from disk into the trial's record."""
    if context.dataset.startswith(USER_FILE):
        path = Path(context.dataset.removeprefix(USER_FILE)).expanduser()
        context.found_data(path.name, path)
    for file in data_files(context.dataset):
        context.data(file)
    name, _ = HUB_SETS.get(context.dataset, ("", ""))
    folder = find_folder(name) if name else None
    if folder is not None:
        context.found_data(name, folder)


def _refuse(problem: str) -> None:
    raise UserError(f"tasks.scaling.Scaling: {problem}")
