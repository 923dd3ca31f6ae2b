"""One trial in a fresh process: ``python -m repro.launch.single <trial folder>``."""

from __future__ import annotations

import sys
from pathlib import Path

from repro.execution import run_trial
from repro.store import TrialFolder

if __name__ == "__main__":
    run_trial(TrialFolder(Path(sys.argv[1])))
