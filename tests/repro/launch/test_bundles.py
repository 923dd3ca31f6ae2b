"""From trials to jobs: nothing lost, nothing twice, short ones together, the caps kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from report_fixtures import made_up_plan

from repro.execution.together import MOST_TOGETHER
from repro.launch.bundles import BUNDLE_SECONDS, Array, arrays, bundled, grouped, shares
from repro.spec import Resources
from repro.spec.schema import MethodResources
from repro.trials.trial import Setting, Trial

HOUR = 3600.0
SETTING = Setting("t", {}, "d", "d", "m", "u", {}, {}, in_table=True)


def trials(number: int) -> list[Trial]:
    return [Trial(SETTING, seed) for seed in range(number)]


@given(
    st.lists(st.floats(0.1, 3 * BUNDLE_SECONDS), min_size=1, max_size=60),
    st.integers(1, 20),
    st.floats(60.0, 24 * HOUR),
)
def test_every_trial_is_in_exactly_one_bundle(
    seconds: list[float], places: int, limit: float
) -> None:
    all_trials = trials(len(seconds))
    bundles = bundled(all_trials, lambda trial: seconds[trial.seed], places, limit)
    assert sorted(t.seed for bundle in bundles for t in bundle) == list(range(len(seconds)))
    assert all(bundles)
    for bundle in bundles:
        expected = [seconds[trial.seed] for trial in bundle]
        # A bundle of several fits into the limit; a trial that does not is alone.
        assert len(bundle) == 1 or sum(expected) < limit
        assert [t.seed for t in bundle] == sorted(t.seed for t in bundle)


def test_long_trials_have_a_job_each() -> None:
    assert len(bundled(trials(7), lambda _: 2 * HOUR, 4, 4 * HOUR)) == 7


def test_short_trials_share_few_jobs() -> None:
    assert len(bundled(trials(10), lambda _: 1.0, 16, HOUR)) == 1
    assert len(bundled(trials(200), lambda _: 1.0, 4, HOUR)) == 4
    assert len(bundled(trials(10_000), lambda _: 6.0, 4, HOUR)) == 100


def test_bundles_take_about_the_same_time() -> None:
    bundles = bundled(trials(40), lambda trial: 1.0 + 5 * (trial.seed % 7), 4, HOUR)
    sums = [sum(1.0 + 5 * (t.seed % 7) for t in bundle) for bundle in bundles]
    assert max(sums) - min(sums) <= 31


@given(st.integers(0, 400), st.integers(1, 50), st.integers(1, 40))
def test_arrays_keep_to_the_cluster_and_to_the_cap(number: int, most: int, parallel: int) -> None:
    bundles = [(trial,) for trial in trials(number)]
    found = arrays(bundles, most, parallel)
    assert [bundle for array in found for bundle in array.bundles] == bundles
    assert all(1 <= len(array.bundles) <= most for array in found)
    assert all(array.throttle >= 1 for array in found)
    at_once = [array for array in found if array.after is None]
    assert sum(array.throttle for array in at_once) <= parallel
    for place, array in enumerate(found):
        if array.after is not None:
            assert array.after < place
            assert array.throttle == found[array.after].throttle


def test_one_array_has_the_whole_cap() -> None:
    bundles = [(trial,) for trial in trials(5)]
    assert arrays(bundles, 1001, 3) == [Array(tuple(bundles), throttle=3)]


def test_trials_that_need_the_same_are_one_group(tmp_path: Path) -> None:
    plan = made_up_plan(tmp_path)
    resources = Resources(gpus=1, memory_gb=8)
    resources.methods = {"mse": MethodResources(gpus=0), "vib": MethodResources(memory_gb=64)}
    groups = grouped(plan.trials, resources)
    assert sum(len(group) for _, group in groups) == len(plan.trials)
    needs = {
        (need.gpus, need.memory_gb): {trial.setting.method for trial in group}
        for need, group in groups
    }
    assert needs[0, 8] == {"mse"}
    assert needs[1, 64] == {"vib"}
    assert needs[1, 8] == {"bottleneck", "nib", "hsic", "released", "symmetric"}


@given(st.lists(st.integers(1, 500), max_size=12), st.integers(1, 40))
def test_groups_share_the_cap(sizes: list[int], places: int) -> None:
    found = shares(sizes, places)
    assert len(found) == len(sizes)
    assert all(share >= 1 for share in found)
    if sizes:
        assert sum(found) == max(places, len(sizes))


def test_a_large_group_has_the_larger_share() -> None:
    assert shares([90, 10], 10) == [9, 1]
    assert shares([5], 8) == [8]
    assert shares([1, 1, 1], 2) == [1, 1, 1]


def of_settings(number: int, seeds: int) -> list[Trial]:
    """Seed by seed, as a plan has them."""
    return [
        Trial(replace(SETTING, use=f"u{place}"), seed)
        for seed in range(seeds)
        for place in range(number)
    ]


def use_of(trial: Trial) -> str:
    return trial.setting.use


def test_seeds_that_run_as_one_are_in_one_bundle() -> None:
    all_trials = of_settings(5, 20)
    bundles = bundled(all_trials, lambda _: 1.0, 8, HOUR, use_of)
    assert sorted(t.trial_id for b in bundles for t in b) == sorted(t.trial_id for t in all_trials)
    assert len(bundles) == 5
    for bundle in bundles:
        assert len({use_of(trial) for trial in bundle}) == 1
    # Without that they are spread as their times ask for.
    assert len(bundled(all_trials, lambda _: 1.0, 8, HOUR)) == 8


def test_more_seeds_than_run_as_one_are_several_units_and_fit_into_a_job() -> None:
    bundles = bundled(of_settings(1, 3 * MOST_TOGETHER), lambda _: 1.0, 3, HOUR, use_of)
    assert [len(bundle) for bundle in bundles] == [MOST_TOGETHER] * 3
    long_ones = bundled(of_settings(1, 20), lambda _: 100.0, 3, HOUR, use_of)
    assert all(len(bundle) * 100.0 <= BUNDLE_SECONDS for bundle in long_ones)
