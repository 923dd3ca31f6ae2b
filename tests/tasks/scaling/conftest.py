"""Tiny copies of published data in their publishers' byte formats, for the paper's scale."""

import io
import tarfile
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from tasks.scaling.domains import image_sets, problem_files, problem_texts
from tasks.scaling.domains.image_sets import read_images
from tasks.scaling.domains.problem_files import problems


@pytest.fixture
def own_data(tmp_path, monkeypatch, one_thread):
    """A folder of one's own for data and cache, and nothing kept of another test's."""
    monkeypatch.setenv("OFFLINE", "1")
    monkeypatch.setenv("REPRO_DATA", str(tmp_path))
    monkeypatch.setenv("KLAIM_CACHE", str(tmp_path / "cache"))
    for kept in (read_images, image_sets._cifar, problems):
        kept.cache_clear()


@pytest.fixture
def imagenet(own_data, tmp_path, monkeypatch):
    """Archives with ten images of 8 pixels to train on, six to test on."""
    monkeypatch.setattr(image_sets, "_HASHES", dict.fromkeys(image_sets._HASHES))
    random = np.random.default_rng(0)
    made = {}
    for part, sizes in (("train", (6, 4)), ("val", (6,))):
        with zipfile.ZipFile(tmp_path / f"Imagenet8_{part}_npz.zip", "w") as archive:
            for number, size in enumerate(sizes, start=1):
                data = random.integers(0, 256, (size, 192), dtype=np.uint8)
                labels = random.integers(1, 1001, size)
                stream = io.BytesIO()
                np.savez(stream, data=data, labels=labels, mean=data.mean(0))
                name = f"train_data_batch_{number}.npz" if part == "train" else "val_data.npz"
                archive.writestr(name, stream.getvalue())
                made[part, number] = (data, labels)
    return made


def arithmetic(count, low, high, seed):
    random = np.random.default_rng(seed)
    lines = []
    for _ in range(count):
        a, b = random.integers(low, high, 2)
        lines += [f"What is {a} + {b}?", f"{a + b}"]
    return "\n".join(lines) + "\n"


@pytest.fixture
def mathematics(own_data, write_archive, tmp_path, monkeypatch):
    """The archive's layout: a file of alternate lines for each module in each folder."""
    monkeypatch.setattr(problem_files, "ARCHIVE", replace(problem_files.ARCHIVE, sha256=None))
    monkeypatch.setattr("tasks.scaling.domains.ARCHIVE", problem_files.ARCHIVE)
    monkeypatch.setattr(problem_texts, "_TEST_ROWS", 16)
    files = {"train-readme.txt": "not problems\n"}
    for place, folder in enumerate(("train-easy", "train-medium", "train-hard", "interpolate")):
        files[f"{folder}/arithmetic__add_or_sub.txt"] = arithmetic(40, 0, 50, place)
        files[f"{folder}/numbers__is_prime.txt"] = "Is 5 prime?\nTrue\nIs 6 prime?\nFalse\n"
        files[f"{folder}/probability__swr_p_sequence.txt"] = "What is prob?\n1/7\n"
    files["extrapolate/arithmetic__add_or_sub_big.txt"] = arithmetic(40, 10**6, 10**7, 9)
    return write_archive(files)


@pytest.fixture
def write_archive(tmp_path):
    """Return what writes the archive of problems and gives its path: ``write({name: text})``."""

    def write(files):
        path = tmp_path / problem_files.ARCHIVE.name
        with tarfile.open(path, "w:gz") as archive:
            for name, text in files.items():
                entry = tarfile.TarInfo(f"mathematics_dataset-v1.0/{name}")
                content = text.encode()
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
        return path

    return write
