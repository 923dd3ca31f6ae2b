"""The task: train a ladder of models on a domain once, and judge laws by the largest of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from models.language.corpora import find_folder
from models.language.precision import Precision, require_precision
from repro.context import RunContext
from repro.errors import UserError
from repro.files import read_json
from tasks.scaling.domains import DOMAINS, USER_FILE, check_dataset
from tasks.scaling.domains.text import WIKITEXT
from tasks.scaling.ladder import Rung, train_rung
from tasks.scaling.measures import (
    Ladder,
    best_sizes,
    by_size,
    frontier_divergence,
    joint_constant,
    out_of_sample,
    whole_ladder,
)
from tasks.scaling.protocol import ScalingForm

#: Fewer models leave a law with three parameters nothing to be judged by.
_LEAST_MODELS = 5


@dataclass(frozen=True)
class Scaling:
    """Loss of decoder-only transformers against size N (without embeddings) and compute C = 6 N D.

    A method offers ``fitted(x, losses)`` (see :class:`~tasks.scaling.protocol.ScalingForm`). Each
    model of the ladder is trained once for a data set and a seed, and shared by all methods.

    ``widths``          of the models, rising: with equal layers, N grows with the square
    ``layers``, ``heads``, ``feedforward``  of every model
    ``steps``, ``tokens``  updates, and tokens in a batch
    ``learning_rate``   at N = 12,288; other sizes have it times (N / 12,288)^−0.25, as in the
                        paper; a linear warm-up over ``warmup`` steps, a linear decay to a tenth
    ``looks``           how often test losses are measured
    ``deviation``       standard deviation of the first weights
    ``parts``           passes over which a batch is spread, to save memory
    ``finetune_steps``  of classification, on domains with classes
    ``blank_share``, ``blank_rate``  of finetuning with blanks, on domains with pairs: its steps as
                        a share of ``steps``, its rate as a share of the learning rate

    Metrics that judge a law: ``size_error``, ``compute_error`` (nats), ``forecast_error``
    (doublings). Of its fit to all models: ``constant``, ``compute_constant`` (nats), and where the
    source is known ``constant_error``, ``compute_constant_error`` (as shares). The ladder's
    own, the same for every method: ``loss@r`` with r the size relative to the smallest; what
    :func:`~tasks.scaling.measures.best_sizes` has; ``joint_constant``; ``divergence@r`` (from the
    true source, where known); ``frontier_divergence@c`` (from the same, c the compute relative to
    the smallest model's run); what :mod:`tasks.scaling.information` has (pairs);
    ``extrapolation_loss@r`` and ``matched_extrapolation@r`` (mathematics);
    ``classification_loss@r`` and ``error_rate@r`` (digits). A ladder that diverges has ``nan``.
    """

    widths: Sequence[int] = (8, 16, 24, 32, 48, 64)
    layers: int = 2
    heads: int = 2
    feedforward: float = 4.0
    steps: int = 300
    tokens: int = 1024
    learning_rate: float = 5e-3
    warmup: int = 20
    weight_decay: float = 0.0
    looks: int = 10
    finetune_steps: int = 60
    blank_share: float = 0.2
    blank_rate: float = 0.3
    precision: Precision = "float32"
    deviation: float = 0.1
    parts: int = 1

    def __post_init__(self) -> None:
        widths = list(self.widths)
        if len(widths) < _LEAST_MODELS or widths != sorted(set(widths)):
            _refuse(f"widths is {widths}; it must rise and have at least {_LEAST_MODELS} values")
        for name in ("steps", "tokens", "learning_rate", "parts", "blank_share", "blank_rate"):
            if not getattr(self, name) > 0:
                _refuse(f"{name} is {getattr(self, name)}; it must be above 0")
        if self.looks < 2:
            _refuse(f"looks is {self.looks}; a curve needs at least 2 points")
        require_precision(self.precision, "cuda")
        for width in widths:
            self._rung("", 0, width).architecture(2, 2)

    @staticmethod
    def known_datasets() -> tuple[str, ...]:
        """Return the names of the domains; ``file:<path>`` stands for a user's own text."""
        return tuple(DOMAINS)

    @staticmethod
    def check_dataset(dataset: str) -> None:
        """Raise ``UserError`` where a name is unknown or a user's text cannot be used."""
        check_dataset(dataset)

    def run(self, method: ScalingForm, context: RunContext) -> dict[str, float]:
        """Judge ``method`` on the ladder of ``context.dataset`` and return the metrics."""
        _note_data(context)
        rungs = self._rungs(context, largest_first=method.joint)
        ladder = Ladder.of(rungs)
        self._log(ladder, context)
        context.record(
            parameters=rungs[-1]["parameters"],
            samples_seen=len(rungs) * self.steps * self.tokens,
        )
        own = {**by_size(ladder), **frontier_divergence(ladder), **best_sizes(ladder)}
        if not all(math.isfinite(loss) for loss in ladder.final):
            joint_names = ["joint_constant"] if method.joint else []
            truth_names = _TRUTH_METRICS if ladder.true_loss is not None else ()
            return dict.fromkeys([*own, *_LAW_METRICS, *truth_names, *joint_names], math.nan)
        laws = {**out_of_sample(ladder, method), **whole_ladder(ladder, method)}
        joint = {"joint_constant": joint_constant(ladder)} if method.joint else {}
        return {**own, **laws, **joint}

    def _rungs(self, context: RunContext, largest_first: bool) -> list[dict[str, Any]]:
        """Return what each model's training wrote, the smallest first.

        The law and its rivals start at different ends, so that two that run at once share the work.
        """
        widths = list(self.widths)
        order = widths[::-1] if largest_first else widths
        found = {}
        for done, width in enumerate(order):
            rung = self._rung(context.dataset, context.seed("ladder"), width)
            folder = context.artifact(train_rung, **asdict(rung))
            found[width] = read_json(folder / "rung.json")
            context.progress(done + 1, len(order))
        return [record for width in widths if (record := found[width]) is not None]

    def _rung(self, dataset: str, seed: int, width: int) -> Rung:
        own = asdict(self)
        del own["widths"]
        return Rung(dataset=dataset, seed=seed, width=width, **own)

    def _log(self, ladder: Ladder, context: RunContext) -> None:
        for look, tokens in enumerate(ladder.tokens.tolist()):
            losses = zip(ladder.relative, ladder.losses["test"][:, look].tolist(), strict=True)
            context.log(int(tokens), **{f"loss@{level}": loss for level, loss in losses})


_LAW_METRICS = (
    "size_error",
    "compute_error",
    "forecast_error",
    "constant",
    "compute_constant",
)
#: Where the source is known.
_TRUTH_METRICS = ("constant_error", "compute_constant_error")


def _note_data(context: RunContext) -> None:
    """Put the hash of what is read from disk into the trial's record."""
    if context.dataset.startswith(USER_FILE):
        path = Path(context.dataset.removeprefix(USER_FILE)).expanduser()
        context.found_data(path.name, path)
    folder = find_folder(WIKITEXT[0]) if context.dataset == "wikitext_103" else None
    if folder is not None:
        context.found_data(WIKITEXT[0], folder)


def _refuse(problem: str) -> None:
    raise UserError(f"tasks.scaling.Scaling: {problem}")
