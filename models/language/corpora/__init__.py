"""Corpora: text that every Python has, sources of known entropy, published sets, a user's own."""

from models.language.corpora.grammar import Grammar
from models.language.corpora.markov import MarkovSource
from models.language.corpora.named import STANDARD_LIBRARY, USER_FILE, corpus, hash_of_corpus
from models.language.corpora.published import find_folder, load_split, texts_of
from models.language.corpora.standard_library import standard_library
from models.language.corpora.text_files import read_texts

__all__ = [
    "STANDARD_LIBRARY",
    "USER_FILE",
    "Grammar",
    "MarkovSource",
    "corpus",
    "find_folder",
    "hash_of_corpus",
    "load_split",
    "read_texts",
    "standard_library",
    "texts_of",
]
