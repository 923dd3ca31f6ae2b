"""What is measured with ``evaluate: validation``, and that the test fold is then left alone."""

import math
from dataclasses import dataclass, fields, replace

import pytest

from baselines.regression.mse import MeanSquaredError
from baselines.regression.nonlinear import NonlinearBottleneck
from repro.context import RunContext
from repro.errors import UserError
from tasks.regression import BottleneckNoise, Regression, task
from tasks.regression.split import RegressionSplit

EVERYWHERE = Regression(epochs=3, hidden_width=16, bottleneck_width=8)
VALIDATION = replace(EVERYWHERE, evaluate="validation")
TEST_PARTS = ("x_test", "y_test", "noise_free_test")


def _context(directory, dataset="skewed_noise"):
    directory.mkdir(parents=True, exist_ok=True)
    return RunContext("tasks.regression.Regression", dataset, 1000, directory)


class TestFoldReadError(Exception):
    """The test fold was touched."""

    __test__ = False


class SealedSplit(RegressionSplit):
    """A split whose test part cannot be read."""

    def __getattribute__(self, name):
        if name in TEST_PARTS:
            raise TestFoldReadError(name)
        return super().__getattribute__(name)


@pytest.fixture
def sealed(monkeypatch):
    load_split = task.data.load_split

    def load_sealed(dataset, context):
        split = load_split(dataset, context)
        return SealedSplit(**{part.name: getattr(split, part.name) for part in fields(split)})

    monkeypatch.setattr(task.data, "load_split", load_sealed)


@dataclass(frozen=True)
class Exploding:
    """A loss that is not finite."""

    learning_rate: float = 1e-3

    @property
    def noise(self):
        return BottleneckNoise()

    def loss(self, batch):
        return (batch.prediction * float("inf")).sum()


@pytest.mark.parametrize("dataset", ["skewed_noise", "diabetes"])
@pytest.mark.parametrize("method", [MeanSquaredError(), NonlinearBottleneck()])
def test_validation_alone_gives_the_same_numbers(method, dataset, tmp_path):
    everywhere = EVERYWHERE.run(method, _context(tmp_path / "all", dataset))
    alone = VALIDATION.run(method, _context(tmp_path / "validation", dataset))
    assert set(alone) == {"validation_error", "validation_compression"}
    assert alone == {name: everywhere[name] for name in alone}


def test_validation_alone_never_reads_the_test_fold(sealed, tmp_path):
    metrics = VALIDATION.run(MeanSquaredError(), _context(tmp_path))
    assert all(math.isfinite(value) for value in metrics.values())


def test_the_seal_would_notice(sealed, tmp_path):
    with pytest.raises(TestFoldReadError):
        EVERYWHERE.run(MeanSquaredError(), _context(tmp_path))


def test_divergence_is_reported_without_the_test_fold(sealed, tmp_path):
    metrics = VALIDATION.run(Exploding(), _context(tmp_path))
    assert set(metrics) == {"validation_error", "validation_compression"}
    assert all(math.isnan(value) for value in metrics.values())


def test_an_unknown_part_is_named():
    with pytest.raises(UserError, match="evaluate is 'test'; it must be one of all, validation"):
        Regression(evaluate="test")
