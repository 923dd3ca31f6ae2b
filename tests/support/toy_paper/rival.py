"""A rival, in a module of its own: editing the method must not make its trials stale."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Far:
    """A guess that is far off, or one that ends badly."""

    bias: float = 0.5
    ending: Literal["well", "raise", "kill", "nan"] = "well"
    seconds: float = 0.0

    def error(self, seed: int) -> float:
        """Return the bias, or end as told, after so many seconds without a checkpoint."""
        time.sleep(self.seconds)
        if self.ending == "raise":
            raise RuntimeError("the rival gives up")
        if self.ending == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.ending == "nan":
            return float("nan")
        return self.bias + (seed % 997) / 100_000
