"""From trials to jobs: nothing lost, nothing twice, short ones together, the caps kept."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from report_fixtures import made_up_plan

from repro.launch.bundles import BUNDLE_SECONDS, Array, arrays, bundled, grouped
from repro.spec import Resources
from repro.spec.schema import MethodResources
from repro.trial import Setting, Trial

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
