"""Domains: known truths against brute force, tests that training does not see, bad input."""

import itertools
import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.language import Batch
from repro.errors import UserError
from tasks.scaling.domains import (
    DOMAINS,
    EXTRAPOLATION,
    HUB_SETS,
    TEST,
    check_dataset,
    content_hash,
    data_files,
    domain_of,
    guess_loss,
)
from tasks.scaling.domains.digits import START, Digits, sequences
from tasks.scaling.domains.markov_chain import MarkovChain
from tasks.scaling.domains.mathematics import Mathematics, written
from tasks.scaling.domains.paired_sequences import PairedSequences
from tasks.scaling.domains.text import packed_bytes

#: What the paper's scale reads is tested in test_scaling_images.py and test_scaling_problems.py.
SMALL = [n for n in DOMAINS if not data_files(n) and n not in HUB_SETS]


@pytest.mark.parametrize("name", SMALL)
def test_batches_and_tests_fit_the_model_and_depend_on_the_seed_alone(name):
    domain, again = domain_of(name, 5), domain_of(name, 5)
    batch = domain.batches(6, 5).at(3)
    assert batch.tokens.shape == batch.targets.shape == (6, domain.context)
    assert torch.equal(batch.tokens[:, 1:], batch.targets[:, :-1])
    assert torch.equal(again.batches(6, 5).at(3).tokens, batch.tokens)
    assert not torch.equal(domain.batches(6, 5).at(4).tokens, batch.tokens)
    tests = domain.tests(5)
    assert TEST in tests
    for part in itertools.chain([batch], *tests.values()):
        assert part.tokens.min() >= 0
        assert part.targets.max() < domain.vocabulary
        assert part.total() > 0


def test_the_markov_chains_truth_is_that_of_its_test():
    domain = MarkovChain(source_seed=3)
    sequences = torch.cat([b.tokens for b in domain.tests(1)[TEST]])
    last = torch.cat([b.targets[:, -1:] for b in domain.tests(1)[TEST]])
    whole = torch.cat([sequences, last], 1).numpy()
    losses = -np.log(domain.source.conditionals[whole[:, :-2], whole[:, 1:-1], whole[:, 2:]])
    assert domain.true_loss(1) > losses.mean()  # the second token knows one before it alone
    assert domain.true_loss(1) == pytest.approx(losses.mean(), rel=0.03)
    assert domain.true_loss(1) == pytest.approx(domain.source.entropy_rate, rel=0.05)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=8))
def test_written_sums_are_sums(columns):
    number = lambda digits: sum(int(d) * 5**place for place, d in enumerate(digits))  # noqa: E731
    (row,) = written(np.array([columns]), 5)
    a, b, total = row[0::3], row[1::3], row[2::3]
    assert list(zip(a, b, strict=True)) == columns
    assert number(total) == (number(a) + number(b)) % 5 ** len(columns)


def test_the_further_sums_are_longer_and_count_their_answers_alone():
    domain = Mathematics()
    tests = domain.tests(0)
    counted = {name: torch.cat([b.weight.sum(1) for b in own]) for name, own in tests.items()}
    assert set(counted[TEST].tolist()) == {1, 2, 3, 4}
    assert set(counted[EXTRAPOLATION].tolist()) == {6}
    batch = domain.batches(400, 0).at(0)
    digits = batch.targets[batch.weight > 0]
    assert digits.max() < domain.base
    # Every place of the sequence is met in training, so that a test's places are not new.
    assert (batch.weight.sum(0)[2:] > 0).all()


def joint_table(domain):
    """Return p(x, y) of one place, (symbols, words), by going through all that noise may do."""
    joint = np.zeros((domain.symbols, domain.words))
    for x, noisy_word in itertools.product(range(domain.symbols), range(domain.words)):
        joint[x, int(domain.clean(np.array(x)))] += (1 - domain.noise) / joint.size
        joint[x, noisy_word] += domain.noise / joint.size
    return joint


def entropy(chances):
    return -float((chances * np.log(chances)).sum())


