"""The squared error alone, by hand."""

import torch

from baselines.regression.mse import MeanSquaredError
from tasks.regression import TrainingBatch


def test_loss_is_the_mean_of_squared_residuals():
    y, prediction = torch.tensor([[1.0], [2.0]]), torch.tensor([[3.0], [1.0]])
    code = torch.zeros(2, 1)
    batch = TrainingBatch(code, y, code, None, code, prediction)
    assert MeanSquaredError().loss(batch).item() == (4 + 1) / 2


def test_the_bottleneck_is_deterministic():
    assert MeanSquaredError().noise.kind == "none"
