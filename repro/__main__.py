"""``python -m repro``: the command line."""

from repro.cli import main

main()
