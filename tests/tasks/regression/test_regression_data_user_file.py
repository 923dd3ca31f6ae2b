"""A user's own table: what is taken, and how each mistake is named."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from repro.context import RunContext
from repro.errors import UserError
from tasks.regression.data import check_dataset, data_files, load_split
from tasks.regression.user_file import parse_user_file
from tasks.tables.user_file import identity_of_file

ROWS = [f"{i},{i % 7}.5,{'red' if i % 3 else 'blue'},{i * i}" for i in range(60)]
HEADER = "number,size,colour,area"


def write(path: Path, rows: list[str] = ROWS, header: str = HEADER) -> str:
    path.write_text("\n".join([header, *rows]) + "\n")
    return f"file:{path}"


def with_row(row: int, text: str) -> list[str]:
    return [*ROWS[:row], text, *ROWS[row + 1 :]]


def test_last_column_is_the_target_and_text_becomes_zeros_and_ones(tmp_path: Path) -> None:
    x, y = parse_user_file(write(tmp_path / "table.csv"))
    assert x.shape == (60, 4)
    assert x[:4].tolist() == [[0, 0.5, 1, 0], [1, 1.5, 0, 1], [2, 2.5, 0, 1], [3, 3.5, 1, 0]]
    assert y.tolist() == [i * i for i in range(60)]


def test_named_target(tmp_path: Path) -> None:
    x, y = parse_user_file(write(tmp_path / "table.csv") + "?target=size")
    assert y[:3].tolist() == [0.5, 1.5, 2.5]
    assert x[2].tolist() == [2, 0, 1, 4]


def test_gzip_booleans_blank_lines_and_windows_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "table.csv.gz"
    rows = [f"{i % 2 == 0}, {i}" for i in range(60)]
    path.write_bytes(gzip.compress("\r\n".join(["flag,y", "", *rows, "", ""]).encode("utf-8-sig")))
    x, y = parse_user_file(f"file:{path}")
    assert x[:3, 0].tolist() == [1, 0, 1]
    assert y.tolist() == list(range(60))


def test_arff(tmp_path: Path) -> None:
    path = tmp_path / "table.arff"
    rows = "\n".join(f"{i},{'a' if i % 2 else 'b'},{i}.25" for i in range(50))
    declared = "@attribute x real\n@attribute kind {a,b}\n@attribute y real"
    path.write_text(f"@relation t\n{declared}\n@data\n{rows}\n")
    x, y = parse_user_file(f"file:{path}")
    assert x[1].tolist() == [1, 1, 0]
    assert y[1] == 1.25
    path.write_text(path.read_text().replace("\n7,a,7.25", "\n7,?,7.25"))
    with pytest.raises(UserError, match="row 8: column 'kind' is empty"):
        parse_user_file(f"file:{path}")


@pytest.mark.parametrize("cell", [str(10**30), str(10**300), "1e300", "1_000"])
def test_numbers_that_were_read_as_text_are_numbers(tmp_path: Path, cell: str) -> None:
    rows = [f"{i}{cell[1:]},{i}{cell[1:]}" for i in range(1, 61)]
    x, y = parse_user_file(write(tmp_path / "table.csv", rows, "x,y"))
    expected = [float(f"{i}{cell[1:]}") for i in range(1, 61)]
    assert x[:, 0].tolist() == y.tolist() == expected


def test_an_arff_attribute_of_digits_is_a_number(tmp_path: Path) -> None:
    path = tmp_path / "table.arff"
    declared = "@attribute bit {0,1}\n@attribute y real"
    rows = "\n".join(f"{i % 2},{i}.5" for i in range(50))
    path.write_text(f"@relation t\n{declared}\n@data\n{rows}\n")
    assert parse_user_file(f"file:{path}").x[:3].tolist() == [[0], [1], [0]]
    assert parse_user_file(f"file:{path}?target=bit").y[:3].tolist() == [0, 1, 0]


@pytest.mark.parametrize("text", ["hello\n", "", "@relation t\n", "@attribute x real\n@data\n1\n"])
def test_an_arff_file_that_is_none_is_one_clear_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "table.arff"
    path.write_text(text)
    with pytest.raises(UserError, match=r"table\.arff: (cannot be read as a table|only one col)"):
        check_dataset(f"file:{path}")


CASES = {
    "too few rows": (ROWS[:49], HEADER, "", "49 rows; at least 50 are needed"),
    "no header": (ROWS, "1,2,3,4", "", "the first line holds numbers alone"),
    "row numbers": (ROWS, ",size,colour,area", "", "column 1 has no name"),
    "wrong target": (ROWS, HEADER, "?target=are", "no column 'are'; did you mean 'area'"),
    "wrong option": (ROWS, HEADER, "?tarjet=area", "'\\?tarjet=area' is not known"),
    "text target": (ROWS, HEADER, "?target=colour", "line 2: column 'colour' holds 'blue'.*target"),
    "constant": ([f"{i},1" for i in range(60)], "x,y", "", "'y' is the same in every row"),
    "empty cell": (with_row(8, "1,,red,3"), HEADER, "", "line 10: column 'size' is empty"),
    "empty category": (with_row(8, "1,2,,3"), HEADER, "", "line 10: column 'colour' is empty"),
    "infinite": (with_row(4, "inf,2,red,3"), HEADER, "", "line 6: column 'number' holds inf"),
    "after a blank": (with_row(2, "\n1,,red,3"), HEADER, "", "line 5: column 'size' is empty"),
    "damaged": (with_row(9, "1o,2,red,3"), HEADER, "", "line 11: column 'number' holds '1o'"),
    "damaged target": (with_row(5, "1,2,red,x"), HEADER, "", "line 7: column 'area' holds 'x'"),
    "too large": (with_row(4, f"1,2,red,{10**400}"), HEADER, "", "line 6: column 'area' holds 100"),
    "many values": ([f"word{i},{i}" for i in range(60)], "text,y", "", "60 different values"),
    "semicolons": ([r.replace(",", ";") for r in ROWS], "a;b", "", "only one column .*comma"),
    "long row": (with_row(3, "1,2,red,3,4"), HEADER, "", "cannot be read as a table"),
    "every row long": ([f"{r},0" for r in ROWS], HEADER, "", "cannot be read as a table"),
    "nothing": ([], "", "", "cannot be read as a table"),
}


@pytest.mark.parametrize("case", CASES)
def test_each_mistake_is_one_clear_line(tmp_path: Path, case: str) -> None:
    rows, header, option, message = CASES[case]
    dataset = write(tmp_path / "table.csv", rows, header) + option
    with pytest.raises(UserError, match=message) as raised:
        check_dataset(dataset)
    assert "\n" not in str(raised.value)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no such file"):
        parse_user_file(f"file:{tmp_path / 'nowhere.csv'}")
    with pytest.raises(UserError, match="is a folder"):
        parse_user_file(f"file:{tmp_path}")
    for name in ("bytes.csv", "bytes.csv.gz", "bytes.arff"):
        (tmp_path / name).write_bytes(b"\x89PNG\r\n\xff\xfe\x00\x01")
        with pytest.raises(UserError, match=r"cannot be read as a table|only one column"):
            parse_user_file(f"file:{tmp_path / name}")


def test_the_test_fold_follows_the_content_not_the_path(tmp_path: Path) -> None:
    first, second = (write(tmp_path / name) for name in ("a.csv", "b.csv"))
    assert data_files(first) == ()
    assert identity_of_file(first) == identity_of_file(second)
    assert identity_of_file(first) != identity_of_file(first + "?target=size")
    tests = []
    for dataset, seed in ((first, 0), (second, 5)):
        split = load_split(dataset, RunContext("task", dataset, seed, tmp_path))
        assert (len(split.x_train), len(split.x_validation), len(split.x_test)) == (38, 10, 12)
        tests.append(split.y_test * split.target_scale + split.target_mean)
    np.testing.assert_allclose(*tests, atol=1e-2)
