"""Scaling laws of autoregressive models: a ladder of sizes on each domain, and laws through it."""

from tasks.scaling.protocol import Curve, ScalingForm
from tasks.scaling.task import Scaling

__all__ = ["Curve", "Scaling", "ScalingForm"]
