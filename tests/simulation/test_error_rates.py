"""Every error rate keeps its bound or its stated limit, and the page says what was measured."""

from __future__ import annotations

import pytest

from repro.paths import ROOT
from simulation.error_rates import GROUPS, Group, introduction, section

PAGE = ROOT / "docs" / "error_rates.md"


@pytest.mark.slow
@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.title)
def test_error_rates_are_as_promised_and_as_the_page_says(group: Group) -> None:
    rates = list(group.rates())
    assert rates
    for rate in rates:
        if rate.limit is None:
            assert rate.keeps(rate.bound), f"breaks its bound: {rate}"
        else:
            assert rate.keeps(rate.limit), f"breaks its limit: {rate}"
            assert rate.beyond_bound, f"keeps its bound, so it needs no limit: {rate}"
    assert section(group, rates) in PAGE.read_text(encoding="utf-8"), "run `make error-rates`"


def test_the_page_has_every_section_in_order() -> None:
    text = PAGE.read_text(encoding="utf-8")
    titles = [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")]
    assert titles == [group.title for group in GROUPS]
    assert text.startswith(introduction())
