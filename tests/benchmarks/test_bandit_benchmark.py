"""Time of a round, against the straightforward form, and of a whole configuration.

In processor seconds of this thread, so that another program slows neither side.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from bandit_fixtures import contexts
from reference_neural_bandits import play_reference

from baselines.bandit.neural_ucb import NeuralUCB
from methods.neucb import NeuFastCB, NeuSquareCB
from tasks.bandit import Bandit, streams
from tasks.bandit.game import play

SEEDS = 10
#: Least times faster than arm by arm and seed by seed, and the most seconds of a configuration.
ROUND_FASTER = 20.0
CONFIGURATION_SECONDS = 2.0


@pytest.fixture(autouse=True)
def _one_thread():
    if os.environ.get("OPENBLAS_NUM_THREADS") != "1":
        pytest.skip("set OPENBLAS_NUM_THREADS=1: the bound is for one core")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.benchmark
def test_a_round_of_neural_ucb(tmp_path: Path) -> None:
    """Ten seeds of digits together, against the loop of the authors' design, the same regret."""
    task = Bandit(rounds=60, hidden_width=32)
    batch = contexts(tmp_path, SEEDS, "digits")
    made = task._streams(batch)
    setting = task._problem(made, batch, 1)
    start = time.process_time()
    _, played = play(NeuralUCB(1.0, 0.1, 0.1).start(setting), made, batch)
    own = (time.process_time() - start) / SEEDS
    start = time.process_time()
    x, labels = made.x[made.order[:, 0]], made.observed[:, 0]
    arms = play_reference(setting, x, labels, 0, "ucb", 1.0, 0.1, 0.1)
    straightforward = time.process_time() - start
    assert (arms != labels).sum() == played.losses[:, 0].sum()
    print(f"\n{own / 60 * 1e6:.0f} µs a round, {straightforward / own:.0f} times faster")
    assert straightforward / own >= ROUND_FASTER


@pytest.mark.benchmark
@pytest.mark.parametrize(
    "method",
    [NeuFastCB(perturbation=0.0), NeuralUCB(), NeuSquareCB(0.3), NeuFastCB()],
    ids=["unperturbed", "neural_ucb", "squarecb_perturbed", "fastcb_perturbed"],
)
def test_ten_seeds_of_digits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method) -> None:
    """All 1,797 rows of digits, which a table does not play: a quarter of them is for tuning."""
    monkeypatch.setattr(streams, "_folds", lambda n, _: (np.arange(n), np.arange(n)))
    start = time.process_time()
    results = Bandit(hidden_width=32).run_batch(method, contexts(tmp_path, SEEDS, "digits"))
    seconds = time.process_time() - start
    print(f"\n{seconds:.2f} s")
    assert len(results) == SEEDS
    assert seconds < CONFIGURATION_SECONDS
