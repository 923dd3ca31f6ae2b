"""One rung of the ladder: a model trained once on a domain, and its losses along the way."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from models.language import (
    Architecture,
    FolderKeeper,
    OneProcess,
    Training,
    TrainingSettings,
    build_model,
    mean_loss,
)
from models.language.checkpoints import TRAINING
from models.language.precision import Precision
from repro.files import write_json
from tasks.scaling.blank_training import measured_pairs
from tasks.scaling.domains import TEST, Domain, PairedSequences, domain_of, guess_loss
from tasks.scaling.finetuning import finetuned

#: The size at which the setting ``learning_rate`` holds, and how it falls with size (the paper's).
RATE_SIZE, RATE_EXPONENT = 12_288, -0.25
#: Losses are measured at these shares of a run, evenly spaced in the logarithm of the tokens.
FIRST_LOOK = 0.04


@dataclass(frozen=True)
class Rung:
    """How one model is trained; every field is a part of the artefact's key.

    ``data_hash``       of what the data set is read from, where nothing else fixes that
    ``tokens``          a batch, padding included; ``steps`` of them
    ``learning_rate``   at N = 12,288; other sizes have it times (N / 12,288)^−0.25
    ``deviation``       of the first weights
    ``parts``           passes over which a batch is spread
    ``looks``           how often test losses are measured, the last time at the end
    ``finetune_steps``  of classification, ``finetune_rows`` sequences each, where the domain has
                        classes
    ``blank_share``, ``blank_rate``  of finetuning with blanks, where the domain has pairs: its
                        steps as a share of ``steps``, its rate as one of the learning rate
    """

    dataset: str
    data_hash: str
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
    blank_share: float
    blank_rate: float
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
    token), ``true_loss`` (or null), ``guess_loss``, ``classification`` (loss and error rate, or
    null) and ``pairs`` (see :func:`~tasks.scaling.blank_training.measured_pairs`, or null). A
    killed build goes on from its last checkpoint, with the losses that it had measured.
    """
    rung = Rung(**settings)
    domain = domain_of(rung.dataset, rung.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    # Here, not where training begins: a killed build may go on after it.
    model = build_model(rung.architecture(domain.vocabulary, domain.context), rung.seed).to(device)
    keeper = FolderKeeper(directory)
    rows = max(1, rung.tokens // domain.context)
    looks = _trained(model, domain, rung, rows, device, keeper)
    pairs = None
    if isinstance(domain, PairedSequences):
        how = _how(rung, rung.blank_share, rung.blank_rate)
        pairs = measured_pairs(model, domain, rung.seed, rows, how, device, keeper)
    labelled = domain.labelled(rung.seed) if rung.finetune_steps else None
    classified = labelled and finetuned(
        model,
        labelled,
        rung.finetune_steps,
        rung.rate,
        rung.seed,
        rung.finetune_rows,
        rung.precision,
        keeper,
    )
    write_json(
        directory / "rung.json",
        {
            "size": rung.size,
            "parameters": sum(weight.numel() for weight in model.parameters()),
            "looks": looks,
            "true_loss": domain.true_loss(rung.seed),
            "guess_loss": guess_loss(domain.tests(rung.seed)[TEST]),
            "classification": classified and classified._asdict(),
            "pairs": pairs,
            "settings": asdict(rung),
            "test": TEST,
        },
    )


def _trained(
    model: nn.Module, domain: Domain, rung: Rung, rows: int, device: str, keeper: FolderKeeper
) -> list[dict[str, float]]:
    """Train ``model``, unless a killed build had; return what each look saw."""
    looks: list[dict[str, float]] = keeper.measured.setdefault("looks", [])
    tests, at = domain.tests(rung.seed), set(rung.look_steps())

    def look(training: Training) -> None:
        if training.step in at:
            losses = {name: mean_loss(model, test, device) for name, test in tests.items()}
            looks.append({"tokens": training.tokens_seen, **losses})

    if keeper.stage == TRAINING:
        batches = domain.batches(rows, rung.seed)
        Training(model, batches, _how(rung), processes=OneProcess(device)).run(keeper, look)
    return looks


def _how(rung: Rung, share: float = 1.0, rate: float = 1.0) -> TrainingSettings:
    """Return how a model is trained, for a share of the steps and of the learning rate."""
    steps = max(1, round(share * rung.steps))
    return TrainingSettings(
        steps=steps,
        learning_rate=rate * rung.rate,
        warmup=min(round(share * rung.warmup), steps),
        decay="linear",
        last_share=0.1,
        weight_decay=rung.weight_decay,
        precision=rung.precision,
        parts=rung.parts,
    )
