"""A mistake in a claim is one line with its place; nothing is run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from report_fixtures import write_spec

from repro.errors import UserError

COMMON = {"id": "it", "text": "It holds.", "source": "abstract", "method": "bottleneck"}
BETTER = {"kind": "better", "metric": "rmse", "than": "vib"}
RATIO = {"kind": "ratio", "metric": "rmse", "than": "vib", "at_most": 0.5}
GAP = {"kind": "gap_closed", "metric": "rmse", "than": "vib", "reference": "mse", "at_least": 0.5}
RISES = {"kind": "monotone", "metric": "fgsm_rmse", "along": "level", "direction": "rises"}
CROSSING = {"kind": "crossing", "metric": "rmse", "along": "beta", "than": "vib"}
FIT = {"kind": "fit", "metric": "fgsm_rmse", "along": "level", "at_most": 1.0}
FIT |= {"form": "power_law", "parameter": "exponent"}
ALIKE = {name: value for name, value in FIT.items() if name != "at_most"}
ALIKE |= {"kind": "alike", "margin": "0.1"}
FRONTIER = {"kind": "frontier", "metric": "information", "cost": "compression", "budgets": [0.5]}
FRONTIER |= {"than": "vib"}
EQUIVALENT = {"kind": "equivalent", "metric": "rmse", "than": "vib", "margin": "0.1"}


@pytest.mark.parametrize(
    "claim",
    [
        BETTER,
        BETTER | {"on": "mean", "margin": "5%", "compare": "log_ratio"},
        BETTER | {"on": {"at_least": 4}, "test": "welch", "margin": "0.1"},
        RATIO | {"metric": "compression", "at_least": 0.1},
        GAP,
        RISES,
        RISES | {"metric": "compression", "along": "beta", "steps": "trend", "direction": "falls"},
        CROSSING | {"between": [0.01, 1.0]},
        FIT,
        ALIKE,
        FRONTIER,
        EQUIVALENT | {"metric": "compression"},
    ],
)
def test_a_claim_that_says_all_it_must_is_accepted(tmp_path: Path, claim: dict[str, Any]) -> None:
    assert write_spec(tmp_path, claims=[COMMON | claim]).claims[0].id == "it"


def _without(claim: dict[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in claim.items() if key not in names}


MISTAKES = [
    (BETTER | {"budgets": [1.0]}, "claims.it: `budgets` has no meaning for kind better"),
    (BETTER | {"at_least": 1.0}, "`at_least` has no meaning for kind better"),
    (RISES | {"margin": "0.1"}, "`margin` has no meaning for kind monotone"),
    (_without(GAP, "reference"), "claims.it.reference: a claim of kind gap_closed needs it"),
    (_without(EQUIVALENT, "margin"), "claims.it.margin: a claim of kind equivalent needs it"),
    (_without(ALIKE, "margin"), "claims.it.margin: a claim of kind alike needs it"),
    (ALIKE | {"margin": "5%"}, "claims.it.margin: a difference of parameters is a number"),
    (ALIKE | {"over": ["diabetes"]}, "claims.it.over: names one data set"),
    (ALIKE | {"at_least": 0.1}, "`at_least` has no meaning for kind alike"),
    (FRONTIER | {"budgets": {"in_overlap": 0}}, "claims.it.budgets: must be {in_overlap: k}"),
    (FRONTIER | {"budgets": {"overlap": 3}}, "claims.it.budgets: must be {in_overlap: k}"),
    (FRONTIER | {"budgets": {"in_overlap": "3"}}, "claims.it.budgets: must be {in_overlap: k}"),
    (FRONTIER | {"budgets": "all"}, "claims.it.budgets: must be a list of costs"),
    (FRONTIER | {"budgets": ["0.5"]}, "claims.it.budgets: must be finite numbers, has 0.5"),
    (
        FRONTIER | {"budgets": [0.5, 1, 1.0]},
        "claims.it.budgets: names a budget twice: [0.5, 1, 1.0]",
    ),
    (_without(FRONTIER, "budgets"), "claims.it.budgets: a claim of kind frontier needs it"),
    (_without(RATIO, "at_most"), "needs at_least or at_most"),
    (BETTER | {"method": "botleneck"}, "did you mean 'bottleneck'?"),
    (BETTER | {"than": "vibe"}, "claims.it.than: unknown method 'vibe'; did you mean 'vib'?"),
    (BETTER | {"than": {"vib": 1}}, "must be a name or a list of names"),
    (BETTER | {"than": ["bottleneck"]}, "is the claim's own method"),
    (GAP | {"reference": "vib"}, "is on another side of the gap"),
    (GAP | {"at_least": 0.0}, "a share of a gap lies above 0"),
    (BETTER | {"metric": "compression"}, "has better: neither"),
    (RISES | {"metric": "compression", "along": "beta", "than": "vib"}, "has better: neither"),
    (BETTER | {"over": ["gausian"]}, "did you mean 'gaussian'?"),
    (BETTER | {"on": "average"}, "must be each, mean or {at_least: k}"),
    (BETTER | {"on": {"at_least": 5}}, "claims.it.on.at_least: must lie between 1 and 4"),
    (BETTER | {"on": {"at_least": 3}, "over": ["heavy", "skewed"]}, "between 1 and 2 data sets"),
    (BETTER | {"on": {"at_least": 0}}, "between 1 and 4"),
    (RATIO | {"on": "mean"}, "a mean over data sets has no meaning for kind ratio"),
    (
        BETTER | {"on": "mean", "metric_for": {"heavy": "information"}},
        "metrics of different units have no mean; `compare: log_ratio` makes one",
    ),
    (BETTER | {"margin": "five"}, "claims.it.margin: 'five' is no amount"),
    (BETTER | {"margin": "1 sd"}, "claims.it.margin: '1 sd' is no amount"),
    (BETTER | {"margin": "0.1", "compare": "log_ratio"}, "it is a share such as 5%"),
    (BETTER | {"margin": "100%"}, "a share lies below 100%"),
    (RATIO | {"at_least": 0.7}, "must be more than at_least (0.7), is 0.5"),
    (RATIO | {"at_most": float("inf")}, "must be a finite number"),
    (BETTER | {"on": "mean"}, "claims.it.on: 'rmse' has no mean over data sets unless its values"),
    (
        BETTER | {"on": "mean", "compare": "log_ratio", "test": "welch"},
        "welch compares two groups of runs",
    ),
    (RISES | {"along": "gamma"}, "claims.it"),
    (CROSSING | {"along": "beeta"}, "unknown swept parameter 'beeta'; did you mean 'beta'?"),
    (CROSSING | {"method": "mse", "along": "beta"}, "unknown swept parameter 'beta'"),
    (CROSSING | {"between": [0.01]}, "must name two values of the axis"),
    (CROSSING | {"between": [0.01, 0.5]}, "0.5 is not on the axis of method 'bottleneck': 0, 0.01"),
    (RISES | {"metric": "rmse"}, "metric 'rmse' has fewer than two values of level"),
    (RISES | {"metric": "fgsm_rmse@0.1"}, "unknown metric 'fgsm_rmse@0.1'"),
    (FIT | {"form": "powerlaw"}, "unknown form 'powerlaw'; did you mean 'power_law'?"),
    (FIT | {"parameter": "slope"}, "claims.it.parameter: unknown parameter 'slope'"),
    (
        FIT | {"along": "beta", "metric": "rmse"},
        "power_law takes logarithms, and beta is 0 or less",
    ),
    (FRONTIER | {"cost": "compresion"}, "claims.it.cost: unknown metric 'compresion'"),
    (FRONTIER | {"budgets": [float("nan")]}, "must be finite numbers"),
]


@pytest.mark.parametrize(("claim", "line"), MISTAKES, ids=[line for _, line in MISTAKES])
def test_a_mistake_is_one_line_with_its_place(
    tmp_path: Path, claim: dict[str, Any], line: str
) -> None:
    with pytest.raises(UserError) as caught:
        write_spec(tmp_path, claims=[COMMON | claim])
    text = str(caught.value)
    assert line in text
    assert "claims.it" in text
    assert "\n" not in text


def test_two_claims_need_two_names(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="this id is used twice"):
        write_spec(tmp_path, claims=[COMMON | BETTER, COMMON | RATIO])


def test_a_fit_needs_as_many_places_as_parameters(tmp_path: Path) -> None:
    metric = {"label": "Loss", "better": "lower", "levels": ["1", "2"]}
    rmse = {"label": "RMSE", "better": "lower", "table": True}
    form = {"form": "power_law_with_constant", "metric": "loss"}
    with pytest.raises(UserError, match="has 3 parameters, so as many values of level are needed"):
        write_spec(
            tmp_path,
            metrics={"rmse": rmse, "loss": metric},
            claims=[COMMON | FIT | form],
            datasets={"gaussian": {"label": "Gaussian"}},
            scales={"small": {"datasets": ["gaussian"], "seeds": 2}},
        )
