"""Folds, standardisation and generated sets: what every trial's data must satisfy."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.context import RunContext
from repro.errors import UserError
from tasks.regression.data import (
    RegressionSplit,
    check_dataset,
    data_files,
    known_datasets,
    load_split,
)
from tasks.regression.folds import draw_folds
from tasks.regression.generated import NOISES, noise_free, sample
from tasks.regression.split import Examples, Standardiser, standardise

GENERATED = sorted(NOISES)


def context(directory: Path, dataset: str, seed: int = 0) -> RunContext:
    return RunContext("tasks.regression.Regression", dataset, seed, directory)


def split_of(directory: Path, dataset: str, seed: int = 0) -> RegressionSplit:
    return load_split(dataset, context(directory, dataset, seed))


def raw_targets(split: RegressionSplit, part: str) -> np.ndarray:
    return getattr(split, f"y_{part}") * split.target_scale + split.target_mean


@given(n=st.integers(10, 3000), seed=st.integers(0, 2**64 - 1))
def test_folds_are_disjoint_and_together_every_row(n: int, seed: int) -> None:
    folds = draw_folds(n, "some_set", seed)
    together = np.concatenate([folds.train, folds.validation, folds.test])
    assert sorted(together.tolist()) == list(range(n))
    assert len(folds.test) == round(0.2 * n)
    assert len(folds.validation) == round(0.2 * (n - len(folds.test)))


@given(n=st.integers(10, 500), seeds=st.tuples(st.integers(0, 99), st.integers(100, 199)))
def test_test_fold_is_the_same_for_every_seed(n: int, seeds: tuple[int, int]) -> None:
    first, second = (draw_folds(n, "some_set", seed) for seed in seeds)
    assert first.test.tolist() == second.test.tolist()


def test_the_rest_is_split_anew_by_each_seed_and_the_test_fold_by_each_set() -> None:
    first, second = (draw_folds(400, "some_set", seed) for seed in (1, 2))
    assert set(first.train.tolist()) != set(second.train.tolist())
    assert set(draw_folds(400, "other_set", 1).test.tolist()) != set(first.test.tolist())


def test_the_test_fold_of_diabetes_never_moves() -> None:
    """Pinned: another fold would silently make old and new results incomparable."""
    fold = draw_folds(442, "diabetes", 0).test
    assert len(fold) == 88
    digest = hashlib.sha256(np.sort(fold).astype("<i8").tobytes()).hexdigest()
    assert digest == "2ce0b9f9dda70dc6b49e8ba6aa4bd14aad301b8bce291d27f531576ea8c5a80e"


def test_generated_sets_never_move() -> None:
    drawn = sample("heavy_tailed_noise", 3, seed=7)
    np.testing.assert_allclose(
        drawn.y, [1.228925656566945, -0.4545001305251249, 1.5548787474753765], rtol=1e-12
    )


@pytest.mark.parametrize("dataset", ["diabetes", *GENERATED])
def test_same_trial_same_data(tmp_path: Path, dataset: str) -> None:
    first, second = (split_of(tmp_path, dataset, 3) for _ in range(2))
    for part in ("x_train", "y_train", "x_validation", "y_validation", "x_test", "y_test"):
        assert getattr(first, part).tobytes() == getattr(second, part).tobytes()


@pytest.mark.parametrize("dataset", ["diabetes", *GENERATED])
def test_test_part_is_the_same_for_every_trial(tmp_path: Path, dataset: str) -> None:
    first, second = (split_of(tmp_path, dataset, seed) for seed in (0, 1))
    tolerance = 1e-5 * np.abs(raw_targets(first, "test")).max()
    np.testing.assert_allclose(
        raw_targets(first, "test"), raw_targets(second, "test"), atol=tolerance
    )
    assert first.x_train.tobytes() != second.x_train.tobytes()


@pytest.mark.parametrize("dataset", ["diabetes", *GENERATED])
def test_training_part_has_mean_zero_and_deviation_one(tmp_path: Path, dataset: str) -> None:
    split = split_of(tmp_path, dataset)
    np.testing.assert_allclose(split.x_train.mean(0, dtype=np.float64), 0, atol=1e-6)
    np.testing.assert_allclose(split.x_train.std(0, dtype=np.float64), 1, atol=1e-5)
    np.testing.assert_allclose(split.y_train.std(dtype=np.float64), 1, atol=1e-5)
    assert split.x_train.dtype == split.y_test.dtype == np.float32
    assert split.y_train.shape == (split.n_train, 1)
    assert split.input_shape == split.x_test.shape[1:]


@given(shift=st.floats(-100, 100), scale=st.floats(0.1, 100))
def test_validation_and_test_values_do_not_reach_the_statistics(shift: float, scale: float) -> None:
    random = np.random.default_rng(0)
    train, held_out = (Examples(random.normal(size=(30, 3)), random.normal(size=30)) for _ in "ab")
    changed = Examples(held_out.x * scale + shift, held_out.y * scale + shift)
    before = standardise(train, held_out, held_out, held_out.y)
    after = standardise(train, changed, changed, changed.y)
    assert before.x_train.tobytes() == after.x_train.tobytes()
    assert before.y_train.tobytes() == after.y_train.tobytes()
    assert (before.target_mean, before.target_scale) == (after.target_mean, after.target_scale)


def test_constant_columns_keep_their_scale() -> None:
    values = np.column_stack([np.full(1000, 0.1), np.arange(1000.0)])
    fitted = Standardiser.fit(values)
    assert fitted.scale[0, 0] == 1
    np.testing.assert_allclose(fitted.apply(np.array([[1.1, 0.0]]))[0, 0], 1, rtol=1e-6)


def test_large_offsets_keep_their_precision() -> None:
    """Years as seconds: float32 alone would merge neighbouring rows."""
    seconds = 1.6e9 + np.arange(100.0)[:, None]
    assert len(np.unique(Standardiser.fit(seconds).apply(seconds))) == 100


def test_images_are_standardised_per_channel() -> None:
    images = np.random.default_rng(0).integers(0, 256, (20, 3, 4, 4)).astype(np.uint8)
    images[:, 1] //= 4
    standard = Standardiser.fit(images).apply(images)
    assert standard.dtype == np.float32
    np.testing.assert_allclose(standard.mean((0, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(standard.std((0, 2, 3)), 1, atol=1e-5)


@pytest.mark.parametrize("dataset", GENERATED)
def test_noise_free_targets_are_the_function_of_the_test_inputs(
    tmp_path: Path, dataset: str
) -> None:
    split = split_of(tmp_path, dataset)
    assert split.noise_free_test is not None
    assert split.noise_free_test.shape == split.y_test.shape == (2000, 1)
    drawn = load_raw_test(dataset)
    known = split.noise_free_test * split.target_scale + split.target_mean
    np.testing.assert_allclose(known[:, 0], noise_free(drawn.x), atol=1e-4)


def load_raw_test(dataset: str) -> Examples:
    from tasks.regression.folds import dataset_seed

    return sample(dataset, 2000, dataset_seed(dataset, "test set"))


def test_noise_free_function_by_hand() -> None:
    x = np.array([[np.pi / 4, 2.0, 3.0, 4.0, 9.0, 9.0, 9.0, 9.0]])
    np.testing.assert_allclose(noise_free(x), [1 + 6 + 2])


def test_noises_are_what_their_names_say() -> None:
    from scipy import stats

    residual = {}
    for dataset in GENERATED:
        drawn = sample(dataset, 20_000, seed=1)
        residual[dataset] = drawn.y - noise_free(drawn.x)
    expected = {
        "gaussian_noise": stats.norm(scale=0.3),
        "skewed_noise": stats.expon(loc=-1),
        "heavy_tailed_noise": stats.t(1.5),
    }
    for dataset, law in expected.items():
        assert stats.kstest(residual[dataset], law.cdf).pvalue > 0.01


def test_diabetes_is_the_table_of_scikit_learn(tmp_path: Path) -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    from tasks.regression.tables import DIABETES, parse_diabetes

    x, y = datasets.load_diabetes(return_X_y=True, scaled=False)
    ours = parse_diabetes(*(file.locate() for file in DIABETES))
    np.testing.assert_array_equal(ours.x, x)
    np.testing.assert_array_equal(ours.y, y)


def test_missing_scikit_learn_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    from tasks.regression import tables
    from tasks.tables import bundled

    monkeypatch.setattr(bundled.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="scikit-learn, which is not installed"):
        tables.DIABETES[0].locate()


def test_names_and_files() -> None:
    assert {"diabetes", "beijing_pm25", "utk_face", *GENERATED} <= set(known_datasets())
    assert [file.name for file in data_files("california_housing")] == ["cal.housing.arff"]
    assert len(data_files("rotated_mnist")) == 2
    assert data_files("diabetes") == data_files("utk_face") == data_files("skewed_noise") == ()
    for dataset in known_datasets():
        for file in data_files(dataset):
            assert file.sha256 is not None
            assert len(file.sha256) == 64
            assert file.licence
            assert file.source
            assert all(url.startswith("https://") for url in file.urls)


@pytest.mark.parametrize("use", [data_files, check_dataset])
def test_unknown_name_is_met_with_the_nearest(use: object) -> None:
    with pytest.raises(UserError, match="did you mean 'diabetes'"):
        use("diabets")  # type: ignore[operator]


def test_offline_and_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFLINE", "1")
    monkeypatch.setenv("REPRO_DATA", str(tmp_path))
    monkeypatch.setenv("KLAIM_CACHE", str(tmp_path / "cache"))
    with pytest.raises(UserError, match=r"cal\.housing\.arff is not on this machine"):
        split_of(tmp_path, "california_housing")


def test_wrong_bytes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFLINE", "1")
    monkeypatch.setenv("REPRO_DATA", str(tmp_path))
    monkeypatch.setenv("KLAIM_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cal.housing.arff").write_text("@data\n1,2,3\n")
    with pytest.raises(UserError, match="damaged or another version"):
        split_of(tmp_path, "california_housing")
