"""Tokens per second of the small training loop, against the plain ``transformers.Trainer``.

The same architecture, data, updates and optimiser on one thread; whole runs take turns, so that
another program slows both alike. Times are processor seconds of the thread.
"""

from __future__ import annotations

import math
import statistics
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from models.language import (
    Architecture,
    PackedBatches,
    Training,
    TrainingSettings,
    build_model,
)

VOCABULARY, CONTEXT, ROWS, STEPS = 64, 64, 16, 60
TURNS = 5

#: Family and width → least times more tokens per second. The goal is 1.5; with the width, products
#: of matrices come to fill a step, and LLaMA's rotary positions and norms are transformers' own, so
#: that the others have a floor of their own, below what docs/language_models.md shows.
FASTER = {("gpt2", 16): 1.5, ("gpt2", 32): 1.35, ("llama", 32): 1.2}


@pytest.fixture(autouse=True)
def _on_one_thread(one_thread: None) -> None:
    pass


def stream() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(VOCABULARY, (STEPS * ROWS * CONTEXT + 1,), generator=generator)


def own(shape: Architecture) -> float:
    """Train with the loop of this repository; return the last loss."""
    settings = TrainingSettings(steps=STEPS, learning_rate=1e-3, decay="linear")
    training = Training(build_model(shape, 0), PackedBatches(stream(), CONTEXT, ROWS, 0), settings)
    training.run()
    assert training.last_loss is not None
    return training.last_loss.item()


def plain(shape: Architecture, folder: Path) -> float:
    """Train with ``transformers.Trainer`` as it comes; return the mean loss."""
    from transformers import Trainer, TrainingArguments

    rows = stream()[:-1].reshape(-1, CONTEXT)
    data: Any = [{"input_ids": row, "labels": row} for row in rows]
    how = TrainingArguments(
        str(folder),
        per_device_train_batch_size=ROWS,
        max_steps=STEPS,
        learning_rate=1e-3,
        report_to=[],
        save_strategy="no",
        disable_tqdm=True,
        use_cpu=True,
    )
    return float(Trainer(build_model(shape, 0), how, train_dataset=data).train().training_loss)


@pytest.mark.benchmark
@pytest.mark.slow
@pytest.mark.parametrize(("family", "width"), FASTER)
def test_the_loop_against_the_plain_trainer(family: Any, width: int, tmp_path: Path) -> None:
    shape = Architecture(family, VOCABULARY, CONTEXT, width, layers=2)
    seconds: tuple[list[float], list[float]] = ([], [])
    for turn in range(TURNS + 1):
        for which, run in enumerate((lambda: own(shape), lambda: plain(shape, tmp_path))):
            start = time.thread_time()
            # Nothing can be learnt from random tokens: both stay near the loss of a uniform model.
            assert run() == pytest.approx(math.log(VOCABULARY), rel=0.05)
            if turn:  # the first turn imports and warms up
                seconds[which].append(time.thread_time() - start)
    ratio = statistics.median(b / a for a, b in zip(*seconds, strict=True))
    rates = [STEPS * ROWS * CONTEXT / statistics.median(s) for s in seconds]
    print(
        f"\n{family}, width {width}: {rates[0]:,.0f} tokens per second, "
        f"plain Trainer {rates[1]:,.0f}: {ratio:.2f} times faster"
    )
    assert ratio > FASTER[family, width]
