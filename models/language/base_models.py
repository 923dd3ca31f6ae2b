"""Base models: trained once, kept as artefacts, shared by all methods of a table.

A folder of one holds what a published model's folder holds (``config.json``, weights,
``tokenizer.json``), so that both are loaded alike, and ``record.json`` with how it was trained.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from models.language.architectures import Architecture, Family, build_model
from models.language.checkpoints import FolderKeeper
from models.language.corpora.named import STANDARD_LIBRARY, corpus, hash_of_corpus
from models.language.objective import mean_loss
from models.language.packing import PackedBatches, pack
from models.language.pretrained import load_model
from models.language.processes import OneProcess
from models.language.schedule import Decay
from models.language.tokenization import (
    Kind,
    encoded,
    end_token,
    load_tokenizer,
    save_tokenizer,
    train_tokenizer,
)
from models.language.training import Training, TrainingSettings
from repro.context import RESUME_FILE
from repro.files import write_json


@dataclass(frozen=True)
class BaseModel:
    """How a base model is made; every field is a part of the artefact's key.

    ``corpus``      ``standard_library``, ``file:<path>`` of a user's text, or the name of a
                    published data set (see :func:`~models.language.corpora.load_split`)
    ``corpus_hash`` of what the corpus holds, so that a changed file makes another model;
                    :meth:`settings` fills it in
    ``vocabulary``, ``tokenizer``  of the tokenizer, trained on the corpus
    ``tokenizer_texts``  documents that the tokenizer is trained on; ``None``: all
    """

    corpus: str = STANDARD_LIBRARY
    corpus_hash: str = ""
    tokenizer: Kind = "pairs"
    vocabulary: int = 512
    tokenizer_texts: int | None = 200
    family: Family = "llama"
    width: int = 64
    layers: int = 2
    heads: int = 2
    context: int = 64
    steps: int = 500
    batch_size: int = 16
    learning_rate: float = 3e-3
    warmup: int = 50
    decay: Decay = "cosine"
    weight_decay: float = 0.1
    seed: int = 0

    def settings(self) -> dict[str, Any]:
        """Return the artefact's settings: ``context.artifact(train_base_model, **settings)``."""
        return {**asdict(self), "corpus_hash": self.corpus_hash or hash_of_corpus(self.corpus)}


def train_base_model(directory: Path, **settings: Any) -> None:
    """Fill ``directory`` with a trained model: an artefact's builder, which goes on when killed.

    ``settings`` are those of :class:`BaseModel`. ``record.json`` has the loss on validation texts,
    in nats per token, and the numbers of weights and tokens.
    """
    how = BaseModel(**settings)
    texts = corpus(how.corpus, "train")
    if (directory / RESUME_FILE).exists():
        tokenizer = load_tokenizer(directory)
    else:
        tokenizer = train_tokenizer(texts[: how.tokenizer_texts], how.vocabulary, how.tokenizer)
        save_tokenizer(tokenizer, directory)
    end = end_token(tokenizer)
    stream = pack(encoded(tokenizer, texts), end)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = build_model(_architecture(how, tokenizer.get_vocab_size()), how.seed)
    training = Training(
        model,
        PackedBatches(stream, how.context, how.batch_size, how.seed),
        _training_settings(how),
        processes=OneProcess(device),
    )
    training.run(FolderKeeper(directory))
    held_out = pack(encoded(tokenizer, corpus(how.corpus, "validation")), end)
    validation = PackedBatches(held_out, how.context, 4 * how.batch_size, 0).in_order()
    model.save_pretrained(directory)  # type: ignore[operator]
    write_json(
        directory / "record.json",
        {
            "validation_loss": mean_loss(model, validation, device),
            "parameters": sum(weight.numel() for weight in model.parameters()),
            "tokens_seen": training.tokens_seen,
            "corpus_tokens": len(stream),
        },
    )


def load_base_model(folder: Path) -> tuple[nn.Module, Any]:
    """Return model and tokenizer of an artefact's folder, the model ready for inference."""
    return load_model(str(folder)).eval(), load_tokenizer(folder)


def _architecture(how: BaseModel, vocabulary: int) -> Architecture:
    return Architecture(how.family, vocabulary, how.context, how.width, how.layers, how.heads)


def _training_settings(how: BaseModel) -> TrainingSettings:
    return TrainingSettings(
        steps=how.steps,
        learning_rate=how.learning_rate,
        warmup=min(how.warmup, how.steps),
        decay=how.decay,
        weight_decay=how.weight_decay,
    )