@pytest.mark.parametrize(("symbols", "words", "noise"), [(6, 3, 0.3), (4, 4, 0.1), (64, 32, 0.1)])
def test_pairs_have_the_information_that_is_said_in_both_directions(symbols, words, noise):
    """Against the joint table of a place; places are independent."""
    captions, pictures = (
        PairedSequences(symbols, words, 2, noise, picture_first=first) for first in (True, False)
    )
    joint = joint_table(captions)
    assert joint.sum() == pytest.approx(1)
    x, y, both = entropy(joint.sum(1)), entropy(joint.sum(0)), entropy(joint)
    assert captions.information == pictures.information == pytest.approx(2 * (x + y - both))
    assert captions.conditional_entropy == pytest.approx(both - x)
    assert pictures.conditional_entropy == pytest.approx(both - y)
    assert captions.caption_entropy == pytest.approx(y)
    assert captions.conditional_entropy < y
    assert pictures.conditional_entropy < x


def test_a_tests_truth_is_that_of_its_own_pairs():
    """By the joint table's conditionals, token by token; its expectation is the entropy."""
    for first in (True, False):
        domain = PairedSequences(6, 3, 2, 0.3, picture_first=first)
        whole = torch.cat([b.tokens for b in domain.tests(4)[TEST]])
        last = torch.cat([b.targets[:, -1:] for b in domain.tests(4)[TEST]])
        sequences = torch.cat([whole, last], 1).numpy()
        parts = (sequences[:, :2], sequences[:, 3:])
        pictures, captions = parts if first else parts[::-1]
        captions = captions - domain.symbols
        joint = joint_table(domain)
        given = joint / joint.sum(1 if first else 0, keepdims=True)
        losses = -np.log(given[pictures, captions])
        assert domain.true_loss(4) == pytest.approx(losses.mean())
        assert domain.true_loss(4) == pytest.approx(domain.conditional_entropy, abs=0.1)
        ratio = joint / np.outer(joint.sum(1), joint.sum(0))
        pointwise = np.log(ratio[pictures, captions]).sum(1)
        assert domain.tested_information(4) == pytest.approx(pointwise.mean())
        assert domain.tested_information(4) == pytest.approx(domain.information, abs=0.2)


@pytest.mark.parametrize("first", [True, False])
def test_training_has_no_blanks_and_the_mix_has_them_in_half(first):
    domain = PairedSequences(picture_first=first)
    assert not (domain.batches(8, 1).at(0).tokens == domain.blank).any()
    mixed = domain.mixed(8, 1).at(0)
    assert (mixed.tokens[:4, :10] == domain.blank).all()
    assert not (mixed.tokens[4:] == domain.blank).any()
    assert not (mixed.targets[:, 10:] == domain.blank).any()
    assert not torch.equal(mixed.tokens[4:], domain.batches(8, 1).at(0).tokens[4:])
    shown, hidden = domain.tests(2)[TEST], domain.blank_test(2)
    kinds = (range(64, 96), range(64)) if first else (range(64), range(64, 96))
    for whole, blank in zip(shown, hidden, strict=True):
        assert torch.equal(whole.targets[:, 10:], blank.targets[:, 10:])
        assert (blank.tokens[:, :10] == domain.blank).all()
        assert set(whole.targets[:, 10:].unique().tolist()) == set(kinds[0])
        assert set(whole.tokens[:, :10].unique().tolist()) == set(kinds[1])
        assert (whole.weight == blank.weight).all()
        assert whole.weight.sum(1).unique().tolist() == [10]


def test_symbols_that_do_not_divide_into_words_are_refused():
    with pytest.raises(UserError, match="64 symbols do not divide into 5 words"):
        PairedSequences(words=5)


def test_digits_are_split_without_overlap_and_carry_their_classes():
    domain = Digits()
    labelled = domain.labelled(3)
    assert len(labelled.train[0]) + len(labelled.test[0]) == 1797
    rows = {tuple(row) for row in labelled.train[0].tolist()}
    assert sum(tuple(row) in rows for row in labelled.test[0].tolist()) < 3
    # What a model classifies is what it read in training: the start token, and so each pixel, is
    # where it was.
    tested = torch.cat([b.tokens for b in domain.tests(3)[TEST]])
    assert torch.equal(tested, labelled.test[0])
    assert (labelled.train[0][:, 0] == START).all()
    assert labelled.train[0].shape[1] == domain.context
    assert set(labelled.test[1].tolist()) == set(range(10))
    assert sequences(np.arange(64).reshape(1, 8, 8))[0, :3].tolist() == [START, 0, 1]


