"""Small language models from scratch, published ones, and the ground to train and sample them."""

from models.language.architectures import (
    Architecture,
    build_model,
    hidden_states,
    model_class,
    non_embedding_weights,
    output_weight,
)
from models.language.base_models import BaseModel, load_base_model, train_base_model
from models.language.batches import Batch, Batches, padded, shifted
from models.language.checkpoints import FolderKeeper
from models.language.generation import Sampling, generate
from models.language.objective import mean_loss, next_token_loss, token_losses
from models.language.packing import PackedBatches, pack
from models.language.pretrained import (
    Adapters,
    load_adapters,
    load_model,
    load_model_tokenizer,
    merged,
    with_adapters,
)
from models.language.processes import AcceleratedProcesses, OneProcess
from models.language.schedule import Schedule
from models.language.tokenization import (
    encoded,
    end_token,
    load_tokenizer,
    save_tokenizer,
    train_tokenizer,
)
from models.language.training import Training, TrainingSettings

__all__ = [
    "AcceleratedProcesses",
    "Adapters",
    "Architecture",
    "BaseModel",
    "Batch",
    "Batches",
    "FolderKeeper",
    "OneProcess",
    "PackedBatches",
    "Sampling",
    "Schedule",
    "Training",
    "TrainingSettings",
    "build_model",
    "encoded",
    "end_token",
    "generate",
    "hidden_states",
    "load_adapters",
    "load_base_model",
    "load_model",
    "load_model_tokenizer",
    "load_tokenizer",
    "mean_loss",
    "merged",
    "model_class",
    "next_token_loss",
    "non_embedding_weights",
    "output_weight",
    "pack",
    "padded",
    "save_tokenizer",
    "shifted",
    "token_losses",
    "train_base_model",
    "train_tokenizer",
    "with_adapters",
]
