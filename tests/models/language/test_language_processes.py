"""Data parallel training: two processes make the steps that one makes."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from language_fixtures import RandomBatches, tiny

from models.language import AcceleratedProcesses, Training, TrainingSettings

ROOT = Path(__file__).parents[3]
SCRIPT = """
import sys, torch
from language_fixtures import RandomBatches, tiny
from models.language import AcceleratedProcesses, Training, TrainingSettings
torch.set_num_threads(1)
model = tiny().double()
rows, parts = int(sys.argv[2]), int(sys.argv[3])
settings = TrainingSettings(steps=3, learning_rate=1e-2, parts=parts)
batches = RandomBatches(rows=rows, weighted=True)
training = Training(model, batches, settings, processes=AcceleratedProcesses())
training.run()
if training.processes.is_first:
    torch.save((model.state_dict(), training.last_loss), sys.argv[1])
"""


def test_one_accelerated_process_is_one_process():
    models = [tiny().double() for _ in range(2)]
    settings = TrainingSettings(steps=2, learning_rate=1e-2)
    Training(models[0], RandomBatches(), settings).run()
    Training(models[1], RandomBatches(), settings, processes=AcceleratedProcesses()).run()
    for a, b in zip(*(model.parameters() for model in models), strict=True):
        torch.testing.assert_close(a.cpu(), b.cpu())


def two_processes(*arguments):
    """Run the script in two processes that find each other; return their exits and errors."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "support")])
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    shared |= {"PYTHONPATH": paths, "CUDA_VISIBLE_DEVICES": "", "ACCELERATE_USE_CPU": "true"}
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT, *map(str, arguments)],
            env={**os.environ, **shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    errors = [run.communicate(timeout=120)[1] for run in runs]
    return [run.returncode for run in runs], errors


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rows", "parts"), [(5, 2), (3, 3), (4, 1)], ids=["odd", "one sequence a part", "whole"]
)
def test_two_processes_make_the_steps_of_one(tmp_path, rows, parts):
    exits, errors = two_processes(tmp_path / "two.pt", rows, parts)
    assert exits == [0, 0], errors
    found, loss = torch.load(tmp_path / "two.pt")
    model = tiny().double()
    settings = TrainingSettings(steps=3, learning_rate=1e-2)
    training = Training(model, RandomBatches(rows=rows, weighted=True), settings)
    training.run()
    for name, weight in model.state_dict().items():
        torch.testing.assert_close(found[name], weight, rtol=1e-9, atol=1e-11)
    assert loss.item() == pytest.approx(training.last_loss.item())


@pytest.mark.slow
def test_a_batch_with_nothing_for_a_process_is_refused(tmp_path):
    exits, errors = two_processes(tmp_path / "two.pt", 1, 1)
    assert exits == [1, 1]
    assert all("a batch of 1 sequences cannot be shared by 2 processes" in e for e in errors)
