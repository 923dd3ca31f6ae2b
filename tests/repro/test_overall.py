"""Overall statistics and profiles: against brute force, with holes, and with anything at all."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_fixtures import COMMENSURABLE, SPEC, made_up_plan, metrics_of
from scipy import stats

from repro.cells.aggregate import Aggregate, aggregate
from repro.cells.overall import overall
from repro.cells.overall_row import OverallRow
from repro.cells.profiles import profile
from repro.errors import UserError
from repro.planning.plan import Plan, Selection, make_plan
from repro.statistics import friedman, least_friedman_p, least_pair_p
from repro.trials.store import TrialFolder, TrialRecord
from repro.trials.trial import Trial

SETS = ["gaussian", "skewed"]
METHODS = {key: SPEC["methods"][key] for key in ("bottleneck", "mse", "nib")}
STATISTICS = ("mean", "median", "interquartile_mean", "probability_of_improvement")

Value = Callable[[Trial], float | None]


def entries(**changes: Any) -> list[dict[str, Any]]:
    made = [
        {"id": name, "metric": "rmse", "statistic": name, "datasets": SETS} | changes
        for name in STATISTICS
    ]
    made[-1]["relative_to"] = "mse"
    return made


def plan_with(folder: Path, overall: list[dict[str, Any]], seeds: int = 5) -> Plan:
    scales = {"small": {"datasets": [*SETS, "heavy"], "seeds": seeds}}
    methods = {key: {k: v for k, v in m.items() if k != "params"} for key, m in METHODS.items()}
    changes = {"methods": methods, "scales": scales, "metrics": COMMENSURABLE}
    return made_up_plan(folder, overall=overall, claims=[], **changes)


def data_of(plan: Plan, value: Value) -> Aggregate:
    records = []
    for trial in plan.trials:
        folder = TrialFolder(plan.paths.trials / trial.trial_id)
        found = value(trial)
        if found is None:
            records.append(TrialRecord(trial, folder, "failed"))
        else:
            records.append(TrialRecord(trial, folder, "done", metrics={"rmse": found}))
    return aggregate(plan, records)


def made_up(trial: Trial) -> float:
    random = np.random.default_rng([trial.seed, len(trial.setting.method)])
    return metrics_of(trial, random)["rmse"]


def rows_of(plan: Plan, value: Value) -> dict[tuple[str, str], OverallRow]:
    return {(row.id, row.method): row for row in overall(plan, data_of(plan, value))}


def runs_of(plan: Plan, method: str) -> list[list[float]]:
    return [
        [
            made_up(trial)
            for trial in plan.trials
            if (trial.setting.dataset, trial.setting.method) == (dataset, method)
        ]
        for dataset in SETS
    ]


def test_every_statistic_by_hand(tmp_path: Path) -> None:
    plan = plan_with(tmp_path, entries())
    rows = rows_of(plan, made_up)
    ours, theirs = runs_of(plan, "bottleneck"), runs_of(plan, "mse")
    pooled = [value for runs in ours for value in runs]
    expected = {
        "mean": np.mean([np.mean(runs) for runs in ours]),
        "median": np.median(pooled),
        "interquartile_mean": stats.trim_mean(pooled, 0.25),
        "probability_of_improvement": 1
        - np.mean(
            [
                stats.mannwhitneyu(a, b).statistic / (len(a) * len(b))
                for a, b in zip(ours, theirs, strict=True)
            ]
        ),
    }
    for name, value in expected.items():
        row = rows[name, "bottleneck"]
        assert row.value == pytest.approx(value)
        assert row.note == ""
        if row.interval is None:
            assert row.value in (0.0, 1.0)
            continue
        assert row.interval[0] <= value <= row.interval[1]
        assert (row.draws, row.seed) == ((0, None) if name == "mean" else (4000, 0))
    # The rival is not set against itself.
    assert ("probability_of_improvement", "mse") not in rows
    assert ("mean", "mse") in rows


def test_log_ratios_to_a_reference(tmp_path: Path) -> None:
    plan = plan_with(tmp_path, entries(relative_to="mse")[:3])
    rows = rows_of(plan, made_up)
    ours, theirs = runs_of(plan, "bottleneck"), runs_of(plan, "mse")
    ratios = [np.log(a) - np.log(np.mean(b)) for a, b in zip(ours, theirs, strict=True)]
    assert rows["mean", "bottleneck"].value == pytest.approx(np.mean(ratios))
    assert rows["median", "bottleneck"].value == pytest.approx(np.median(np.concatenate(ratios)))
    assert rows["mean", "bottleneck"].rival == "mse"
    assert all(row.interval is not None for row in rows.values())


@pytest.mark.parametrize("bad", [0.0, -1.0])
def test_log_ratios_need_positive_values(tmp_path: Path, bad: float) -> None:
    plan = plan_with(tmp_path, entries(relative_to="mse")[:3])
    rows = rows_of(plan, lambda t: bad if (t.setting.method, t.seed) == ("nib", 2) else made_up(t))
    assert rows["mean", "nib"].value is None
    assert rows["mean", "nib"].note == "log ratios need positive values"
    assert rows["mean", "bottleneck"].value is not None


def test_a_diverged_run_has_no_mean_and_is_the_worst_elsewhere(tmp_path: Path) -> None:
    def value(trial: Trial) -> float:
        return math.nan if (trial.setting.method, trial.seed) == ("nib", 1) else made_up(trial)

    plan = plan_with(tmp_path, entries())
    whole, holed = rows_of(plan, made_up), rows_of(plan, value)
    assert holed["mean", "nib"].value is None
    assert "2 runs diverged" in holed["mean", "nib"].note
    for name in ("median", "interquartile_mean"):
        before, after = whole[name, "nib"].value, holed[name, "nib"].value
        assert before is not None
        assert after is not None
        assert after >= before
    before = whole["probability_of_improvement", "nib"].value
    after = holed["probability_of_improvement", "nib"].value
    assert before is not None
    assert after is not None
    assert after <= before


def test_a_method_with_a_failed_run_has_no_value(tmp_path: Path) -> None:
    plan = plan_with(tmp_path, entries())

    def value(trial: Trial) -> float | None:
        gone = (trial.setting.dataset, trial.setting.method, trial.seed) == ("skewed", "nib", 0)
        return None if gone else made_up(trial)

    rows = rows_of(plan, value)
    for name in STATISTICS:
        row = rows[name, "nib"]
        assert (row.value, row.interval) == (None, None)
        assert row.note == "4 of 5 runs on Skewed noise"
    assert rows["mean", "bottleneck"] == rows_of(plan, made_up)["mean", "bottleneck"]


def test_a_data_set_without_runs_leaves_nothing_to_compare(tmp_path: Path) -> None:
    plan = plan_with(tmp_path, entries())
    rows = rows_of(
        plan,
        lambda t: (
            None if (t.setting.dataset, t.setting.method) == ("skewed", "nib") else made_up(t)
        ),
    )
    assert rows["mean", "nib"].value is None
    assert "no finished run on Skewed noise" in rows["mean", "nib"].note
    assert rows["mean", "bottleneck"].value is not None


def test_a_set_without_a_meaningful_mean_is_left_out(tmp_path: Path) -> None:
    plan = plan_with(tmp_path, entries(datasets=None)[:1])
    row = rows_of(plan, made_up)["mean", "nib"]
    assert row.value == pytest.approx(np.mean([np.mean(runs) for runs in runs_of(plan, "nib")]))
    assert "Heavy tails has no comparable value" in row.note


def test_one_seed_has_values_and_no_intervals(tmp_path: Path) -> None:
    rows = rows_of(plan_with(tmp_path, entries(), seeds=1), made_up)
    assert all(row.value is not None and row.interval is None for row in rows.values())
    assert all("single run" in row.note for row in rows.values())


def test_runs_that_do_not_vary_have_no_interval(tmp_path: Path) -> None:
    rows = rows_of(plan_with(tmp_path, entries()), lambda trial: 0.5)
    assert all(row.interval is None and row.note for row in rows.values())
    assert rows["probability_of_improvement", "nib"].value == 0.5


def test_a_partial_selection_is_marked(tmp_path: Path) -> None:
    whole = plan_with(tmp_path, entries())
    plan = make_plan(whole.spec, "small", tmp_path / "results", Selection(seeds=3))
    rows = rows_of(plan, made_up)
    assert rows
    for row in rows.values():
        assert (row.value, row.interval) == (None, None)
        assert row.note == "a partial selection was run"


def test_a_profile_counts_runs(tmp_path: Path) -> None:
    plan = plan_with(tmp_path, [])
    curves = profile(plan, data_of(plan, made_up), "rmse", datasets=SETS)
    assert set(curves) == set(METHODS)
    runs = runs_of(plan, "nib")
    for point in curves["nib"]:
        share = np.mean([np.mean(np.array(one) < point.threshold) for one in runs])
        assert point.share == pytest.approx(share)
        assert 0 <= point.low <= point.share <= point.high <= 1
        assert point.low < point.high
    shares = [point.share for point in curves["nib"]]
    assert shares == sorted(shares)


def test_a_profile_of_log_ratios_and_of_diverged_runs(tmp_path: Path) -> None:
    plan = plan_with(tmp_path, [])
    data = data_of(plan, lambda t: math.inf if t.setting.method == "nib" else made_up(t))
    curves = profile(plan, data, "rmse", datasets=SETS, relative_to="mse")
    assert {point.share for point in curves["nib"]} == {0.0}
    assert curves["bottleneck"][0].threshold < 0 < curves["bottleneck"][-1].threshold
    assert profile(plan, data_of(plan, lambda _: math.nan), "rmse", datasets=SETS) == {}
    assert profile(plan, data_of(plan, lambda _: None), "rmse", datasets=SETS) == {}


ANY = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True, width=64))


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "log"])
def three_seeds(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Plan:
    chosen = entries(relative_to="mse") if request.param else entries()
    return plan_with(tmp_path_factory.mktemp("plan"), chosen, seeds=3)


@settings(max_examples=25, deadline=None)
@given(values=st.lists(ANY, min_size=18, max_size=18))
def test_any_trials_give_rows(three_seeds: Plan, values: list[float | None]) -> None:
    found = dict(zip((trial.trial_id for trial in three_seeds.trials), values, strict=False))
    data = data_of(three_seeds, lambda trial: found.get(trial.trial_id))
    for row in overall(three_seeds, data):
        assert row.value is None or math.isfinite(row.value)
        if row.interval is not None:
            assert all(map(math.isfinite, row.interval))
        assert row.value is not None or row.note
    for curve in profile(three_seeds, data, "rmse", datasets=SETS).values():
        assert all(0 <= point.low <= point.high <= 1 for point in curve)


RANKS = {"id": "ranks", "metric": "rmse", "statistic": "mean_rank"}


def many_sets(
    folder: Path,
    sets: int = 8,
    seeds: int = 2,
    not_compared: int = 0,
    methods: dict[str, dict[str, Any]] | None = None,
) -> Plan:
    """Return a plan of three methods on ``sets`` data sets, which a ranking can tell apart.

    ``not_compared``  how many of the data sets have no meaningful error
    """
    names = [f"set{index}" for index in range(sets)]
    scales = {"small": {"datasets": names, "seeds": seeds}}
    three = {key: {k: v for k, v in m.items() if k != "params"} for key, m in METHODS.items()}
    without = {name: {"not_compared": ["rmse"]} for name in names[:not_compared]}
    return made_up_plan(
        folder,
        overall=[RANKS],
        claims=[],
        methods=methods or three,
        scales=scales,
        datasets={name: {"label": name} | without.get(name, {}) for name in names},
    )


def test_mean_ranks_by_hand_and_by_scipy(tmp_path: Path) -> None:
    plan = many_sets(tmp_path)
    base = {"bottleneck": 1.0, "mse": 2.0, "nib": 2.0}

    def value(trial: Trial) -> float:
        # On odd data sets mse beats nib, on even ones the other way round; bottleneck beats both.
        odd = int(trial.setting.dataset.removeprefix("set")) % 2
        tilt = {"mse": -0.1 * odd, "nib": 0.1 * odd - 0.05}.get(trial.setting.method, 0.0)
        return base[trial.setting.method] + tilt + 0.001 * trial.seed

    rows = {method: row for (_, method), row in rows_of(plan, value).items()}
    assert [rows[name].value for name in ("bottleneck", "mse", "nib")] == [1.0, 2.5, 2.5]
    scores = [[value(t) for t in plan.trials if t.setting.method == m] for m in base]
    means = [np.array(one).reshape(2, 8).mean(axis=0) for one in scores]
    assert rows["nib"].p == pytest.approx(stats.friedmanchisquare(*means).pvalue)
    assert rows["bottleneck"].note == "differs significantly from MSE, NIB"
    assert rows["nib"].note == "differs significantly from CS-IB"


def test_ranks_of_ties_tell_no_method_apart(tmp_path: Path) -> None:
    rows = rows_of(many_sets(tmp_path), lambda _: 1.0)
    assert {row.value for row in rows.values()} == {2.0}
    assert {row.note for row in rows.values()} == {"no method differs significantly"}


def test_one_missing_run_leaves_no_ranking_and_a_diverged_one_is_worst(tmp_path: Path) -> None:
    plan = many_sets(tmp_path)

    def first_of_nib(trial: Trial) -> bool:
        return (trial.setting.dataset, trial.setting.method, trial.seed) == ("set0", "nib", 0)

    missing = rows_of(plan, lambda t: None if first_of_nib(t) else made_up(t))
    assert all(row.value is None for row in missing.values())
    assert {row.note for row in missing.values()} == {"NIB: 1 of 2 runs on set0"}
    alike = rows_of(plan, lambda _: 1.0)["ranks", "nib"].value
    worst = rows_of(plan, lambda t: math.nan if first_of_nib(t) else 1.0)["ranks", "nib"].value
    assert alike == 2.0
    assert worst == pytest.approx((7 * 2.0 + 3.0) / 8)


def test_a_scale_with_too_few_data_sets_says_that_it_decides_nothing(tmp_path: Path) -> None:
    whole = many_sets(tmp_path)
    whole.spec.scales["smoke"] = type(whole.scale)(datasets=["set0", "set1"], seeds=2)
    plan = make_plan(whole.spec, "smoke", tmp_path / "results", Selection())
    rows = rows_of(plan, made_up)
    expected = "2 data sets are too few for any ranking to be significant"
    assert {row.note for row in rows.values()} == {expected}


def test_a_ranking_that_no_scale_could_decide_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be significant"):
        many_sets(tmp_path, sets=2)


def test_pairs_that_no_ranks_could_tell_apart_are_refused(tmp_path: Path) -> None:
    """Nine methods on two data sets: Friedman's test can be significant, and no pair can."""
    names = [f"m{place}" for place in range(9)]
    methods = {
        name: {"use": f"made_up.{name.upper()}", "role": "baseline", "label": name.upper()}
        for name in names
    }
    methods["m0"]["role"] = "method"
    plan = many_sets(tmp_path, sets=2, methods=methods)
    rows = rows_of(plan, lambda trial: float(trial.setting.method[1:]))
    p = {row.p for row in rows.values()}
    assert p == {least_friedman_p(9, 2)}
    assert max(p) < 0.05 < least_pair_p(9, 2)
    assert {row.note for row in rows.values()} == {
        f"2 data sets are too few to tell methods apart: the least p of a pair, after Holm over "
        f"36 pairs, is {least_pair_p(9, 2):.3g}"
    }


