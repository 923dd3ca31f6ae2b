"""Text as bytes: Python's standard library, a published corpus, or a user's own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import torch

from models.language import Batch, Batches, PackedBatches
from models.language.corpora import USER_FILE, corpus, load_split, texts_of
from repro.errors import UserError
from tasks.scaling.domains.domain import TEST, OfUnknownEntropy, Unlabelled, random_at

BYTES = 256
#: Between two documents: a byte that UTF-8 never uses.
_SEPARATOR = 0xFF
_TEST_ROWS = 128
_HELD_OUT = 5
WIKITEXT = ("Salesforce/wikitext", "wikitext-103-raw-v1")


@dataclass(frozen=True)
class Text(OfUnknownEntropy, Unlabelled):
    """Windows of bytes, packed; the seed chooses their order and which of the test's are used.

    ``corpus``  ``standard_library``, ``wikitext_103``, or ``file:<path>``
    """

    corpus: str = "standard_library"
    vocabulary: int = BYTES
    context: int = 64

    def batches(self, rows: int, seed: int) -> Batches:
        """Return windows of the training files."""
        return PackedBatches(_stream(self.corpus, "train"), self.context, rows, seed % 2**31)

    def tests(self, seed: int) -> dict[str, list[Batch]]:
        """Return windows of files that training does not see."""
        stream = _stream(self.corpus, "test")
        rows = min(_TEST_ROWS, (len(stream) - 1) // self.context)
        windows = PackedBatches(stream, self.context, max(rows, 1), 0)
        picked = random_at(_HELD_OUT, seed).integers(0, max(windows.windows // max(rows, 1), 1))
        return {TEST: [windows.at(int(picked))]}


@lru_cache(maxsize=4)
def _stream(name: str, part: str) -> torch.Tensor:
    return packed_bytes(_texts(name, part))


def packed_bytes(texts: Iterable[str]) -> torch.Tensor:
    """Return the bytes of all texts, (tokens,), with a separator after each."""
    joined = bytes([_SEPARATOR]).join(text.encode() for text in texts) + bytes([_SEPARATOR])
    return torch.frombuffer(bytearray(joined), dtype=torch.uint8).to(torch.int64)


def _texts(name: str, part: str) -> list[str]:
    if name == "wikitext_103":
        return texts_of(load_split(WIKITEXT[0], part, WIKITEXT[1]))
    return corpus(name, part)


def check_user_text(dataset: str, context: int) -> None:
    """Raise ``UserError`` where a user's text cannot be read or is too short for a window."""
    path = dataset.removeprefix(USER_FILE)
    for part in ("train", "test"):
        # Counted alone: tokens would take eight times the text's memory, in a plan as well.
        tokens = sum(len(text.encode()) + 1 for text in corpus(dataset, part))
        if tokens <= context:
            raise UserError(
                f"{path} is too short: its part to {part} on has {tokens} tokens, and a window of "
                f"{context} needs {context + 1}: give more text"
            )
