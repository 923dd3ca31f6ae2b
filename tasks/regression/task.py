"""The task: regression with one network, in which methods differ by their loss alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Literal, get_args

import numpy as np
import torch
from torch import Generator, Tensor

from repro.context import RunContext
from repro.data import DataFile
from repro.errors import UserError
from tasks.regression import data
from tasks.regression.data import RegressionSplit
from tasks.regression.metrics import AttackBudgets, TestFold, compression_of, evaluate, metric_names
from tasks.regression.network import BottleneckNetwork, build_network
from tasks.regression.protocol import RegressionMethod
from tasks.regression.training import SMALLEST_BATCH, Fold, Training

#: Sets whose target has no variance: there a validation RMSE is decided by one or two points, so
#: the epoch is chosen by mean absolute error, for every method alike.
CHOSEN_BY_ABSOLUTE_ERROR = frozenset({"heavy_tailed_noise"})

#: Which parts of the data the trained network is measured on.
Evaluation = Literal["all", "validation"]

#: What pilots and tuning may look at: nothing here comes from the test fold.
VALIDATION_METRICS = ("validation_error", "validation_compression")


@dataclass(frozen=True)
class Regression:
    """Deep regression through a bottleneck.

    A method offers ``loss(batch)``, ``noise`` and ``learning_rate`` (see
    :class:`~tasks.regression.protocol.RegressionMethod`); network, initial weights, order of the
    batches, optimiser (Adam) and number of epochs are the same for all. The epoch is chosen by
    validation RMSE, never on test data. Noise in the bottleneck is for training alone: predictions
    and attacks use its mean.

    ``epochs``             passes over the training part
    ``batch_size``         rows per step; a last batch of fewer than 16 is left out
    ``hidden_width``       h of the encoder d-h-h-k, k-k and of the decoder k-h-1
    ``bottleneck_width``   k
    ``fgsm_budgets``, ``pgd_budgets``  L∞ radii in standard deviations of the inputs
    ``pgd_steps``          steps of projected gradient, each a quarter of the radius
    ``learning_rate``      one rate for every method, in place of the methods' own
    ``evaluate``           ``validation`` leaves the test fold alone: for pilots and tuning

    Metrics: ``rmse``, ``mae`` (test, in the target's units), ``rmse_noise_free`` (against the
    known function; generated sets only), ``fgsm_rmse@…``, ``pgd_rmse@…``, ``information`` (bits),
    ``compression`` (normalised CS-QMI), and on validation data ``validation_error`` (what the epoch
    was chosen by) and ``validation_compression``; these two alone where ``evaluate`` is
    ``validation``. A trial that diverges has ``nan`` for all.
    """

    epochs: int = 100
    batch_size: int = 128
    hidden_width: int = 64
    bottleneck_width: int = 32
    fgsm_budgets: Sequence[float] = (0.05, 0.1, 0.2, 0.3)
    pgd_budgets: Sequence[float] = (0.1,)
    pgd_steps: int = 10
    learning_rate: float | None = None
    evaluate: Evaluation = "all"

    def __post_init__(self) -> None:
        for setting in fields(self):
            if setting.name != "evaluate":
                _require_positive(setting.name, getattr(self, setting.name))
        if self.evaluate not in get_args(Evaluation):
            raise UserError(
                f"tasks.regression.Regression: evaluate is {self.evaluate!r}; "
                f"it must be one of {', '.join(get_args(Evaluation))}"
            )
        if self.batch_size < SMALLEST_BATCH:
            raise UserError(
                f"tasks.regression.Regression: batch_size is {self.batch_size}, but a kernel "
                f"estimate needs at least {SMALLEST_BATCH} points; choose a larger batch"
            )

    @staticmethod
    def known_datasets() -> tuple[str, ...]:
        """Return the names of the data sets; ``file:<path>`` stands for a user's own."""
        return data.known_datasets()

    @staticmethod
    def check_dataset(dataset: str) -> None:
        """Raise ``UserError`` where a name is unknown or a user's file cannot be used."""
        data.check_dataset(dataset)

    @staticmethod
    def data_files(dataset: str) -> tuple[DataFile, ...]:
        """Return the files that ``dataset`` needs; none for bundled and generated sets."""
        return data.data_files(dataset)

    def run(self, method: RegressionMethod, context: RunContext) -> dict[str, float]:
        """Train ``method`` on ``context.dataset`` and return its metrics."""
        split = data.load_split(context.dataset, context)
        self._require_enough(split, context.dataset)
        training = self._training(method, split, context)
        training.run(context)
        context.record(
            parameters=sum(weight.numel() for weight in training.network.parameters()),
            samples_seen=training.samples_seen,
        )
        if training.diverged:
            return self._diverged(split)
        on_test = self._on_test_fold(training, split, context) if self.evaluate == "all" else {}
        return {**on_test, **_on_validation_data(training, split, context)}

    def _training(
        self, method: RegressionMethod, split: RegressionSplit, context: RunContext
    ) -> Training:
        return Training(
            network=self._network(method, split, context),
            method=method,
            train=_fold(split.x_train, split.y_train, context.device),
            validation=_fold(split.x_validation, split.y_validation, context.device),
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate or method.learning_rate,
            absolute=context.dataset in CHOSEN_BY_ABSOLUTE_ERROR,
            batch_order=_generator(context, "batches", "cpu"),
            noise=_generator(context, "noise", context.device),
        )

    def _network(
        self, method: RegressionMethod, split: RegressionSplit, context: RunContext
    ) -> BottleneckNetwork:
        shape = tuple(split.x_train.shape[1:])
        network = build_network(
            shape, self.hidden_width, self.bottleneck_width, method.noise, context.seed("init")
        )
        return network.to(context.device)

    def _on_test_fold(
        self, training: Training, split: RegressionSplit, context: RunContext
    ) -> dict[str, float]:
        test = _test_fold(split, context.device)
        noise = _generator(context, "evaluation_noise", context.device)
        return evaluate(training.network, test, self._budgets(), noise)

    def _budgets(self) -> AttackBudgets:
        return AttackBudgets(self.fgsm_budgets, self.pgd_budgets, self.pgd_steps)

    def _diverged(self, split: RegressionSplit) -> dict[str, float]:
        names = list(VALIDATION_METRICS)
        if self.evaluate == "all":
            known = split.noise_free_test is not None
            names += metric_names(self._budgets(), noise_free=known)
        return dict.fromkeys(names, math.nan)

    def _require_enough(self, split: RegressionSplit, dataset: str) -> None:
        if len(split.x_train) < SMALLEST_BATCH:
            raise UserError(
                f"{dataset}: {len(split.x_train)} rows are left for training, but one batch needs "
                f"at least {SMALLEST_BATCH}; give a larger table"
            )


def _require_positive(name: str, value: float | Sequence[float] | None) -> None:
    if value is None:
        return
    values = value if isinstance(value, Sequence) else [value]
    if any(not number > 0 for number in values):
        raise UserError(f"tasks.regression.Regression: {name} is {value}; it must be above 0")


def _generator(context: RunContext, axis: str, device: str) -> Generator:
    return Generator(device=device).manual_seed(context.seed(axis))


def _on_validation_data(
    training: Training, split: RegressionSplit, context: RunContext
) -> dict[str, float]:
    noise = _generator(context, "validation_noise", context.device)
    error = training.best_error * split.target_scale
    compression = compression_of(training.network, training.validation.x, noise)
    return dict(zip(VALIDATION_METRICS, (error, compression), strict=True))


def _fold(x: np.ndarray, y: np.ndarray, device: str) -> Fold:
    return Fold(_tensor(x, device), _tensor(y, device))


def _test_fold(split: RegressionSplit, device: str) -> TestFold:
    known = split.noise_free_test
    return TestFold(
        data=_fold(split.x_test, split.y_test, device),
        noise_free=None if known is None else _tensor(known, device),
        target_scale=split.target_scale,
    )


def _tensor(array: np.ndarray, device: str) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32)).to(device)
