"""Corpora: entropies against brute force, splits by file, published formats, a user's own text."""

import itertools
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.language.corpora import (
    Grammar,
    MarkovSource,
    load_split,
    read_texts,
    standard_library,
    texts_of,
)
from models.language.corpora.standard_library import part_of, source_files
from repro.errors import UserError


@pytest.mark.parametrize("length", [1, 2, 3, 5])
def test_a_markov_sources_entropy_is_that_of_all_its_sequences(length):
    source = MarkovSource.drawn(3, seed=0)
    every = np.array(list(itertools.product(range(3), repeat=length)))
    if length == 1:
        probabilities = source.pairs.sum(1)
    else:
        probabilities = np.exp(-source.token_losses(every).sum(1))
    assert probabilities.sum() == pytest.approx(1)
    assert source.entropy(length) == pytest.approx(-(probabilities * np.log(probabilities)).sum())


def test_a_markov_source_is_stationary():
    source = MarkovSource.drawn(4, seed=1)
    following = np.einsum("xy,xyz->yz", source.pairs, source.conditionals)
    np.testing.assert_allclose(following, source.pairs, atol=1e-12)
    np.testing.assert_allclose(source.pairs.sum(0), source.pairs.sum(1), atol=1e-12)


def test_samples_have_the_sources_entropy_and_pairs():
    source = MarkovSource.drawn(6, seed=2)
    tokens = source.sample(4000, 20, np.random.default_rng(0))
    losses = source.token_losses(tokens)
    error = losses[:, 2:].mean(1).std() / math.sqrt(4000)
    assert losses[:, 2:].mean() == pytest.approx(source.entropy_rate, abs=5 * error)
    pairs = np.zeros((6, 6))
    np.add.at(pairs, (tokens[:, -2], tokens[:, -1]), 1 / 4000)
    np.testing.assert_allclose(pairs, source.pairs, atol=0.03)
    again = source.sample(4000, 20, np.random.default_rng(0))
    assert (again == tokens).all()


FINITE = Grammar(
    {
        "S": ((0.5, ("a", "T", "T")), (0.3, ("b", "T")), (0.2, ("c",))),
        "T": ((0.6, ("x",)), (0.4, ("y", "U"))),
        "U": ((0.9, ("u",)), (0.1, ("v", "z"))),
    },
    "S",
)


def sentences(grammar, symbols):
    """Yield every terminal string that ``symbols`` become, with its probability."""
    if not symbols:
        yield (), 1.0
        return
    first, rest = symbols[0], symbols[1:]
    options = grammar.rules.get(first, ((1.0, None),))
    for probability, right in options:
        heads = [((first,), 1.0)] if right is None else list(sentences(grammar, right))
        for (head, own), (tail, other) in itertools.product(heads, list(sentences(grammar, rest))):
            yield head + tail, probability * own * other


def test_a_grammars_entropy_is_that_of_all_its_sentences():
    every = dict(sentences(FINITE, ("S",)))
    probabilities = np.array(list(every.values()))
    assert probabilities.sum() == pytest.approx(1)
    assert FINITE.entropy == pytest.approx(-(probabilities * np.log(probabilities)).sum())
    assert FINITE.length == pytest.approx(sum(p * len(s) for s, p in every.items()))
    assert FINITE.entropy_rate == pytest.approx(FINITE.entropy / (FINITE.length + 1))
    for sentence, probability in every.items():
        assert sum(FINITE.token_losses(sentence)) == pytest.approx(-math.log(probability))


def test_a_recursive_grammar():
    """S → a S (p) | b: lengths are geometric, so everything has a closed form."""
    p = 0.7
    grammar = Grammar({"S": ((p, ("a", "S")), (1 - p, ("b",)))}, "S")
    assert grammar.length == pytest.approx(1 / (1 - p))
    own = -(p * math.log(p) + (1 - p) * math.log(1 - p))
    assert grammar.entropy == pytest.approx(own / (1 - p))
    assert grammar.terminals == ("a", "b")
    random = np.random.default_rng(0)
    drawn = [grammar.sentence(random) for _ in range(3000)]
    assert np.mean([len(s) for s in drawn]) == pytest.approx(1 / (1 - p), rel=0.06)
    assert np.mean([sum(grammar.token_losses(s)) for s in drawn]) == pytest.approx(
        grammar.entropy, rel=0.06
    )


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"S": ((0.5, ("a",)), (0.5, ("a", "b")))}, "terminal of its own"),
        ({"S": ((1.0, ("S", "a")),)}, "terminal of its own"),
        ({"S": ((0.5, ("a",)), (0.4, ("b",)))}, "add up to 1"),
        ({"S": ((0.6, ("a", "S", "S")), (0.4, ("b",)))}, "no finite mean length"),
        ({"T": ((1.0, ("a",)),)}, "the start 'S' has no rules"),
    ],
)
def test_grammars_without_a_known_entropy_are_refused(rules, message):
    with pytest.raises(ValueError, match=message):
        Grammar(rules, "S")


@pytest.mark.parametrize("sentence", [["a", "x"], ["z"], ["c", "c"]])
def test_what_a_grammar_cannot_derive_has_no_loss(sentence):
    with pytest.raises(ValueError, match=r"cannot follow|ends too early"):
        FINITE.token_losses(sentence)


def test_the_standard_library_is_split_by_file():
    parts = {part: standard_library(part) for part in ("train", "validation", "test")}
    held = {text for part in ("validation", "test") for text in parts[part]}
    assert not held & set(parts["train"])
    assert not set(parts["validation"]) & set(parts["test"])
    whole = sum(len(texts) for texts in parts.values())
    assert whole == sum(bool(path.read_text("utf-8", "replace")) for path in source_files())
    shares = [len(parts[part]) / whole for part in ("validation", "test")]
    assert all(0.05 < share < 0.16 for share in shares)
    assert any("def " in text for text in parts["test"])