@pytest.mark.parametrize(("methods", "blocks"), [(3, 3), (4, 8), (9, 2)])
def test_the_least_p_of_a_pair_is_that_of_unanimous_ranks(methods: int, blocks: int) -> None:
    scores = {f"m{place}": np.full(blocks, float(place)) for place in range(methods)}
    pairs = friedman(scores).pairs
    assert least_pair_p(methods, blocks) == pytest.approx(min(pairs.values()))
    assert min(pairs, key=lambda pair: pairs[pair]) == ("m0", f"m{methods - 1}")


def test_data_sets_without_a_meaningful_value_do_not_count_for_a_ranking(tmp_path: Path) -> None:
    """Of four data sets, two are comparable: no ranking over them could be significant."""
    assert many_sets(tmp_path / "all", sets=4)
    with pytest.raises(UserError, match="3 methods over 2 data sets cannot be significant"):
        many_sets(tmp_path / "two", sets=4, not_compared=2)


def test_methods_that_lack_different_data_sets_are_not_ranked(tmp_path: Path) -> None:
    plan = many_sets(tmp_path)
    data = data_of(plan, made_up)
    lost = {("set0", "bottleneck"), ("set1", "mse"), ("set2", "nib")}
    cells = {key: cell for key, cell in data.cells.items() if key[:2] not in lost}
    rows = overall(plan, replace(data, cells=cells))
    assert {row.value for row in rows} == {None}
    assert {row.note for row in rows} == {
        "the methods have comparable values on different data sets"
    }


