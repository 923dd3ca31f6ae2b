"""Domains: known truths against brute force, tests that training does not see, bad input."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from repro.errors import UserError
from tasks.scaling.domains import (
    BLANK_TEST,
    DOMAINS,
    EXTRAPOLATION,
    HUB_SETS,
    TEST,
    check_dataset,
    data_files,
    domain_of,
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


def test_pairs_have_the_information_that_is_said():
    domain = PairedSequences(symbols=3, length=2, noise=0.3)
    joint = np.zeros((3, 3))
    for x, z in itertools.product(range(3), repeat=2):
        clean = int(domain.clean(np.array([[x, 0]]))[0, 0])
        joint[x, z] = (0.7 * (z == clean) + 0.3 / 3) / 3
    marginals = np.outer(joint.sum(1), joint.sum(0))
    assert domain.information == pytest.approx((joint * np.log(joint / marginals)).sum())
    assert domain.true_loss(0) == pytest.approx(domain.conditional_entropy, abs=0.1)
    assert domain.information + domain.conditional_entropy == pytest.approx(math.log(3))


def test_the_blank_test_has_the_same_captions():
    tests = PairedSequences().tests(2)
    for shown, hidden in zip(tests[TEST], tests[BLANK_TEST], strict=True):
        assert torch.equal(shown.targets[:, 10:], hidden.targets[:, 10:])
        assert set(hidden.tokens[:, :10].unique().tolist()) == {16}
        assert shown.tokens[:, :10].max() < 16


def test_digits_are_split_without_overlap_and_carry_their_classes():
    domain = Digits()
    labelled = domain.labelled(3)
    assert len(labelled.train[0]) + len(labelled.test[0]) == 1797
    rows = {tuple(row) for row in labelled.train[0].tolist()}
    assert sum(tuple(row) in rows for row in labelled.test[0].tolist()) < 3
    tested = torch.cat([b.targets for b in domain.tests(3)[TEST]])
    assert torch.equal(tested, labelled.test[0])
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
    with pytest.raises(UserError, match="give more text or a shorter context"):
        check_dataset(f"file:{path}")
    with pytest.raises(UserError, match="does not exist"):
        check_dataset(f"file:{tmp_path / 'none.txt'}")
    with pytest.raises(UserError, match="unknown domain 'digit'; did you mean 'digits'"):
        check_dataset("digit")


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
