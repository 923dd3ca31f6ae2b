"""The verb `fetch`: what is ready, what is not, and an exit status that says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from repro.cli import app
from repro.data import DataFile, locate
from repro.errors import UserError
from repro.fetch import check_datasets
from repro.spec import load_spec

TASK = "tasks.regression.Regression"


@pytest.fixture(autouse=True)
def _no_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFLINE", "1")
    monkeypatch.setenv("REPRO_DATA", str(tmp_path))
    monkeypatch.setenv("KLAIM_CACHE", str(tmp_path / "cache"))


def fetched(capsys: pytest.CaptureFixture[str], datasets: str) -> tuple[int, list[str]]:
    with pytest.raises(SystemExit) as ended:
        app(["fetch", "cs_ib", "--datasets", datasets])
    return int(ended.value.code or 0), capsys.readouterr().out.splitlines()


def test_what_is_bundled_or_generated_is_at_hand(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, lines = fetched(capsys, "diabetes,skewed_noise")
    assert status == 0
    assert lines == ["diabetes: at hand", "skewed_noise: at hand"]


def test_a_missing_folder_is_one_line_and_the_others_go_on(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    status, lines = fetched(capsys, "utk_face,diabetes")
    assert status == 2
    missing, ready = lines
    assert missing.startswith("utk_face: UTKFace is not on this machine and is never downloaded")
    assert str(tmp_path) in missing
    assert ready == "diabetes: at hand"


def test_every_missing_file_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    status, lines = fetched(capsys, "rotated_mnist")
    assert status == 2
    assert [line.split()[1] for line in lines] == [
        "train-images-idx3-ubyte.gz",
        "t10k-images-idx3-ubyte.gz",
    ]


def test_a_damaged_file_of_the_users_is_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "table.csv").write_text("x,y\n1,2\n")
    status, lines = fetched(capsys, f"file:{tmp_path / 'table.csv'}")
    assert status == 2
    assert len(lines) == 1
    assert "1 rows; at least 50 are needed" in lines[0]


def test_a_plan_refuses_a_damaged_file_of_the_users(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "table.csv").write_text("x,y\n1,2\n")
    call = ["--datasets", f"file:{tmp_path / 'table.csv'}", "--results", str(tmp_path / "results")]
    for verb in (["plan"], ["reproduce", "--dry-run"]):
        with pytest.raises(UserError, match="1 rows; at least 50 are needed"):
            app([*verb, "cs_ib", *call])
        assert not capsys.readouterr().out


def test_a_folder_that_is_there_is_ready(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "UTKFace").mkdir()
    (tmp_path / "UTKFace" / "1_0_2_20161219140530307.jpg").touch()
    assert fetched(capsys, "utk_face") == (0, ["utk_face: at hand"])


def test_a_run_refuses_what_is_missing_before_it_starts() -> None:
    with pytest.raises(UserError, match="UTKFace is not on this machine"):
        check_datasets(TASK, ["diabetes", "utk_face"])


def test_the_paper_scale_of_cs_ib_asks_for_nothing_that_cannot_be_downloaded() -> None:
    from tasks.regression import Regression

    spec = load_spec("cs_ib")
    assert "utk_face" in spec.datasets
    for dataset in spec.scales["paper"].datasets:
        assert Regression.data_files(dataset)


def test_a_file_without_an_address_says_where_it_can_be_had() -> None:
    file = DataFile("weights.zip", (), None, "research alone", "https://example.org/weights")
    with pytest.raises(UserError) as error:
        locate(file)
    assert str(error.value) == (
        "weights.zip is not on this machine and is never downloaded (licence: research alone): get "
        "it from https://example.org/weights and put it into the folder that REPRO_DATA names"
    )