def test_text_is_bytes_with_separators():
    assert packed_bytes(["ab", "é"]).tolist() == [97, 98, 255, 195, 169, 255]


def test_a_users_text(tmp_path):
    path = tmp_path / "mine.txt"
    path.write_text("a line of text\n" * 200)
    check_dataset(f"file:{path}")
    domain = domain_of(f"file:{path}", 0)
    assert domain.tests(0)[TEST][0].tokens.shape[1] == domain.context
    path.write_text("too short")
    with pytest.raises(UserError, match=r"mine.txt is too short: its part to train on has 8"):
        check_dataset(f"file:{path}")
    path.write_text("x" * 639)  # the last tenth: 64 bytes and a separator, as many as it takes
    check_dataset(f"file:{path}")
    path.write_text("x" * 630)
    with pytest.raises(UserError, match=r"its part to test on has 64 tokens.* 64 needs 65"):
        check_dataset(f"file:{path}")
    for content in (b"", b" \n"):
        path.write_bytes(content)
        with pytest.raises(UserError, match="holds no text"):
            check_dataset(f"file:{path}")
    path.write_bytes(b"ab\xff")
    with pytest.raises(UserError, match="is not UTF-8 at byte 2"):
        check_dataset(f"file:{path}")
    with pytest.raises(UserError, match="does not exist"):
        check_dataset(f"file:{tmp_path / 'none.txt'}")
    with pytest.raises(UserError, match="unknown domain 'digit'; did you mean 'digits'"):
        check_dataset("digit")


@pytest.mark.parametrize(
    ("verb", "content", "message"),
    [
        (["plan"], b"", "holds no text"),
        (["plan"], b"\xff\xfe\x00", "is not UTF-8 at byte 0"),
        (["plan"], b"too short", "is too short"),
        (["reproduce", "--dry-run"], b"too short", "is too short"),
        (["plan"], None, "there is no such file"),
    ],
)
def test_a_plan_refuses_a_users_text_that_no_run_could_use(tmp_path, verb, content, message):
    path = tmp_path / "mine.txt"
    if content is not None:
        path.write_bytes(content)
    call = [*verb, "scaling_laws", "--datasets", f"file:{path}", "--results", str(tmp_path / "r")]
    shown = subprocess.run(
        [sys.executable, "-m", "repro", *call], capture_output=True, text=True, check=False
    )
    assert shown.returncode == 2
    (line,) = shown.stderr.strip().splitlines()
    assert f"{path}" in line
    assert message in line
    assert not shown.stdout


def test_a_users_text_in_the_home_directory(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "mine.txt").write_text("a line of text\n" * 200)
    check_dataset("file:~/mine.txt")
    assert domain_of("file:~/mine.txt", 0).batches(2, 0).at(0).tokens.shape == (2, 64)
    assert content_hash("file:~/mine.txt") == content_hash(f"file:{tmp_path / 'mine.txt'}")


def test_the_published_corpus_is_read_in_its_own_format(tmp_path, monkeypatch):
    datasets = pytest.importorskip("datasets")
    folder = tmp_path / "Salesforce" / "wikitext"
    folder.mkdir(parents=True)
    for part in ("train", "test"):
        rows = datasets.Dataset.from_dict({"text": [f"some {part} text " * 400]})
        rows.to_parquet(str(folder / f"{part}-00000-of-00001.parquet"))
    monkeypatch.setenv("REPRO_DATA", str(tmp_path))
    monkeypatch.setenv("KLAIM_CACHE", str(tmp_path / "cache"))
    domain = domain_of("wikitext_103", 0)
    assert domain.batches(2, 0).at(0).tokens.shape == (2, 512)


def test_guessing_by_how_often_each_token_comes_counts_what_counts():
    targets = torch.tensor([[0, 0, 1, 2], [0, 1, 1, 2]])
    batch = Batch(targets, targets, torch.tensor([[1.0, 1, 1, 0], [0, 1, 0, 0]]))
    assert guess_loss([batch]) == pytest.approx(math.log(2))
    unweighted = [Batch(targets[:1], targets[:1]), Batch(targets[1:], targets[1:])]
    shares = np.array([3, 3, 2]) / 8
    assert guess_loss(unweighted) == pytest.approx(-(shares * np.log(shares)).sum())
