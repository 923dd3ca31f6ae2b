"""The Makefile hands on what the user said: `make -n` shows each command that it would run."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def command(*arguments: str) -> str:
    """Return the last command that `make` would run, without a set-up."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    shown = subprocess.run(
        ["make", "-n", *arguments, "SETUP=0", "PYTHON=python3"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return shown.stdout.strip().splitlines()[-1]


def test_a_dry_run_reaches_the_verb_and_nothing_else_does() -> None:
    assert command("reproduce", "PAPER=cs_ib", "DRY_RUN=1").endswith("--dry-run")
    assert "--dry-run" not in command("reproduce", "PAPER=cs_ib")
    assert "--dry-run" not in command("reproduce", "PAPER=cs_ib", "DRY_RUN=0")
    assert "--dry-run" in command("merge", "SOURCE=there", "DRY_RUN=1")


def test_fetch_gets_the_papers_own_data_unless_told_otherwise() -> None:
    assert "--scale" not in command("fetch", "PAPER=cs_ib")
    assert "--scale small" in command("fetch", "PAPER=cs_ib", "SCALE=small")
    assert "--datasets 'bike_sharing'" in command("fetch", "PAPER=cs_ib", "DATASETS=bike_sharing")


@pytest.mark.parametrize(
    ("given", "handed_on"),
    [
        ("SETTLE=1", "--settle"),
        ("SEEDS=3", "--seeds 3"),
        ("METHODS=vib,nib", "--methods 'vib,nib'"),
        ("STALE=keep", "--stale keep"),
        ("RETRY=failed", "--retry failed"),
        ("JOBS=2", "--jobs 2"),
        ("CLUSTER=gpu", "--launcher slurm --cluster 'gpu'"),
        ("LAUNCHER=debug", "--launcher debug"),
        ("SEEDS=2", "--launcher local"),
        ("RESULTS=else where", "--results 'else where'"),
    ],
)
def test_each_variable_reaches_reproduce(given: str, handed_on: str) -> None:
    assert handed_on in command("reproduce", "PAPER=cs_ib", given)


@pytest.mark.parametrize(
    ("given", "handed_on"),
    [
        ("PARAMETERS=Model Size", "--parameters 'Model Size'"),
        ("TOKENS=D", "--tokens 'D'"),
        ("COMPUTE=C", "--compute 'C'"),
        ("LOSS=nats", "--loss 'nats'"),
        ("SEED=run", "--seed 'run'"),
        ("FORM=joint", "--form joint"),
        ("HUBER_DELTA=0", "--huber-delta 0"),
        ("DROP_HIGHEST=5", "--drop-highest 5"),
        ("DRAWS=100", "--draws 100"),
        ("JSON=1", "--json"),
        ("PLOT=a b.pdf", "--plot 'a b.pdf'"),
    ],
)
def test_each_variable_reaches_fit(given: str, handed_on: str) -> None:
    shown = command("fit", "POINTS=my points.csv", given)
    assert "fit 'my points.csv'" in shown
    assert handed_on in shown
    assert handed_on.split()[0] not in command("fit", "POINTS=my points.csv")
