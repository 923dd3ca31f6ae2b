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
settings = TrainingSettings(steps=3, learning_rate=1e-2, parts=2)
batches = RandomBatches(rows=5, weighted=True)
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


@pytest.mark.slow
def test_two_processes_make_the_steps_of_one(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "support")])
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    shared |= {"PYTHONPATH": paths, "CUDA_VISIBLE_DEVICES": "", "ACCELERATE_USE_CPU": "true"}
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(tmp_path / "two.pt")],
            env={**os.environ, **shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
        )
        for rank in range(2)
    ]
    assert [run.wait(timeout=120) for run in runs] == [0, 0]
    found, loss = torch.load(tmp_path / "two.pt")
    model = tiny().double()
    settings = TrainingSettings(steps=3, learning_rate=1e-2)
    training = Training(model, RandomBatches(rows=5, weighted=True), settings)
    training.run()
    for name, weight in model.state_dict().items():
        torch.testing.assert_close(found[name], weight, rtol=1e-9, atol=1e-11)
    assert loss.item() == pytest.approx(training.last_loss.item())
