"""Packing, padding, cutting: no token is lost, none counts twice."""

from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.language import PackedBatches, pack, padded, shifted
from repro.errors import UserError


def counted(batches):
    """Return how often each (token, target) pair counts over some batches."""
    found = Counter()
    for batch in batches:
        weight = torch.ones(batch.tokens.shape) if batch.weight is None else batch.weight
        assert set(weight.unique().tolist()) <= {0.0, 1.0}
        pairs = zip(
            batch.tokens[weight > 0].tolist(), batch.targets[weight > 0].tolist(), strict=True
        )
        found.update(pairs)
    return found


@given(
    length=st.integers(2, 60),
    context=st.integers(1, 20),
    size=st.integers(1, 5),
    passes=st.integers(1, 3),
)
@settings(max_examples=60, deadline=None)
def test_every_token_is_a_target_once_in_each_pass(length, context, size, passes):
    stream = torch.arange(length)
    if length <= context:
        with pytest.raises(UserError, match="give more text or a shorter context"):
            PackedBatches(stream, context, size, seed=0)
        return
    batches = PackedBatches(stream, context, size, seed=3)
    once = Counter(zip(range(length - 1), range(1, length), strict=True))
    assert counted(batches.in_order()) == once
    windows = passes * batches.windows
    if windows % size == 0:
        assert counted(batches.at(step) for step in range(windows // size)) == Counter(
            dict.fromkeys(once, passes)
        )


def test_a_batch_depends_on_seed_and_step_alone():
    stream = torch.arange(100)
    one, same, other = (PackedBatches(stream, 7, 4, seed) for seed in (0, 0, 1))
    later = one.at(9)
    assert torch.equal(same.at(9).tokens, later.tokens)
    assert not torch.equal(other.at(9).tokens, later.tokens)
    assert not torch.equal(one.at(0).tokens, later.tokens)


def test_documents_are_packed_with_separators():
    assert pack([[1, 2], [], [3]], separator=0).tolist() == [0, 1, 2, 0, 0, 3, 0]


def test_padding_counts_for_nothing():
    batch = padded([[1, 2, 3], [4, 5]], [[False, False, True], [True, True]])
    assert batch.tokens.tolist() == [[1, 2], [4, 5]]
    assert batch.targets.tolist() == [[2, 3], [5, 0]]
    assert batch.weight.tolist() == [[0, 1], [1, 0]]
    assert batch.mask.tolist() == [[1, 1], [1, 1]]
    assert batch.total() == 2


@pytest.mark.parametrize(
    ("sequences", "counts", "message"),
    [([[1, 2]], [[True]], "must say of every token"), ([[1]], [[True]], "at least two tokens")],
)
def test_lengths_that_do_not_fit_are_refused(sequences, counts, message):
    with pytest.raises(ValueError, match=message):
        padded(sequences, counts)


@given(rows=st.integers(1, 9), parts=st.integers(1, 9))
def test_parts_are_the_batch_cut_evenly(rows, parts):
    batch = shifted(torch.arange(rows * 4).reshape(rows, 4))
    cut = list(batch.parts(parts))
    assert torch.equal(torch.cat([part.tokens for part in cut]), batch.tokens)
    sizes = [len(part.tokens) for part in cut]
    assert max(sizes) - min(sizes) <= 1
    assert sum(part.total() for part in cut) == batch.total()
