"""Loaders of the tables, on stand-ins of the publishers' formats and on the real files if there."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest
from bandit_fixtures import context

from baselines.bandit.lin_ucb import LinUCB
from repro.data import find
from repro.errors import UserError
from tasks.bandit import Bandit, data, tables
from tasks.bandit.data import (
    DatasetName,
    check_dataset,
    data_files,
    known_datasets,
    load_table,
)
from tasks.tables.idx import MNIST_TEST, MNIST_TEST_LABELS, read_idx_labels

MUSHROOM = """% a comment
@relation mushroom
@attribute 'cap-shape' {b,c,x}
@attribute 'stalk-root' {b,c,e}
@attribute 'class' {e,p}
@data
x,b,p
b,?,e
x,c,p
"""


def test_nominal_columns_become_one_column_for_each_value_missing_too(tmp_path: Path) -> None:
    path = tmp_path / "mushroom.arff"
    path.write_text(MUSHROOM)
    table = tables.parse_arff(path)
    assert table.classes == 2
    assert table.labels.tolist() == [1, 0, 1]
    # cap-shape b, x; stalk-root ?, b, c
    assert table.x.tolist() == [[0, 1, 0, 1, 0], [1, 0, 1, 0, 0], [0, 1, 0, 0, 1]]


def test_a_missing_number_is_minus_one(tmp_path: Path) -> None:
    path = tmp_path / "letter.arff"
    path.write_text(
        "@relation l\n@attribute x real\n@attribute y real\n@attribute class {A,B}\n@data\n"
        "1,2,A\n?,3,B\n"
    )
    assert tables.parse_arff(path).x.tolist() == [[1, 2], [-1, 3]]


def test_a_damaged_arff_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "letter.arff"
    path.write_text("@relation l\n@attribute x real\n@attribute class {A,B}\n@data\n1,C\n")
    with pytest.raises(UserError, match="cannot be read as ARFF"):
        tables.parse_arff(path)


def test_adult_joins_its_two_parts(tmp_path: Path) -> None:
    row = "39, State-gov, 77516, Bachelors, 13, Never-married, Adm-clerical, Not-in-family, White, "
    train = row + "Male, 2174, 0, 40, United-States, <=50K\n"
    train += train.replace("39", "52").replace("<=", ">")
    test = "|1x3 Cross validator\n" + row + "Female, 0, 0, 30, ?, <=50K.\n\n"
    paths = [tmp_path / "adult.data.gz", tmp_path / "adult.test.gz"]
    for path, text in zip(paths, (train, test), strict=True):
        path.write_bytes(gzip.compress(text.encode()))
    table = tables.parse_adult(*paths)
    assert table.labels.tolist() == [0, 1, 0]
    assert table.classes == 2
    assert table.x[:, 0].tolist() == [39, 52, 39]
    paths[1].write_bytes(gzip.compress(b"nothing"))
    with pytest.raises(UserError, match="no row of 15 columns"):
        tables.parse_adult(*paths)


def test_plain_text_tables(tmp_path: Path) -> None:
    covertype = tmp_path / "covtype.data.gz"
    covertype.write_bytes(gzip.compress(b"2596,51,1,5\n2590,56,0,2\n2804,139,1,5\n"))
    assert tables.parse_covertype(covertype).labels.tolist() == [1, 0, 1]
    magic = tmp_path / "magic04.data"
    magic.write_text("28.7967,16.0021,g\n31.6036,11.7235,h\r\n")
    table = tables.parse_magic(magic)
    assert table.labels.tolist() == [0, 1]
    assert table.x[1].tolist() == [31.6036, 11.7235]
    shuttle = tmp_path / "shuttle.tst"
    shuttle.write_text(
        "55 0 81 0 -6 11 25 88 64 4\n56 0 96 0 52 -4 40 44 4 4\n50 0 89 -7 50 0 39 40 2 1 \n"
    )
    table = tables.parse_shuttle(shuttle)
    assert table.x.shape == (3, 9)
    assert table.labels.tolist() == [1, 1, 0]


def idx(array: np.ndarray) -> bytes:
    header = struct.pack(f">{array.ndim + 1}I", 0x800 + array.ndim, *array.shape)
    return gzip.compress(header + array.astype(np.uint8).tobytes())


def write_idx(path: Path, array: np.ndarray) -> Path:
    path.write_bytes(idx(array))
    return path


def test_mnist_from_idx_files(tmp_path: Path) -> None:
    images = np.zeros((3, 28, 28), np.uint8)
    images[1, 2, 3] = 255
    paths = write_idx(tmp_path / "i.gz", images), write_idx(tmp_path / "l.gz", np.array([7, 2, 7]))
    table = tables.parse_mnist(*paths)
    assert table.labels.tolist() == [1, 0, 1]
    assert table.x.shape == (3, 784)
    assert table.x[1, 2 * 28 + 3] == 1.0
    with pytest.raises(UserError, match=r"3 images, but .* 2 labels"):
        tables.parse_mnist(paths[0], write_idx(tmp_path / "s.gz", np.array([1, 2])))
    with pytest.raises(UserError, match="not a whole idx1 file of labels"):
        read_idx_labels(paths[0])


@pytest.mark.parametrize(
    ("dataset", "rows", "columns", "classes"),
    [("digits", 1797, 64, 10), ("breast_cancer", 569, 30, 2), ("wine", 178, 13, 3)],
)
def test_bundled_tables(
    tmp_path: Path, dataset: str, rows: int, columns: int, classes: int
) -> None:
    table, identity = load_table(dataset, [context(tmp_path, dataset)])
    assert table.x.shape == (rows, columns)
    assert np.bincount(table.labels).size == table.classes == classes
    assert identity == dataset


@pytest.mark.parametrize(
    ("dataset", "rows", "columns", "classes"),
    [("mushroom", 8124, 117, 2), ("letter", 20_000, 16, 26), ("mnist", 10_000, 784, 10)],
)
def test_real_files_from_reading_to_playing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    dataset: str,
    rows: int,
    columns: int,
    classes: int,
) -> None:
    monkeypatch.setenv("OFFLINE", "1")
    if any(find(file) is None for file in data_files(dataset)):
        pytest.skip(f"the files of {dataset} are not in REPRO_DATA")
    table, _ = load_table(dataset, [context(tmp_path, dataset)])
    assert table.x.shape == (rows, columns)
    assert table.classes == classes
    task = Bandit(rounds=300, hidden_width=8)
    metrics = task.run(LinUCB(), context(tmp_path / "play", dataset))
    assert metrics["regret"] < 300 * (1 - 1 / classes)


def stand_in(dataset: str, source: np.random.RandomState) -> list[bytes]:
    """Return the files of a set in their publisher's own format, 120 rows that can be learnt."""
    x = source.randint(0, 100, (120, 9))
    rows = [(row, int(row[0] > 50)) for row in x.tolist()]
    if dataset == "mnist":
        images = source.randint(0, 100, (120, 28, 28)).astype(np.uint8)
        images[x[:, 0] > 50, :14] = 255
        return [idx(images), idx(x[:, 0] > 50)]
    if dataset == "adult":
        lines = [
            f"{r[0]}, Private, {r[1]}, Bachelors, {r[2]}, Divorced, Sales, Wife, White, Male, 0, "
            f"0, {r[3]}, {'?' if r[4] > 90 else 'Cuba'}, {['<=50K', '>50K'][c]}"
            for r, c in rows
        ]
        test = ["|1x3 Cross validator", *(line + "." for line in lines[60:]), ""]
        return [gzip.compress("\n".join(part).encode()) for part in (lines[:60], test)]
    if dataset == "covertype":
        lines = [",".join(map(str, [*r, 7, *[0, 1] * 22, 1 + c])) for r, c in rows]
        return [gzip.compress("\n".join(lines).encode())]
    if dataset == "magic_telescope":
        lines = [",".join([*(f"{v}.25" for v in [*r, 0]), "gh"[c]]) for r, c in rows]
        return ["\r\n".join(lines).encode()]
    head = {
        "mushroom": MUSHROOM.split("x,b,p")[0].strip(),
        "letter": "@relation letter\n@attribute x-box integer\n@attribute y-box integer\n"
        "@attribute class {A,B}\n@data",
    }
    lines = {
        "mushroom": [f"{'bx'[c]},{'?' if r[1] > 90 else 'e'},{'ep'[c]}" for r, c in rows],
        "letter": [f"{r[0]},{r[1]},{'AB'[c]}" for r, c in rows],
        "shuttle": [" ".join(map(str, [*r, 1 + c])) for r, c in rows],
    }
    return ["\n".join([*head.get(dataset, "").splitlines(), *lines[dataset]]).encode()]


