"""Printed numbers and overall statistics in a spec: read rightly, refused in one line otherwise."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_fixtures import COMMENSURABLE, SPEC, write_spec

from repro.errors import UserError
from repro.spec import Reported
from repro.spec.amounts import Amount, parse_amount
from repro.spec.printed import (
    equal_as_printed,
    parse_printed,
    standard_deviation,
    standard_error,
)
from repro.spec.reported import amount_of

NUMBER: dict[str, Any] = {
    "dataset": "gaussian",
    "method": "bottleneck",
    "metric": "rmse",
    "value": "0.431",
    "source": "Table 2",
    "n": 5,
    "spread": "0.012",
    "spread_kind": "sd",
    "margin": "1 sd",
}
OVERALL: dict[str, Any] = {"id": "iqm", "metric": "rmse", "statistic": "interquartile_mean"}


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("0.5", Amount(0.5, "")),
        ("2%", Amount(2, "%")),
        ("1 sd", Amount(1, "sd")),
        ("1.5sd", Amount(1.5, "sd")),
        ("1 digit", Amount(1, "digit")),
        ("2 digits", Amount(2, "digit")),
        ("1e-3", Amount(0.001, "")),
    ],
)
def test_amounts(text: str, amount: Amount) -> None:
    assert parse_amount(text) == amount


def test_an_amount_in_the_metrics_unit() -> None:
    given = {"value": -40.0, "sd": 0.3, "digit": 0.1}
    values = [parse_amount(text).of(**given) for text in ("0.5", "2%", "2 sd", "3 digits")]
    assert values == pytest.approx([0.5, 0.8, 0.6, 0.3])
    with pytest.raises(ValueError, match="no sd"):
        Amount(1, "sd").of(value=1.0)


@pytest.mark.parametrize("text", ["", "0", "-1", "1 SD", "2 %%", "one", "1e999", "nan", "1 sd sd"])
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(ValueError, match=r"amount|more than 0"):
        parse_amount(text)


def test_units_may_be_fewer() -> None:
    assert parse_amount("5%", ("", "%")) == Amount(5, "%")
    with pytest.raises(ValueError, match="valid: a number such as"):
        parse_amount("1 sd", ("", "%"))


@pytest.mark.parametrize(
    ("text", "value", "digit"),
    [("59.1", 59.1, 0.1), ("60", 60, 1), ("6e1", 60, 10), ("-1.20e-3", -0.0012, 1e-5)],
)
def test_printed_precision(text: str, value: float, digit: float) -> None:
    printed = parse_printed(text)
    assert (printed.value, printed.digit) == pytest.approx((value, digit))
    assert printed.half_digit == pytest.approx(digit / 2)


@settings(deadline=None)
@given(st.decimals(-1000, 1000, places=3))
def test_a_value_equals_what_it_is_printed_as(value: Any) -> None:
    printed = parse_printed(f"{value:.1f}")
    assert equal_as_printed(float(value), printed)
    assert not equal_as_printed(float(value) + 0.11, printed)


def test_spreads_become_errors() -> None:
    assert standard_error("0.3", "sd", 9) == pytest.approx(0.1)
    assert standard_error("0.3", "se", 9) == 0.3
    assert standard_error("1.96", "ci95", 9) == pytest.approx(1.0)
    assert standard_deviation("0.3", "se", 9) == pytest.approx(0.9)
    assert standard_deviation("0.3", "sd", 0) == 0.3
    # A margin by it must not be too lax: t over 3 runs, not 1.96.
    assert standard_deviation("4.303", "ci95", 3) == pytest.approx(math.sqrt(3), rel=1e-3)
    # Rounded to nothing: it may have been half of the last digit.
    assert standard_error("0.0", "sd", 4) == pytest.approx(0.025)


@pytest.mark.parametrize(
    ("spread", "kind", "n"), [("", "sd", 5), ("0.3", "", 5), ("0.3", "sd", 0), ("0.3", "ci95", 1)]
)
def test_an_error_that_the_paper_does_not_say(spread: str, kind: Any, n: int) -> None:
    assert standard_error(spread, kind, n) is None


def test_a_margin_by_the_printed_standard_error() -> None:
    number = Reported("d", "m", "x", "59.1", "Table 1", n=16, spread="0.25", spread_kind="se")
    assert amount_of("2 sd", number) == pytest.approx(2.0)
    assert amount_of("1 digit", number) == pytest.approx(0.1)


def test_a_whole_entry_is_accepted(tmp_path: Path) -> None:
    overall = [OVERALL, OVERALL | {"id": "better", "statistic": "probability_of_improvement"}]
    overall[1]["relative_to"] = "mse"
    spec = write_spec(tmp_path, reported=[NUMBER], overall=overall, metrics=COMMENSURABLE)
    assert spec.reported[0].margin == "1 sd"
    assert math.isclose(amount_of(spec.reported[0].margin, spec.reported[0]), 0.012)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"dataset": "gausian"}, "reported[0].dataset: unknown data set 'gausian'; did you mean"),
        ({"method": "vb"}, "reported[0].method: unknown method"),
        ({"value": "0.431*"}, "reported[0].value: '0.431*' is not a number as printed"),
        ({"value": "1.0e+999"}, "reported[0].value: '1.0e+999' is not a number"),
        ({"value": 0.430}, 'reported[0].value: write it in quotes, value: "…", or its last zeros'),
        ({"spread": 0.1}, "reported[0].spread: write it in quotes"),
        ({"spread": "±0.1"}, "reported[0].spread: '±0.1' is not a number"),
        ({"spread": "-0.1"}, "reported[0].spread: '-0.1' is negative"),
        ({"spread": "", "margin": "0.1"}, "reported[0].spread_kind: there is no spread"),
        ({"source": "memory of it"}, "reported[0].source: must name"),
        ({"n": -1}, "reported[0].n: must be the paper's number of runs"),
        ({"margin": "half"}, "reported[0].margin: 'half' is no amount"),
        ({"width": "-1"}, "reported[0].width: '-1' is no amount"),
        ({"spread_kind": ""}, "reported[0].margin: there is no sd"),
        ({"spread_kind": "se", "n": 0}, "reported[0].margin: there is no sd"),
        (
            {"not_comparable": "other data"},
            "reported[0].not_comparable: a number that is not judged",
        ),
        ({"not_comparable": "other data."}, "reported[0].not_comparable: ends a sentence"),
        ({"statistic": "single run"}, "reported[0].n: a single run is not 5 runs"),
        ({"statistic": "single run", "n": 1}, "reported[0].spread_kind: a single run has no"),
        ({"statistic": "best", "n": 1}, "reported[0].n: a best needs the number of runs"),
        ({"statistic": "best", "metric": "compression"}, "has no best: it has better: neither"),
    ],
)
def test_one_line_for_a_wrong_number(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError) as error:
        write_spec(tmp_path, reported=[NUMBER | change])
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_two_numbers_for_one_cell_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"reported\[1\]: reported\[0\] is a number for the same"):
        write_spec(tmp_path, reported=[NUMBER, NUMBER | {"value": "0.4"}])


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ([OVERALL], "overall.iqm.metric: 'rmse' has no mean over data sets unless its values"),
        ([OVERALL | {"relative_to": "mse"}] * 2, "overall.iqm: this id is used twice"),
        ([OVERALL | {"metric": "rms"}], "overall.iqm.metric: unknown metric"),
        ([OVERALL | {"datasets": ["none"]}], "overall.iqm.datasets: unknown data set"),
        ([OVERALL | {"datasets": []}], "overall.iqm.datasets: names no data set"),
        ([OVERALL | {"relative_to": "mes"}], "overall.iqm.relative_to: unknown method 'mes'; did"),
        ([OVERALL | {"statistic": "probability_of_improvement"}], "needs a rival"),
        ([OVERALL | {"statistic": "profile", "metric": "compression"}], "no run is better"),
    ],
)
def test_one_line_for_a_wrong_overall(tmp_path: Path, entries: list[Any], says: str) -> None:
    with pytest.raises(UserError) as error:
        write_spec(tmp_path, overall=entries)
    assert says in str(error.value)


def test_the_made_up_spec_has_a_cell_for_the_number() -> None:
    assert NUMBER["dataset"] in SPEC["scales"]["small"]["datasets"]
