"""One trial in a fresh process: ``python -m repro.launch.single <order> <its worker's number>``."""

from __future__ import annotations

import sys

from repro.launch.child import ChildOrder, run_alone

if __name__ == "__main__":
    run_alone(ChildOrder.from_text(sys.argv[1]), int(sys.argv[2]))
