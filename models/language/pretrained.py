"""Published models: found in a folder or fetched, with adapters where those alone are trained."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from models.language.libraries import library
from repro.data import cache_directory
from repro.errors import UserError


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
    named = os.environ.get("REPRO_DATA", "")
    folders = [Path(part).expanduser() / name for part in named.split(os.pathsep) if part]
    return next((f for f in (Path(name), *folders) if (f / "config.json").is_file()), None)


def load_model(name: str, revision: str = "main", dtype: str = "float32") -> nn.Module:
    """Return a causal language model with its published weights, on the CPU.

    ``name``  a folder as ``save_pretrained`` writes it, or owner/name on the Hugging Face hub,
              fetched into the cache unless ``OFFLINE=1``

    Not to be had: ``UserError``. Code that comes with a model is never run.
    """
    loader = library("transformers").AutoModelForCausalLM
    model: nn.Module = _loaded(loader, name, revision, dtype=getattr(torch, dtype))
    return model


def load_model_tokenizer(name: str, revision: str = "main") -> Any:
    """Return a published model's ``tokenizers.Tokenizer``."""
    loaded = _loaded(library("transformers").AutoTokenizer, name, revision)
    if not hasattr(loaded, "backend_tokenizer"):
        raise UserError(f"the tokenizer of {name} has no tokenizer.json and cannot be read")
    return loaded.backend_tokenizer


def with_adapters(model: nn.Module, adapters: Adapters, seed: int) -> nn.Module:
    """Return the model with trainable adapters; its own weights no longer change."""
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
        wrapped: nn.Module = peft.get_peft_model(model, how)
    return wrapped


def merged(model: Any) -> nn.Module:
    """Return the model with its adapters added to its own weights."""
    plain: nn.Module = model.merge_and_unload()
    return plain


def _loaded(loader: Any, name: str, revision: str, **options: Any) -> Any:
    folder = find_model(name)
    offline = os.environ.get("OFFLINE", "") in ("1", "true", "yes")
    try:
        return loader.from_pretrained(
            name if folder is None else str(folder),
            revision=revision,
            cache_dir=str(cache_directory() / "models"),
            local_files_only=offline or folder is not None,
            trust_remote_code=False,
            **options,
        )
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UserError(
            f"the model {name} could not be read ({reason}): put its folder, with config.json, "
            "into one that REPRO_DATA names, or run this where the Hugging Face hub can be reached"
        ) from error
