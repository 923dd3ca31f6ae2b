"""The domains by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from models.language.corpora import (
    STANDARD_LIBRARY,
    USER_FILE,
    find_folder,
    hash_of_corpus,
    load_split,
)
from repro.data import DataFile
from repro.errors import UserError, did_you_mean
from tasks.scaling.domains.digits import Digits
from tasks.scaling.domains.domain import TEST, Domain, Labelled, guess_loss
from tasks.scaling.domains.image_sets import CIFAR, IMAGE_SETS, Cifar10
from tasks.scaling.domains.markov_chain import MarkovChain
from tasks.scaling.domains.mathematics import EXTRAPOLATION, Mathematics
from tasks.scaling.domains.natural_images import NaturalImages
from tasks.scaling.domains.paired_sequences import PairedSequences
from tasks.scaling.domains.problem_files import ARCHIVE, unpacked
from tasks.scaling.domains.problem_texts import ProblemTexts
from tasks.scaling.domains.text import WIKITEXT, Text, check_user_text

MATHEMATICS_SET = "deepmind_mathematics"


def _images(name: str, _: int) -> Domain:
    return NaturalImages(name)


#: Name → the domain as a seed draws it: a Markov source is another one for each seed.
DOMAINS: dict[str, Callable[[int], Domain]] = {
    "markov_chain": lambda seed: MarkovChain(source_seed=seed % 2**31),
    "digits": lambda _: Digits(),
    "python_text": lambda _: Text(),
    "mathematics": lambda _: Mathematics(),
    "paired_sequences": lambda _: PairedSequences(),
    "captions_to_pictures": lambda _: PairedSequences(picture_first=False),
    "wikitext_103": lambda _: Text("wikitext_103", context=512),
    MATHEMATICS_SET: lambda _: ProblemTexts(),
    **{name: partial(_images, name) for name in IMAGE_SETS},
}

#: Domain → name and configuration of its set on the Hugging Face hub.
HUB_SETS = {
    "wikitext_103": WIKITEXT,
    **{name: CIFAR for name, own in IMAGE_SETS.items() if isinstance(own, Cifar10)},
}


def domain_of(dataset: str, seed: int) -> Domain:
    """Return a domain by name, or a user's text ``file:<path>``. Unknown: ``UserError``."""
    if dataset.startswith(USER_FILE):
        return Text(dataset)
    if dataset not in DOMAINS:
        raise UserError(f"unknown domain {dataset!r}{did_you_mean(dataset, DOMAINS)}")
    return DOMAINS[dataset](seed)


def data_files(dataset: str) -> tuple[DataFile, ...]:
    """Return the named files that a domain is read from."""
    if dataset in IMAGE_SETS:
        return IMAGE_SETS[dataset].files
    return (ARCHIVE,) if dataset == MATHEMATICS_SET else ()


def content_hash(dataset: str) -> str:
    """Return the hash of what a domain is read from; "" where its name and the code fix that.

    Each Python has another library, a user's file changes, and so may a set from the hub.
    """
    if dataset == "python_text":
        return hash_of_corpus(STANDARD_LIBRARY)
    if dataset.startswith(USER_FILE):
        return hash_of_corpus(dataset)
    return hash_of_corpus(HUB_SETS[dataset][0]) if dataset in HUB_SETS else ""


def check_dataset(dataset: str) -> None:
    """Make a domain's data ready: fetched and unpacked.

    Raises ``UserError`` where a name is unknown, data cannot be had or a user's text be used.
    """
    domain = domain_of(dataset, 0)
    if dataset.startswith(USER_FILE):
        check_user_text(dataset, domain.context)
    elif dataset in HUB_SETS and find_folder(HUB_SETS[dataset][0]) is None:
        name, configuration = HUB_SETS[dataset]
        load_split(name, "test", configuration)
    elif dataset == MATHEMATICS_SET:
        unpacked()


__all__ = [
    "DOMAINS",
    "EXTRAPOLATION",
    "HUB_SETS",
    "IMAGE_SETS",
    "MATHEMATICS_SET",
    "TEST",
    "Domain",
    "Labelled",
    "PairedSequences",
    "check_dataset",
    "content_hash",
    "data_files",
    "domain_of",
    "guess_loss",
]