@pytest.mark.parametrize(
    "dataset",
    ["mushroom", "letter", "shuttle", "covertype", "adult", "magic_telescope", "mnist"],
)
def test_every_loader_from_the_publishers_bytes_to_a_game(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dataset: str
) -> None:
    """Small files under the declared names; their hashes stand in for the published ones."""
    source = data.SOURCES[dataset]
    contents = stand_in(dataset, np.random.RandomState(0))
    files = []
    for file, content in zip(source.files, contents, strict=True):
        (tmp_path / file.name).write_bytes(content)
        known = file.sha256 and hashlib.sha256(content).hexdigest()
        files.append(dataclasses.replace(file, sha256=known))
    monkeypatch.setitem(data.SOURCES, dataset, dataclasses.replace(source, files=tuple(files)))
    monkeypatch.setenv("REPRO_DATA", str(tmp_path))
    monkeypatch.setenv("OFFLINE", "1")
    made = [context(tmp_path / "trial", dataset, seed) for seed in (1000, 1001)]
    for metrics in Bandit(hidden_width=8).run_batch(LinUCB(), made):
        assert metrics["regret"] < 32  # of 90 rounds; chance: 45
    for one in made:
        assert sorted(one.data_hashes) == sorted(file.name for file in files)
        assert bool(one.unverified_data) == (dataset == "shuttle")  # of it no hash is published


