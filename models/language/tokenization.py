"""Tokenizers: trained on a corpus, kept as one file, or read from a published model's folder."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, get_args

from models.language.libraries import library
from repro.errors import UserError

#: ``bytes``: the 256 bytes of UTF-8. ``pairs``: byte pairs merged by frequency, GPT-2's kind.
Kind = Literal["bytes", "pairs"]

#: Ends every document, and separates packed ones.
END = "<|end|>"
_BYTES = 256


def train_tokenizer(texts: Iterable[str], vocabulary: int, kind: Kind = "pairs") -> Any:
    """Return a ``tokenizers.Tokenizer`` of at most ``vocabulary`` tokens that can spell any text.

    Decoding gives the text back, character by character. ``END`` has its token. The same texts
    give the same tokenizer. For ``bytes`` the vocabulary is 257 whatever is asked for.
    """
    if kind not in get_args(Kind):
        raise UserError(
            f"a tokenizer's kind is {kind!r}; it must be one of {', '.join(get_args(Kind))}"
        )
    if kind == "pairs" and vocabulary <= _BYTES + 1:
        raise UserError(
            f"a vocabulary of {vocabulary} leaves no room for pairs beside {_BYTES} bytes and the "
            f"end of a text: ask for more than {_BYTES + 1}, or for kind bytes"
        )
    library("tokenizers")
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary if kind == "pairs" else _BYTES + 1,
        special_tokens=[END],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts if kind == "pairs" else [], trainer)
    return tokenizer


def save_tokenizer(tokenizer: Any, folder: Path) -> None:
    """Write ``tokenizer.json``, as published models have it."""
    tokenizer.save(str(folder / "tokenizer.json"))


def load_tokenizer(folder: Path) -> Any:
    """Return the tokenizer of a folder: ours, or a published model's. Missing: ``UserError``."""
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise UserError(f"{folder} has no tokenizer.json; a published model's folder has one")
    return library("tokenizers").Tokenizer.from_file(str(path))


def encoded(tokenizer: Any, texts: Iterable[str]) -> list[list[int]]:
    """Return the tokens of each text, without any that mark its ends.

    All of it counts as text: one that spells ``END``, say, does not hold its token.
    """
    before, tokenizer.encode_special_tokens = tokenizer.encode_special_tokens, True
    try:
        found = tokenizer.encode_batch(list(texts), add_special_tokens=False)
    finally:
        tokenizer.encode_special_tokens = before
    return [one.ids for one in found]


def end_token(tokenizer: Any) -> int:
    """Return the token that ends a text: ours, or a published tokenizer's."""
    for name in (END, "<|endoftext|>", "</s>", "<|end_of_text|>", "<eos>"):
        token: int | None = tokenizer.token_to_id(name)
        if token is not None:
            return token
    raise UserError("the tokenizer has no token for the end of a text that Klaim knows")
