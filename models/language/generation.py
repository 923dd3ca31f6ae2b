"""Generation of continuations in batches, with a cache of keys and values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from models.language.architectures import decoder, output_weight
from repro.errors import UserError


@dataclass(frozen=True)
class Sampling:
    """How the next token is drawn.

    ``temperature``  0 takes the likeliest token
    ``top_p``        only the likeliest tokens that together have this probability
    ``stop``         the token that ends a continuation; ``None``: none does
    """

    temperature: float = 1.0
    top_p: float = 1.0
    stop: int | None = None

    def __post_init__(self) -> None:
        if not (0 <= self.temperature < math.inf and 0 < self.top_p <= 1):
            raise UserError(
                f"models.language.Sampling: temperature is {self.temperature} and top_p "
                f"{self.top_p}; a temperature is 0 or more, top_p above 0 and at most 1"
            )


@torch.no_grad()
def generate(
    model: nn.Module,
    prompts: Sequence[Sequence[int]],
    new_tokens: int,
    sampling: Sampling,
    generator: torch.Generator | None = None,
    *,
    cached: bool = True,
) -> list[list[int]]:
    """Return at most ``new_tokens`` more tokens for each prompt, up to and without ``stop``.

    Prompts may have unlike lengths. ``generator`` lies on the model's device. Without ``cached``,
    every token reads all that came before anew: the definition, for tests. Raises ``ValueError``
    for an empty prompt, and ``UserError`` where prompt and continuation would be longer than what
    the model can read.
    """
    if not prompts or min(len(prompt) for prompt in prompts) < 1:
        raise ValueError("every prompt needs at least one token")
    _require_room(model, max(len(prompt) for prompt in prompts), new_tokens)
    training = model.training
    model.eval()
    run = _Run.start(model, prompts, cached)
    drawn: list[Tensor] = []
    ended = torch.zeros(len(prompts), dtype=torch.bool, device=run.tokens.device)
    for _ in range(new_tokens):
        following = _draw(run.next_logits(), sampling, generator)
        drawn.append(following)
        if sampling.stop is not None:
            ended |= following == sampling.stop
            if bool(ended.all()):
                break
        run.append(following)
    model.train(training)
    rows = torch.stack(drawn, 1).tolist() if drawn else [[] for _ in prompts]
    return [_until(row, sampling.stop) for row in rows]


def _require_room(model: Any, prompt: int, new_tokens: int) -> None:
    context = getattr(model.config, "max_position_embeddings", None)
    # The last token drawn is not read.
    if context is not None and prompt + new_tokens - 1 > context:
        raise UserError(
            f"a prompt of {prompt} tokens and {new_tokens} new ones do not fit into the model's "
            f"context of {context}: cut the prompt, or ask for fewer"
        )


@dataclass
class _Run:
    """Prompts, padded on the left so that all continue at the same place, and what was drawn."""

    model: nn.Module
    tokens: Tensor
    mask: Tensor
    cached: bool
    cache: Any = None
    read: int = 0

    @classmethod
    def start(cls, model: nn.Module, prompts: Sequence[Sequence[int]], cached: bool) -> _Run:
        longest = max(len(prompt) for prompt in prompts)
        tokens = torch.zeros(len(prompts), longest, dtype=torch.int64)
        mask = torch.zeros_like(tokens)
        for row, prompt in enumerate(prompts):
            tokens[row, longest - len(prompt) :] = torch.tensor(prompt)
            mask[row, longest - len(prompt) :] = 1
        device = next(model.parameters()).device
        return cls(model, tokens.to(device), mask.to(device), cached)

    def next_logits(self) -> Tensor:
        """Return the logits of the token after the last, (B, V)."""
        places = (self.mask.cumsum(1) - 1).clamp_min(0)
        found = decoder(self.model)(
            input_ids=self.tokens[:, self.read :],
            attention_mask=self.mask,
            position_ids=places[:, self.read :],
            past_key_values=self.cache,
            use_cache=self.cached,
        )
        if self.cached:
            self.cache, self.read = found.past_key_values, self.tokens.shape[1]
        hidden: Tensor = found.last_hidden_state[:, -1]
        return hidden @ output_weight(self.model).T

    def append(self, following: Tensor) -> None:
        """Add one token to each row."""
        self.tokens = torch.cat([self.tokens, following[:, None]], 1)
        self.mask = torch.cat([self.mask, torch.ones_like(following)[:, None]], 1)


def _draw(logits: Tensor, sampling: Sampling, generator: torch.Generator | None) -> Tensor:
    if sampling.temperature == 0:
        return logits.argmax(-1)
    probabilities = (logits.float() / sampling.temperature).softmax(-1)
    if sampling.top_p < 1:
        probabilities = _nucleus(probabilities, sampling.top_p)
    return torch.multinomial(probabilities, 1, generator=generator)[:, 0]


def _nucleus(probabilities: Tensor, top_p: float) -> Tensor:
    """Return probabilities with 0 for all but the likeliest tokens that reach ``top_p``."""
    ordered, places = probabilities.sort(-1, descending=True)
    kept = ordered.cumsum(-1) - ordered < top_p
    return torch.zeros_like(probabilities).scatter(-1, places, ordered * kept)


def _until(row: list[int], stop: int | None) -> list[int]:
    return row[: row.index(stop)] if stop in row else row
