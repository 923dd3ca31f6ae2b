"""Published models: found in a folder or fetched, with adapters where those alone are trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import torch
from torch import nn

from models.language.architectures import hidden_states, output_weight
from models.language.libraries import library
from models.language.precision import Precision
from repro.data import cache_directory, data_folders, offline
from repro.errors import UserError, first_line


@dataclass(frozen=True)
class Adapters:
    """Low-rank adapters (LoRA; Hu et al., 2021): only these are trained.

    ``rank``     r; the update of a matrix is B A · ``scale`` / r, with B = 0 at the start
    ``targets``  names of the modules that get one; empty: all linear layers but the last
    """

    rank: int = 8
    scale: float = 16.0
    dropout: float = 0.0
    targets: Sequence[str] = ()


def find_model(name: str) -> Path | None:
    """Return the folder of a published model: a path, or ``name`` in a folder of ``REPRO_DATA``."""
    folders = [folder / name for folder in data_folders()]
    return next((f for f in (Path(name), *folders) if (f / "config.json").is_file()), None)


def load_model(name: str, revision: str = "main", dtype: str = "float32") -> nn.Module:
    """Return a causal language model with its published weights, on the CPU.

    ``name``  a folder as ``save_pretrained`` writes it, or owner/name on the Hugging Face hub,
              fetched into the cache unless ``OFFLINE=1``

    ``dtype``  of the weights: ``float32``, ``bfloat16`` or ``float16``

    Not to be had, or of a kind that this package cannot train: ``UserError``. Code that comes with
    a model is never run.
    """
    if dtype not in get_args(Precision):
        raise UserError(f"dtype is {dtype!r}; it must be one of {', '.join(get_args(Precision))}")
    model, found = _loaded(
        library("transformers").AutoModelForCausalLM,
        name,
        revision,
        dtype=getattr(torch, dtype),
        output_loading_info=True,
    )
    if found["missing_keys"]:
        first = min(found["missing_keys"])
        raise UserError(
            f"the model {name} lacks {len(found['missing_keys'])} of its weights, {first} among "
            "them: fetch its folder anew, and see that config.json belongs to it"
        )
    _require_plain_head(model, name)
    loaded: nn.Module = model
    return loaded


def load_model_tokenizer(name: str, revision: str = "main") -> Any:
    """Return a published model's ``tokenizers.Tokenizer``."""
    loaded = _loaded(library("transformers").AutoTokenizer, name, revision)
    if not hasattr(loaded, "backend_tokenizer"):
        raise UserError(f"the tokenizer of {name} has no tokenizer.json and cannot be read")
    return loaded.backend_tokenizer


def with_adapters(model: nn.Module, adapters: Adapters, seed: int) -> nn.Module:
    """Return the model with trainable adapters; its own weights no longer change.

    Adapters that do not fit it, or that the last layer would get: ``UserError``.
    """
    peft = library("peft")
    how = peft.LoraConfig(
        task_type="CAUSAL_LM",
        r=adapters.rank,
        lora_alpha=adapters.scale,
        lora_dropout=adapters.dropout,
        target_modules=list(adapters.targets) or "all-linear",
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed % 2**63)
        try:
            wrapped: Any = peft.get_peft_model(model, how)
        except ValueError as error:
            raise UserError(f"the adapters do not fit the model: {error}") from error
    if hasattr(wrapped.get_output_embeddings(), "base_layer"):
        raise UserError(
            "the last layer cannot have adapters: losses are computed from its weights alone"
        )
    adapted: nn.Module = wrapped
    return adapted


def load_adapters(model: nn.Module, folder: Path, *, trainable: bool = False) -> nn.Module:
    """Return the model with the adapters that ``save_pretrained`` of an adapted one wrote.

    Missing, or of another model: ``UserError``.
    """
    try:
        adapted: nn.Module = library("peft").PeftModel.from_pretrained(
            model, str(folder), is_trainable=trainable
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise UserError(
            f"the adapters in {folder} could not be read ({first_line(error)}): name a folder with "
            "adapter_config.json, saved from adapters of this model"
        ) from error
    return adapted


def merged(model: Any) -> nn.Module:
    """Return the model with its adapters added to its own weights."""
    plain: nn.Module = model.merge_and_unload()
    return plain


def _loaded(loader: Any, name: str, revision: str, **options: Any) -> Any:
    folder = find_model(name)
    try:
        return loader.from_pretrained(
            name if folder is None else str(folder),
            revision=revision,
            cache_dir=str(cache_directory() / "models"),
            local_files_only=folder is not None or offline(),
            trust_remote_code=False,
            **options,
        )
    except Exception as error:  # the formats' readers raise types of their own
        raise UserError(
            f"the model {name} could not be read ({first_line(error)}): put its folder, with "
            "config.json, into one that REPRO_DATA names, or run this where the Hugging Face hub "
            "can be reached"
        ) from error


@torch.no_grad()
def _require_plain_head(model: nn.Module, name: str) -> None:
    """Raise ``UserError`` where logits are not the last layer's weights times what it reads.

    Losses and draws here are computed so; a bias or a cap would be left out without a word.
    """
    tokens = torch.zeros(1, 2, dtype=torch.int64)
    theirs = model(input_ids=tokens, use_cache=False).logits.float()
    ours = (hidden_states(model, tokens) @ output_weight(model).T).float()
    # A tenth of a digit of bfloat16: the same products may be added up in another order.
    if float((theirs - ours).abs().max()) > 0.02 * float(theirs.abs().max()):
        raise UserError(
            f"the model {name} has a last layer with a bias, a scale or a cap, which is not "
            "supported here: take another model"
        )
