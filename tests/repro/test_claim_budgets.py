"""How budgets are printed: no two alike, nothing longer than it must be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.claims.budgets import budget_texts

FINITE = st.floats(-1e300, 1e300)


@pytest.mark.parametrize(
    ("budgets", "texts"),
    [
        ([0.3, 0.5, 5.0], ["0.3", "0.5", "5"]),
        ([1500, 150.0, 1234.5], ["1500", "150", "1234"]),
        ([1.23456, 1.23999], ["1.23", "1.24"]),
        ([1.2345, 1.2346], ["1.234", "1.235"]),
        ([0.1, 0.1000001], ["0.1", "0.1000001"]),
        ([0.0, -0.25, 1e-3], ["0", "-0.25", "0.001"]),
        ([1e12, 2.5e-7], ["1e12", "2.5e-7"]),
        ([2e15, 2e15 + 1], ["2e15", "2.000000000000001e15"]),
    ],
)
def test_budgets_read_short_and_apart(budgets: list[float], texts: list[str]) -> None:
    assert list(budget_texts(budgets).values()) == texts


@given(st.lists(FINITE, min_size=1, max_size=20, unique=True))
def test_no_two_budgets_read_alike(budgets: list[float]) -> None:
    texts = budget_texts(budgets)
    assert len(set(texts.values())) == len(budgets)
    for budget, text in texts.items():
        assert float(text) == pytest.approx(budget, rel=0.006, abs=0)
        if 1e-4 <= abs(budget) < 1e7:
            assert "e" not in text
