"""One rung of the ladder: a model trained once on a domain, and its losses along the way."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.language import (
    Architecture,
    OneProcess,
    Training,
    TrainingSettings,
    build_model,
    mean_loss,
)
from models.language.precision import Precision
from repro.files import write_json
from tasks.scaling.domains import TEST, domain_of
from tasks.scaling.finetuning import finetuned

#: The size at which the setting ``learning_rate`` holds, and how it falls with size (the paper's).
RATE_SIZE, RATE_EXPONENT = 12_288, -0.25
#: Losses are measured at these shares of a run, evenly spaced in the logarithm of the tokens.
FIRST_LOOK = 0.04


@dataclass(frozen=True)
class Rung:
    """How one model is trained; every field is a part of the artefact's key.

    ``tokens``          a batch, padding included; ``steps`` of them
    ``learning_rate``   at N = 12,288; other sizes have it times (N / 12,288)^−0.25
    ``deviation``       of the first weights
    ``parts``           passes over which a batch is spread
    ``looks``           how often test losses are measured, the last time at the end
    ``finetune_steps``  of classification, ``finetune_rows`` sequences each, where the domain has
                        classes
    """

    dataset: str
    seed: int
    width: int
    layers: int
    heads: int
    feedforward: float
    steps: int
    tokens: int
    learning_rate: float
    warmup: int
    weight_decay: float
    looks: int
    finetune_steps: int
    finetune_rows: int
    precision: Precision
    deviation: float
    parts: int

    @property
    def size(self) -> int:
        """N."""
        return self.architecture(1, 1).matrix_weights

    @property
    def rate(self) -> float:
        """The highest learning rate of this size."""
        return self.learning_rate * float((self.size / RATE_SIZE) ** RATE_EXPONENT)

    def architecture(self, vocabulary: int, context: int) -> Architecture:
        """Return the model's shape."""
        return Architecture(
            "gpt2",
            vocabulary,
            context,
            self.width,
            self.layers,
            self.heads,
            self.feedforward,
            deviation=self.deviation,
        )

    def look_steps(self) -> list[int]:
        """Return after which updates losses are measured."""
        first = max(1, round(FIRST_LOOK * self.steps))
        return sorted({round(s) for s in np.geomspace(first, self.steps, self.looks)})


def train_rung(directory: Path, **settings: Any) -> None:
    """Fill ``directory`` with ``rung.json``: an artefact's builder.

    ``settings`` are those of :class:`Rung`. The file has ``size`` (N), ``parameters`` (all),
    ``looks`` (tokens seen and the loss of every test of the domain there, in nats per counted
    token), ``true_loss`` (or null) and ``classification`` (loss and error rate, or null).
    """
    rung = Rung(**settings)
    domain = domain_of(rung.dataset, rung.seed)
    tests = domain.tests(rung.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = build_model(rung.architecture(domain.vocabulary, domain.context), rung.seed)
    rows = max(1, rung.tokens // domain.context)
    looks: list[dict[str, float]] = []
    at = set(rung.look_steps())

    def look(training: Training) -> None:
        if training.step in at:
            losses = {name: mean_loss(model, test, device) for name, test in tests.items()}
            looks.append({"tokens": training.tokens_seen, **losses})

    training = Training(
        model,
        domain.batches(rows, rung.seed),
        _how(rung),
        processes=OneProcess(device),
    )
    training.run(after_step=look)
    labelled = domain.labelled(rung.seed) if rung.finetune_steps else None
    classified = labelled and finetuned(
        model,
        labelled,
        rung.finetune_steps,
        rung.rate,
        rung.seed,
        rung.finetune_rows,
        rung.precision,
    )
    write_json(
        directory / "rung.json",
        {
            "size": rung.size,
            "parameters": sum(weight.numel() for weight in model.parameters()),
            "looks": looks,
            "true_loss": domain.true_loss(rung.seed),
            "classification": classified and classified._asdict(),
            "settings": asdict(rung),
            "test": TEST,
        },
    )


def _how(rung: Rung) -> TrainingSettings:
    return TrainingSettings(
        steps=rung.steps,
        learning_rate=rung.rate,
        warmup=min(rung.warmup, rung.steps),
        decay="linear",
        last_share=0.1,
        weight_decay=rung.weight_decay,
        precision=rung.precision,
        parts=rung.parts,
    )
