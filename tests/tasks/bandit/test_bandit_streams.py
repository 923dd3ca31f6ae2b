"""Streams: which rows are played, in which order, with which labels."""

from __future__ import annotations

import numpy as np
import pytest
from bandit_fixtures import contexts
from hypothesis import given
from hypothesis import strategies as st

from repro.errors import UserError
from tasks.bandit.data import NOISE_LEVELS, load_table
from tasks.bandit.streams import make_streams, unit_rows
from tasks.bandit.tables import ClassTable


def streams_of(tmp_path, dataset="wine", seeds=3, rows="table", rounds=None):
    made = contexts(tmp_path, seeds, dataset)
    table, identity = load_table(dataset, made)
    return make_streams(table, identity, made, rows, rounds)


def test_the_table_plays_three_quarters_of_the_rows_once(tmp_path):
    streams = streams_of(tmp_path)
    assert streams.rounds == 178 - round(178 / 4)
    played = [sorted(set(streams.order[:, s])) for s in range(3)]
    assert played[0] == played[1] == played[2]
    assert len(played[0]) == streams.rounds
    assert streams.order[:, 0].tolist() != streams.order[:, 1].tolist()
    np.testing.assert_array_equal(streams.observed, streams.labels[streams.order])


def test_tuning_plays_other_rows_as_many_rounds(tmp_path):
    table, tuning = streams_of(tmp_path), streams_of(tmp_path, rows="tuning")
    assert not set(table.order.ravel()) & set(tuning.order.ravel())
    assert tuning.rounds == table.rounds
    # Every row once before any row a second time.
    rows = len(set(tuning.order.ravel()))
    assert len(set(tuning.order[:rows, 0])) == rows


def test_the_tuning_fold_is_the_same_for_every_order_and_noise(tmp_path):
    played = [
        set(streams_of(tmp_path, d).order.ravel()) for d in ("wine", "wine_sorted", "wine_noisy")
    ]
    assert played[0] == played[1] == played[2]


def test_sorted_is_one_class_after_the_other_in_an_order_of_the_seeds_own(tmp_path):
    streams = streams_of(tmp_path, "wine_sorted", seeds=6)
    orders = set()
    for s in range(6):
        labels = streams.observed[:, s]
        changes = np.flatnonzero(np.diff(labels)) + 1
        assert len(changes) == 2
        orders.add(tuple(labels[[0, *changes]]))
    assert len(orders) > 1


def test_noise_has_its_share_grows_by_level_and_never_keeps_the_class(tmp_path):
    streams = streams_of(tmp_path, "digits_noisy", seeds=2)
    assert streams.noise.tolist() == [*NOISE_LEVELS, *NOISE_LEVELS]
    clean = streams.labels[streams.order]
    wrong = streams.observed != clean
    shares = wrong.mean(axis=0)
    np.testing.assert_allclose(shares, streams.noise, atol=0.04)
    assert not wrong[:, 0].any()
    for level in range(3):
        assert (wrong[:, level] <= wrong[:, level + 1]).all()
        both = wrong[:, level]
        np.testing.assert_array_equal(
            streams.observed[both, level], streams.observed[both, level + 1]
        )
    # Replaced labels are spread over all other classes.
    moved = (streams.observed[:, 3] - clean[:, 3])[wrong[:, 3]] % 10
    assert set(moved) == set(range(1, 10))


def test_expected_losses_are_means_of_the_observed(tmp_path):
    streams = streams_of(tmp_path, "digits_noisy", seeds=1)
    clean = streams.labels[streams.order]
    best = (streams.observed != clean).mean(axis=0)
    other = (streams.observed != (clean + 3) % 10).mean(axis=0)
    np.testing.assert_allclose(best, streams.expected_best, atol=0.04)
    np.testing.assert_allclose(other, streams.expected_other, atol=0.03)


def test_rounds_are_cut(tmp_path):
    assert streams_of(tmp_path, rounds=20).rounds == 20


def test_too_few_rows_are_one_clear_line(tmp_path):
    table = ClassTable(np.zeros((30, 2)), np.arange(30) % 2, 2)
    with pytest.raises(UserError, match="30 rows leave 8 for tuning"):
        make_streams(table, "tiny", contexts(tmp_path, 1), "table", None)


@given(st.integers(2, 40), st.integers(1, 6), st.integers(0, 99))
def test_rows_have_length_one(n, d, seed):
    x = np.random.RandomState(seed).standard_normal((n, d)) * 10.0 ** np.arange(d)
    x[0, 0] = np.nan
    rows = unit_rows(ClassTable(x, np.zeros(n, int), 2))
    assert rows.shape == (n, d + 1)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-5)


def test_a_constant_column_is_harmless():
    rows = unit_rows(ClassTable(np.ones((4, 2)), np.zeros(4, int), 2))
    np.testing.assert_array_equal(rows, [[0, 0, 1]] * 4)
