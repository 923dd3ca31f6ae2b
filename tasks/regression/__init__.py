"""Regression through an information bottleneck: data, network, protocol and metrics."""

from tasks.regression.protocol import BottleneckNoise, RegressionMethod, TrainingBatch
from tasks.regression.task import Regression

__all__ = ["BottleneckNoise", "Regression", "RegressionMethod", "TrainingBatch"]
