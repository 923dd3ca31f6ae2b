"""The domains by name."""

from __future__ import annotations

from collections.abc import Callable

from repro.errors import UserError, did_you_mean
from tasks.scaling.domains.digits import Digits
from tasks.scaling.domains.domain import TEST, Domain, Labelled
from tasks.scaling.domains.markov_chain import MarkovChain
from tasks.scaling.domains.mathematics import EXTRAPOLATION, Mathematics
from tasks.scaling.domains.paired_sequences import PairedSequences
from tasks.scaling.domains.text import Text, check_user_text

USER_FILE = "file:"

#: Name → the domain as a seed draws it: a Markov source is another one for each seed.
DOMAINS: dict[str, Callable[[int], Domain]] = {
    "markov_chain": lambda seed: MarkovChain(source_seed=seed % 2**31),
    "digits": lambda _: Digits(),
    "python_text": lambda _: Text(),
    "mathematics": lambda _: Mathematics(),
    "paired_sequences": lambda _: PairedSequences(),
    "captions_to_pictures": lambda _: PairedSequences(picture_first=False),
    "wikitext_103": lambda _: Text("wikitext_103", context=512),
}


def domain_of(dataset: str, seed: int) -> Domain:
    """Return a domain by name, or a user's text ``file:<path>``. Unknown: ``UserError``."""
    if dataset.startswith(USER_FILE):
        return Text(dataset)
    if dataset not in DOMAINS:
        raise UserError(f"unknown domain {dataset!r}{did_you_mean(dataset, DOMAINS)}")
    return DOMAINS[dataset](seed)


def check_dataset(dataset: str) -> None:
    """Raise ``UserError`` where a name is unknown or a user's text cannot be used."""
    domain = domain_of(dataset, 0)
    if dataset.startswith(USER_FILE):
        check_user_text(dataset, domain.context)


__all__ = [
    "DOMAINS",
    "EXTRAPOLATION",
    "TEST",
    "Domain",
    "Labelled",
    "PairedSequences",
    "check_dataset",
    "domain_of",
]
