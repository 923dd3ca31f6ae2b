"""A cell against the paper's number: every word, when it is said, and what the sentence says."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_fixtures import SPEC, made_up_plan

from repro.cells.aggregate import Aggregate, aggregate
from repro.cells.verdicts import CellVerdict, cell_verdicts, judge, margin_of
from repro.planning.plan import Plan
from repro.spec import Metric, Reported
from repro.trials.store import TrialFolder, TrialRecord

ANY = st.floats(allow_nan=True, allow_infinity=True, width=64)
FINITE = st.floats(allow_nan=False, allow_infinity=False, width=64)

#: mean IoU of RePRI's README, one of its rows: PASCAL-5i, ResNet-50, 1 shot, by fold.
REPRI = {"fold0": "60.2", "fold1": "67.0", "fold2": "61.7", "fold3": "47.5"}
REPRI_SOURCE = "README of mboudiaf/RePRI-for-Few-Shot-Segmentation, PASCAL-5i, ResNet-50, 1 shot"


def number(**changes: Any) -> Reported:
    fields: dict[str, Any] = {
        "dataset": "gaussian",
        "method": "bottleneck",
        "metric": "rmse",
        "value": "59.1",
        "source": "Table 2",
        "n": 5,
        "spread": "0.4",
        "spread_kind": "sd",
        "margin": "1.0",
    }
    return Reported(**fields | changes)


def metric(better: Any = "higher") -> Metric:
    return Metric("mIoU", better, decimals=1)


def spec_at_paper_scale(reported: Sequence[dict[str, Any]], seeds: int = 5) -> dict[str, Any]:
    scales = SPEC["scales"] | {"paper": {"datasets": ["gaussian", "heavy"], "seeds": seeds}}
    return {"scales": scales, "reported": list(reported)}


def judged(plan: Plan, values: Sequence[float | None]) -> dict[tuple[str, str, str], CellVerdict]:
    """Return the verdicts where seed i of every cell measured ``values[i]``; ``None``: missing."""
    return cell_verdicts(plan, data_of(plan, values))


def data_of(plan: Plan, values: Sequence[float | None]) -> Aggregate:
    records = []
    for trial in plan.trials:
        value = values[trial.seed]
        folder = TrialFolder(plan.paths.trials / trial.trial_id)
        metrics = {} if value is None else {"rmse": value}
        state = "missing" if value is None else "done"
        records.append(TrialRecord(trial, folder, state, metrics=metrics))  # type: ignore[arg-type]
    return aggregate(plan, records)


@pytest.mark.parametrize(
    ("values", "better", "word"),
    [
        ([59.0, 59.2, 59.1, 59.3, 58.9], "higher", "reproduced"),
        ([63.0, 63.2, 63.1, 63.3, 62.9], "higher", "exceeds"),
        ([63.0, 63.2, 63.1, 63.3, 62.9], "lower", "falls short"),
        ([55.0, 55.2, 55.1, 55.3, 54.9], "higher", "falls short"),
        ([55.0, 55.2, 55.1, 55.3, 54.9], "lower", "exceeds"),
        ([58.0, 60.2, 59.9, 58.1, 59.9], "higher", "consistent"),
        ([49.0, 69.2, 59.9, 52.1, 65.9], "higher", "inconclusive"),
        ([59.1], "higher", "single run"),
    ],
)
def test_every_word(values: list[float], better: str, word: str) -> None:
    found = judge(values, number(), metric(better))
    assert found.verdict == word
    assert found.margin == pytest.approx(1.05)
    assert (found.interval is None) == (word == "single run")
    assert found.difference == pytest.approx(sum(values) / len(values) - 59.1)


def test_runs_that_do_not_vary_and_equal_the_printed_are_exact() -> None:
    found = judge([59.08] * 3, number(spread="", spread_kind=""), metric())
    assert found.verdict == "exact"
    assert found.sentence == "All 3 runs give one value, which rounds to the printed 59.1."
    assert judge([59.2] * 3, number(spread="", spread_kind=""), metric()).verdict == "consistent"
    assert judge([70.0] * 3, number(spread="", spread_kind=""), metric()).verdict == "inconclusive"
    # The paper's runs vary, so that equality with its mean is no proof of the same computation.
    assert judge([59.1] * 3, number(), metric()).verdict == "reproduced"


def test_no_direction_is_said_where_none_is_better() -> None:
    found = judge([63.0, 63.2, 63.1, 63.3, 62.9], number(), metric("neither"))
    assert found.verdict == "exceeds"
    assert "above by more than the margin" in found.sentence
    assert "Neither direction is better here" in found.sentence


def test_a_sentence_says_difference_interval_margin_and_seeds() -> None:
    open_number = number(margin="0.7", spread="0.01")
    found = judge([58.5, 59.9, 59.6, 58.4, 59.6], open_number, metric(), cap=60)
    assert found.verdict == "consistent"
    assert found.further_seeds is not None
    assert found.sentence.startswith("Ours minus the printed 59.1 is +0.10, 90 % interval -")
    assert "across the margin of ±0.7, plus half of the last printed digit" in found.sentence
    assert f"About {found.further_seeds} new seeds would settle it." in found.sentence


@pytest.mark.parametrize(
    ("changes", "resplit", "cap", "sentence"),
    [
        ({"spread": "0.01"}, 0.0, 4, "More new seeds than the 4 that a second stage may add"),
        ({"spread": "0.4"}, 0.0, 60, "would not settle it: the printed number itself errs"),
        ({"spread": "0.01"}, 0.25, 60, "New seeds would not settle it. It is conditional on this"),
        ({"spread": "", "spread_kind": ""}, 0.0, 60, "The paper prints no spread"),
        ({"spread": "0.01"}, 0.0, 0, ""),
    ],
)
def test_a_sentence_promises_no_seeds_that_a_second_stage_would_refuse(
    changes: dict[str, str], resplit: float, cap: int, sentence: str
) -> None:
    values = [58.5, 59.9, 59.6, 58.4, 59.6]
    found = judge(values, number(margin="0.7", **changes), metric(), resplit, cap)
    assert found.verdict in ("consistent", "inconclusive")
    assert found.further_seeds is None
    assert sentence in found.sentence
    assert "would settle it" not in found.sentence


def test_a_single_run_of_ours_is_placed_among_the_papers() -> None:
    near, far = (judge([value], number(), metric()).sentence for value in (59.9, 70.0))
    assert "within the margin of ±1, plus half of the last printed digit" in near
    assert "inside the 95 % prediction interval" in near
    assert "outside the margin" in far
    assert "outside the 95 % prediction interval" in far


def test_a_single_run_of_the_paper_is_placed_among_ours() -> None:
    single = number(statistic="single run", n=1, spread="", spread_kind="")
    found = judge([58.5, 59.9, 59.6, 58.4, 59.6], single, metric())
    assert found.verdict in ("consistent", "inconclusive")
    assert "The paper's single run lies inside the 95 % prediction interval" in found.sentence
    assert "no more than consistent can be said" in found.sentence
    proved = judge([59.5, 59.4, 59.6, 59.5, 59.3], single, metric())
    assert proved.verdict == "consistent"
    wide = judge([59.5, 59.4, 59.6, 59.5, 59.3], number(**vars(single) | {"margin": "5"}), metric())
    assert wide.verdict == "consistent"


def test_a_best_is_set_against_the_expected_best() -> None:
    best = number(statistic="best", n=3, spread="", spread_kind="")
    found = judge([58.0, 59.0, 60.0], best, metric())
    assert found.difference == pytest.approx(60.0 - 59.1)
    assert "the expected best of 3 runs, estimated from 3" in found.sentence
    few = judge([58.0, 59.0], best, metric())
    assert few.verdict == "not comparable"
    assert "2 of ours cannot say what the best of 3 would be" in few.sentence


def test_without_a_margin_nothing_is_judged_but_the_difference_is_shown() -> None:
    found = judge([59.0, 59.2, 59.4], number(margin=""), metric())
    assert found.verdict == "not comparable"
    assert found.interval is not None
    assert "the spec declares no margin" in found.sentence


def test_the_margin_has_half_a_digit_more() -> None:
    assert margin_of(number(margin="2 digits")) == pytest.approx(0.25)
    assert margin_of(number(margin="2%")) == pytest.approx(0.02 * 59.1 + 0.05)


def test_a_declared_width_makes_a_long_interval_inconclusive() -> None:
    values = [58.0, 60.2, 59.9, 58.1, 59.9]
    assert judge(values, number(), metric()).verdict == "consistent"
    assert judge(values, number(width="0.1"), metric()).verdict == "inconclusive"


def test_resplits_widen_the_interval() -> None:
    values = [58.8, 59.4, 59.1, 59.6, 58.9]
    plain, shared = (judge(values, number(), metric(), resplit) for resplit in (0.0, 0.25))
    assert plain.interval is not None
    assert shared.interval is not None
    assert shared.interval[1] > plain.interval[1]


def test_only_the_papers_own_scale_is_compared(tmp_path: Path) -> None:
    entry = vars(number(value="0.4", margin="0.1"))
    small = made_up_plan(tmp_path, **spec_at_paper_scale([entry]))
    assert judged(small, [0.4] * 5) == {}
    plan = made_up_plan(tmp_path, "paper", **spec_at_paper_scale([entry]))
    found = judged(plan, [0.40, 0.41, 0.39, 0.4, 0.405])
    assert set(found) == {("gaussian", "bottleneck", "rmse")}


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([0.4, 0.4, None, None, 0.4], "3 of 5 runs are there (2 missing)"),
        ([0.4, math.nan, 0.4, 0.4, math.inf], "2 of 5 runs diverged"),
        ([None] * 5, "0 of 5 runs are there (5 missing)"),
    ],
)
def test_a_cell_that_is_not_whole_has_no_verdict(
    tmp_path: Path, values: list[float | None], says: str
) -> None:
    entry = vars(number(value="0.4", margin="0.1"))
    plan = made_up_plan(tmp_path, "paper", **spec_at_paper_scale([entry]))
    (found,) = judged(plan, values).values()
    assert found.verdict == "not comparable"
    assert says in found.sentence
    assert found.interval is None


def test_a_metric_without_a_mean_and_a_set_of_another_scale(tmp_path: Path) -> None:
    entries = [vars(number(dataset=d, value="0.4", margin="0.1")) for d in ("heavy", "diabetes")]
    plan = made_up_plan(tmp_path, "paper", **spec_at_paper_scale(entries))
    heavy, absent = judged(plan, [0.4, 0.5, 0.45, 0.42, 0.4]).values()
    assert "no meaningful mean" in heavy.sentence
    assert "not run at this scale" in absent.sentence


def test_a_number_of_other_data_is_shown_with_its_reason_and_never_judged(tmp_path: Path) -> None:
    reason = "other images: the paper's were not released"
    other = number(spread="", spread_kind="", margin="", not_comparable=reason)
    plan = made_up_plan(tmp_path, "paper", **spec_at_paper_scale([vars(other)]))
    for values in ([59.1] * 5, [59.1, 59.2, 59.0, 59.1, 59.3], [1.0, 2.0, 3.0, 4.0, None]):
        (found,) = judged(plan, values).values()
        assert found.verdict == "not comparable"
        assert found.sentence == f"Not comparable: {reason}."
        assert (found.difference, found.interval, found.margin, found.prospect) == (None,) * 4


def test_repris_readme_against_made_up_runs(tmp_path: Path) -> None:
    """Printed means of 5 runs without a spread: direction and size show, nothing is proved."""
    reported = [
        vars(
            number(
                dataset=fold,
                value=value,
                spread="",
                spread_kind="",
                margin="2%",
                source=REPRI_SOURCE,
                metric="miou",
            )
        )
        for fold, value in REPRI.items()
    ]
    plan = made_up_plan(
        tmp_path,
        "paper",
        metrics={"miou": {"label": "mIoU", "better": "higher", "decimals": 1, "table": True}},
        datasets={fold: {"label": fold} for fold in REPRI},
        scales={"paper": {"datasets": list(REPRI), "seeds": 5}},
        claims=[],
        reported=reported,
    )
    shift = {"fold0": 0.0, "fold1": 0.4, "fold2": -0.6, "fold3": -9.0}
    records = [
        TrialRecord(
            trial,
            TrialFolder(plan.paths.trials / trial.trial_id),
            "done",
            metrics={
                "miou": float(REPRI[trial.setting.dataset])
                + shift[trial.setting.dataset]
                + 0.3 * (trial.seed - 2)
            },
        )
        for trial in plan.trials
    ]
    found = cell_verdicts(plan, aggregate(plan, records))
    words = {key[0]: verdict.verdict for key, verdict in found.items()}
    assert words == {
        "fold0": "consistent",
        "fold1": "consistent",
        "fold2": "consistent",
        "fold3": "inconclusive",
    }
    assert found["fold3", "bottleneck", "miou"].difference == pytest.approx(-9.0)


@settings(deadline=None)
@given(
    st.lists(FINITE, min_size=1, max_size=6),
    st.sampled_from(["59.1", "0", "-1e-3", "6e200"]),
    st.sampled_from(["mean", "median", "best", "single run"]),
    st.sampled_from(["", "0.0", "0.3"]),
    st.sampled_from(["lower", "higher", "neither"]),
    st.sampled_from(["", "0.1", "5%", "1 digit"]),
)
def test_any_finite_values_give_a_verdict(
    values: list[float], printed: str, statistic: str, spread: str, better: str, margin: str
) -> None:
    kind = "sd" if spread and statistic != "single run" else ""
    entry = number(value=printed, statistic=statistic, spread=spread, spread_kind=kind)
    entry.margin = margin if printed != "0" or margin != "5%" else "0.1"
    found = judge(values, entry, metric(better))
    assert found.sentence.endswith(".")
    if len(values) == 1:
        assert found.verdict == "single run"
    if not spread and min(values) == max(values):
        assert found.verdict not in ("reproduced", "exceeds", "falls short")


@pytest.fixture(scope="module")
def three_seeds(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    entry = vars(number(value="0.4", margin="0.1"))
    changes = spec_at_paper_scale([entry], seeds=3)
    return made_up_plan(tmp_path_factory.mktemp("plan"), "paper", **changes)


@settings(deadline=None)
@given(values=st.lists(st.one_of(ANY, st.none()), min_size=3, max_size=3))
def test_any_trials_give_a_verdict(three_seeds: Plan, values: list[float | None]) -> None:
    (found,) = judged(three_seeds, values).values()
    if any(value is None or not math.isfinite(value) for value in values):
        assert found.verdict == "not comparable"