def test_names_say_order_and_noise() -> None:
    assert DatasetName.of("digits") == DatasetName("digits")
    assert DatasetName.of("digits_sorted") == DatasetName("digits", "sorted")
    assert DatasetName.of("digits_noisy").noise_levels == (0.0, 0.1, 0.2, 0.3)
    assert {"mnist", "letter_sorted", "wine_noisy"} <= set(known_datasets())
    assert data_files("digits_sorted") == ()
    assert data_files("mnist_noisy") == (MNIST_TEST, MNIST_TEST_LABELS)


def test_unknown_names_and_wrong_user_files_are_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"unknown data set 'digit'.*digits"):
        check_dataset("digit")
    path = tmp_path / "mine.csv"
    path.write_text("\n".join(["x,y", *(f"{i},{i}" for i in range(80))]))
    with pytest.raises(UserError, match="has 80 different values, and each would be an arm"):
        check_dataset(f"file:{path}")
    path.write_text("\n".join(["x,y", *(f"{i},7" for i in range(80))]))
    with pytest.raises(UserError, match="the same in every row"):
        check_dataset(f"file:{path}")
    path.write_text("\n".join(["x,y", *(f"{i},{'ab'[i % 2]}" for i in range(80))]))
    check_dataset(f"file:{path}")
    table, identity = data.load_table(f"file:{path}", [context(tmp_path / "user")])
    assert table.classes == 2
    assert identity.startswith("file:")
    assert str(path) not in identity


def test_a_users_arff_is_a_table_of_classes(tmp_path: Path) -> None:
    path = tmp_path / "mine.arff"
    head = "@relation mine\n@attribute kind {a,b}\n@attribute x real\n@attribute s {u,v}\n@data\n"
    path.write_text(head + "\n".join(f"{'ab'[i % 2]},{i},{'uvv'[i % 3]}" for i in range(90)))
    check_dataset(f"file:{path}")
    last, named = f"file:{path}", f"file:{path}?target=kind"
    assert np.bincount(load_table(last, [context(tmp_path / "t")])[0].labels).tolist() == [30, 60]
    made = context(tmp_path / "t", named.replace("/", "_"))
    made = dataclasses.replace(made, dataset=named)
    table, _ = load_table(named, [made])
    assert table.labels.tolist() == [0, 1] * 45
    assert Bandit(hidden_width=8).run(LinUCB(), made)["regret"] <= 68