@pytest.fixture(scope="module", params=[1, 3], ids=["one seed", "three seeds"])
def ranked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return many_sets(tmp_path_factory.mktemp("ranks"), sets=8, seeds=request.param)


#: What ranks may be made of: like values, values of any size, and a method that leads or does not.
SHAPES = st.tuples(
    st.integers(0, 2**32),
    st.sampled_from([0.0, 0.1, 1.0, 1e-300, 1e300]),
    st.sampled_from([0.0, 1.0, 5.0]),
    st.sampled_from([0, 0, 1, 5]),
)


@settings(max_examples=60, deadline=None)
@given(shape=SHAPES, data=st.data())
def test_any_trials_give_ranks_or_a_reason(
    ranked: Plan, shape: tuple[int, float, float, int], data: st.DataObject
) -> None:
    """Alike, not finite, missing on a data set or in a seed: what differs is beyond chance."""
    seed, noise, lead, broken = shape
    random = np.random.default_rng(seed)
    found: dict[str, float | None] = {
        trial.trial_id: noise * random.normal() - lead * (trial.setting.method == "bottleneck")
        for trial in ranked.trials
    }
    for name in random.permutation(sorted(found))[:broken]:
        found[str(name)] = data.draw(ANY)
    rows = rows_of(ranked, lambda trial: found[trial.trial_id])
    assert len(rows) == 3
    for row in rows.values():
        assert row.note
        assert (row.value is None) == (row.p is None) == (None in found.values())
    if None in found.values():
        assert not any("differs significantly" in row.note for row in rows.values())
        return
    means = [row.value for row in rows.values() if row.value is not None]
    assert sum(means) == pytest.approx(6.0)
    assert all(1 <= mean <= 3 for mean in means)
    for row in rows.values():
        assert row.p is not None
        if row.p > 0.05:
            assert row.note == "no method differs significantly"


@settings(max_examples=40, deadline=None)
@given(shape=SHAPES, value=ANY)
def test_methods_that_always_give_the_same_never_differ(
    ranked: Plan, shape: tuple[int, float, float, int], value: float | None
) -> None:
    """Two share every value, diverged ones too; the third may lead or trail."""
    seed, noise, lead, broken = shape
    random = np.random.default_rng(seed)
    shared = {(t.setting.dataset, t.seed): noise * random.normal() for t in ranked.trials}
    for place in sorted(shared)[:broken]:
        shared[place] = math.nan if value is None else value

    def of(trial: Trial) -> float:
        same = shared[trial.setting.dataset, trial.seed]
        return same - lead if trial.setting.method == "bottleneck" else same

    notes = {method: row.note for (_, method), row in rows_of(ranked, of).items()}
    assert "NIB" not in notes["mse"]
    assert "MSE" not in notes["nib"]
    if lead == 0:
        assert set(notes.values()) == {"no method differs significantly"}
