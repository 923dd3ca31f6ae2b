"""Decoder-only transformers from scratch, LLaMA- and GPT-2-style, through their configurations."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from models.language.libraries import library
from repro.errors import UserError

Family = Literal["gpt2", "llama"]


@dataclass(frozen=True)
class Architecture:
    """The shape of a decoder-only transformer.

    ``family``       ``gpt2``: learned positions, layer norm, GELU; ``llama``: rotary positions,
                     RMS norm, SwiGLU, no biases
    ``vocabulary``   number of tokens; ``context``: the longest sequence
    ``width``        of the residual stream; ``layers``, ``heads`` of attention
    ``feedforward``  width of the feed-forward part as a multiple of ``width``
    ``dropout``      in training, of GPT-2's kind; LLaMA has none
    ``tied``         whether the last layer shares its weights with the input embedding
    ``deviation``    standard deviation of the weights' first values; 0.02 is for wide models, and
                     narrow ones start slowly with it
    """

    family: Family
    vocabulary: int
    context: int
    width: int
    layers: int
    heads: int = 2
    feedforward: float = 4.0
    dropout: float = 0.0
    tied: bool = False
    deviation: float = 0.02

    def __post_init__(self) -> None:
        if self.family not in get_args(Family):
            _refuse(f"family is {self.family!r}; it must be one of {', '.join(get_args(Family))}")
        for name in (
            "vocabulary",
            "context",
            "width",
            "layers",
            "heads",
            "feedforward",
            "deviation",
        ):
            if not getattr(self, name) > 0:
                _refuse(f"{name} is {getattr(self, name)}; it must be above 0")
        if self.width % self.heads:
            _refuse(f"width {self.width} does not divide into {self.heads} heads")
        if self.family == "llama" and (self.width // self.heads) % 2:
            _refuse("rotary positions need an even width of each head: width / heads")
        if self.family == "llama" and self.dropout:
            _refuse("a LLaMA has no dropout; leave it at 0")

    @property
    def inner_width(self) -> int:
        """Width of the feed-forward part."""
        return round(self.feedforward * self.width)

    @property
    def matrix_weights(self) -> int:
        """N: the weights of all matrices but the embeddings, as scaling laws count them."""
        matrices = 2 if self.family == "gpt2" else 3
        return self.layers * (4 * self.width**2 + matrices * self.width * self.inner_width)

    def config(self) -> Any:
        """Return the configuration of ``transformers``."""
        return _gpt2(self) if self.family == "gpt2" else _llama(self)

    def as_json(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return asdict(self)


def build_model(architecture: Architecture, seed: int) -> nn.Module:
    """Return an untrained model with the weights that ``seed`` draws, on the CPU.

    The global generator is left as it was.
    """
    kind = model_class(architecture.family)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed % 2**63)
        model: nn.Module = kind(architecture.config())
    return model


def model_class(family: Family) -> Any:
    """Return the class of a family's models; the first call takes seconds, to import its code."""
    name = "GPT2LMHeadModel" if family == "gpt2" else "LlamaForCausalLM"
    return getattr(library("transformers"), name)


def non_embedding_weights(model: nn.Module) -> int:
    """Return N: the weights of all matrices but the embeddings and the last layer."""
    embeddings = {
        id(p) for m in model.modules() if isinstance(m, nn.Embedding) for p in m.parameters()
    }
    embeddings.add(id(output_weight(model)))
    return sum(p.numel() for p in model.parameters() if p.ndim > 1 and id(p) not in embeddings)


def hidden_states(model: nn.Module, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return what the last layer reads, (B, T, H), for ``tokens`` (B, T).

    ``mask`` (B, T): 0 where a token is padding. Without one, nothing is.
    """
    found = decoder(model)(input_ids=tokens, attention_mask=mask, use_cache=False)
    hidden: Tensor = found.last_hidden_state
    return hidden


def decoder(model: Any) -> Any:
    """Return the part of a causal language model below its last layer, adapters included."""
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    return getattr(inner, inner.base_model_prefix)


def output_weight(model: Any) -> Tensor:
    """Return the weight of the last layer, (V, H)."""
    weight: Tensor = model.get_output_embeddings().weight
    return weight


def _gpt2(shape: Architecture) -> Any:
    # gelu_pytorch_tanh is GPT-2's own GELU as one operation in place of eight.
    return library("transformers").GPT2Config(
        vocab_size=shape.vocabulary,
        n_positions=shape.context,
        n_embd=shape.width,
        n_layer=shape.layers,
        n_head=shape.heads,
        n_inner=shape.inner_width,
        activation_function="gelu_pytorch_tanh",
        resid_pdrop=shape.dropout,
        embd_pdrop=shape.dropout,
        attn_pdrop=shape.dropout,
        tie_word_embeddings=shape.tied,
        initializer_range=shape.deviation,
        bos_token_id=None,
        eos_token_id=None,
    )


def _llama(shape: Architecture) -> Any:
    return library("transformers").LlamaConfig(
        vocab_size=shape.vocabulary,
        max_position_embeddings=shape.context,
        hidden_size=shape.width,
        intermediate_size=shape.inner_width,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        tie_word_embeddings=shape.tied,
        initializer_range=shape.deviation,
        bos_token_id=None,
        eos_token_id=None,
    )


def _refuse(problem: str) -> None:
    raise UserError(f"models.language.Architecture: {problem}")
