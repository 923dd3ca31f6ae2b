"""Rotated digits and faces, on small files of the same format."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from repro.context import RunContext
from repro.data import find, hash_of_data
from repro.errors import UserError
from tasks.regression import images
from tasks.regression.data import check_dataset, load_split
from tasks.tables.idx import MNIST_TEST, read_idx_images


def write_idx(path: Path, digits: np.ndarray) -> Path:
    header = struct.pack(">4I", 0x803, *digits.shape)
    path.write_bytes(gzip.compress(header + digits.astype(np.uint8).tobytes()))
    return path


@pytest.fixture
def digits(tmp_path: Path) -> list[Path]:
    """Two files of digits, each a bright horizontal bar that starts in the middle, to the right."""
    bars = np.zeros((40, 28, 28), np.uint8)
    bars[:, 13:15, 14:26] = 255
    return [write_idx(tmp_path / f"{name}.gz", bars[:n]) for name, n in (("a", 25), ("b", 40))]


def test_digits_are_turned_by_their_target_counter_clockwise(digits: list[Path]) -> None:
    x, y = images.parse_rotated_mnist(*digits)
    assert x.shape == (65, 1, 28, 28)
    assert x.dtype == np.uint8
    assert (np.abs(y) < 45).all()
    assert y.min() < -20 < 20 < y.max()
    rows, columns = np.mgrid[:28, :28] - 13.5
    mass = x[:, 0] / x[:, 0].sum((1, 2), keepdims=True, dtype=np.float64)
    # Rows grow downwards: a bar that points up and to the right has a positive angle.
    angle = np.degrees(np.arctan2(-(mass * rows).sum((1, 2)), (mass * columns).sum((1, 2))))
    np.testing.assert_allclose(angle, y, atol=1.5)


def test_angles_are_drawn_once_for_the_set(digits: list[Path]) -> None:
    first, second = (images.parse_rotated_mnist(*digits) for _ in range(2))
    assert first.y.tolist() == second.y.tolist()
    assert first.x.tobytes() == second.x.tobytes()


@pytest.mark.parametrize("damage", ["labels", "cut", "empty"])
def test_damaged_idx_is_one_clear_line(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "digits.gz"
    content = {
        "labels": struct.pack(">2I", 0x801, 8) + bytes(8),
        "cut": struct.pack(">4I", 0x803, 2, 28, 28) + bytes(28 * 28),
        "empty": b"",
    }[damage]
    path.write_bytes(gzip.compress(content))
    with pytest.raises(UserError, match="not a whole idx3 file"):
        read_idx_images(path)


def test_real_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFLINE", "1")
    path = find(MNIST_TEST)
    if path is None:
        pytest.skip(f"{MNIST_TEST.name} is not in REPRO_DATA")
    digits = read_idx_images(path)
    assert digits.shape == (10_000, 28, 28)
    assert digits.max() == 255


def write_face(path: Path, colour: tuple[int, int, int]) -> None:
    from PIL import Image

    Image.new("RGB", (200, 200), colour).save(path, quality=95)


@pytest.fixture
def faces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data" / "somewhere" / "UTKFace"
    folder.mkdir(parents=True)
    for number in range(20):
        name = f"{20 + number}_{number % 2}_{number % 5}_2017010917540{number:04d}.jpg.chip.jpg"
        write_face(folder / name, (200, 100, 10 * number))
    write_face(folder / "1_0_2_20161219140530307.jpg", (0, 0, 0))
    write_face(folder / "39_1_20170116174525125.jpg.chip.jpg", (0, 0, 0))  # a field is missing
    monkeypatch.setenv("REPRO_DATA", str(tmp_path / "data"))
    return folder


def test_faces_and_ages_by_name(faces: Path) -> None:
    x, y = images.parse_utk_face(faces)
    assert x.shape == (21, 3, 32, 32)
    assert x.dtype == np.uint8
    assert y.tolist() == [1, *range(20, 40)]
    np.testing.assert_allclose(x[5].mean((1, 2)), (200, 100, 40), atol=3)


def test_faces_are_found_and_recorded(faces: Path, tmp_path: Path) -> None:
    check_dataset("utk_face")
    context = RunContext("tasks.regression.Regression", "utk_face", 0, tmp_path)
    split = load_split("utk_face", context)
    assert split.input_shape == (3, 32, 32)
    recorded = dict(context.data_hashes)
    assert recorded == {"UTKFace": hash_of_data(faces)}
    write_face(faces / "50_0_2_20161219140530308.jpg", (0, 0, 0))
    load_split("utk_face", context)
    assert context.data_hashes["UTKFace"] != recorded["UTKFace"]


def test_missing_faces_say_where_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPRO_DATA", str(tmp_path))
    with pytest.raises(UserError, match=r"never downloaded.*susanqq.*REPRO_DATA"):
        check_dataset("utk_face")


def test_folder_without_faces_and_broken_face(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no image named"):
        images.parse_utk_face(tmp_path)
    (tmp_path / "1_0_2_20161219140530307.jpg").write_bytes(b"not an image")
    with pytest.raises(UserError, match="cannot be read as an image"):
        images.parse_utk_face(tmp_path)