@given(st.text())
def test_equal_texts_lie_in_one_part(text):
    assert part_of(text) == part_of(str(text)) in ("train", "validation", "test")


ROWS = {"text": ["one", "two", "dréi"], "label": [0, 1, 0]}


def write_published(folder, layout):
    """Write ROWS as a data set's publisher would."""
    datasets = pytest.importorskip("datasets")
    rows = datasets.Dataset.from_dict(ROWS)
    folder.mkdir()
    if layout == "saved":
        datasets.DatasetDict({"train": rows, "test": rows.select([2])}).save_to_disk(str(folder))
    elif layout == "saved split":
        rows.save_to_disk(str(folder))
    elif layout == "parquet":
        (folder / "data").mkdir()
        for place, part in enumerate((rows.select([0, 1]), rows.select([2]))):
            part.to_parquet(str(folder / "data" / f"train-0000{place}-of-00002.parquet"))
    else:
        rows.to_json(str(folder / "train.jsonl"), force_ascii=False)


@pytest.mark.parametrize("layout", ["saved", "saved split", "parquet", "jsonl"])
def test_published_sets_are_read_in_their_own_formats(found, layout):
    write_published(found / "corpus", layout)
    rows = load_split("corpus", "train")
    assert texts_of(rows) == ROWS["text"]
    assert list(rows["label"]) == ROWS["label"]
    with pytest.raises(UserError, match="no column 'story'; its columns are text, label"):
        texts_of(rows, "story")


def test_a_published_set_that_is_not_there(found):
    with pytest.raises(UserError, match="owner/set is not on this machine and OFFLINE=1"):
        load_split("owner/set", "train")
    write_published(found / "corpus", "jsonl")
    with pytest.raises(UserError, match="no file of the split 'test'"):
        load_split("corpus", "test")
    write_published(found / "saved", "saved")
    with pytest.raises(UserError, match="no split 'validation'; it has train, test"):
        load_split("saved", "validation")
    (found / "corpus" / "test.jsonl").write_text('{"text": "a"}\n{broken\n')
    with pytest.raises(UserError, match=r"test\.jsonl could not be read"):
        load_split("corpus", "test")


def test_a_missing_library_names_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "peft", None)
    from models.language.libraries import library

    with pytest.raises(UserError, match=r"peft is not installed: .* extra 'language'"):
        library("peft")


def test_a_users_text(tmp_path):
    (tmp_path / "mine.txt").write_text("Grüße", encoding="utf-8")
    assert read_texts(tmp_path / "mine.txt") == ["Grüße"]
    assert read_texts(tmp_path) == ["Grüße"]
    lines = [json.dumps({"text": "a"}), "", json.dumps({"text": "b"})]
    (tmp_path / "mine.jsonl").write_text("\n".join(lines))
    assert read_texts(tmp_path / "mine.jsonl") == ["a", "b"]


def test_a_users_text_as_other_programs_write_it(tmp_path):
    """With a byte order mark, and with line separators that are not the end of a line."""
    (tmp_path / "mark.txt").write_bytes("\ufeffGrüße".encode())
    assert read_texts(tmp_path / "mark.txt") == ["Grüße"]
    lines = '\ufeff{"text": "a\u2028b"}\r\n{"text": "c\x85d"}\r\n'
    (tmp_path / "mark.jsonl").write_bytes(lines.encode())
    assert read_texts(tmp_path / "mark.jsonl") == ["a\u2028b", "c\x85d"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"\xff\xfe\x00", "not UTF-8 at byte 0"),
        ("a.jsonl", b'{"text": "a"}\n[1]\n', "line 2: not a JSON object with a text for the key"),
        ("a.jsonl", b'{"text": null}\n', "line 1: not a JSON object with a text"),
        ("a.jsonl", b'{"text": "\\ud800"}\n', "line 1: not a JSON object with a text"),
        ("a.txt", b"  \n", "holds no text"),
    ],
)
def test_a_users_text_in_a_wrong_format(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_texts(tmp_path / name)
    with pytest.raises(UserError, match="does not exist"):
        read_texts(tmp_path / "nowhere")


_FETCHED = """
import sys
import os
import subprocess
from pathlib import Path
from datasets.packaged_modules.json.json import Json

cache = Path(sys.argv[1]) / "datasets"
texts = Path(sys.argv[1]) / "texts.jsonl"
texts.write_text('{"text": "a"}\\n{"text": "b"}\\n')
files = {"train": [str(texts)]}
built = Json(cache_dir=str(cache), dataset_name="tiny", hash="0", data_files=files)
built.download_and_prepare()
(cache / "tiny").rename(cache / "owner___tiny")
(whole,) = (cache / "owner___tiny").iterdir()
whole.rename(whole.with_name("default"))
"""
_READ = """
from models.language.corpora import load_split, texts_of

print(texts_of(load_split("owner/tiny", "train")))
"""


def test_a_set_that_was_fetched_before_is_found_offline(tmp_path: Path) -> None:
    """The cache is laid out as a set from the hub leaves it: owner___name/configuration/…"""
    subprocess.run([sys.executable, "-c", _FETCHED, str(tmp_path)], check=True, capture_output=True)
    offline = os.environ | {"OFFLINE": "1", "KLAIM_CACHE": str(tmp_path)}
    offline.pop("REPRO_DATA", None)
    shown = subprocess.run(
        [sys.executable, "-c", _READ], env=offline, check=True, capture_output=True, text=True
    )
    assert shown.stdout == "['a', 'b']\n"
