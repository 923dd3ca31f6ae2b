"""Parsers of the real tables, on stand-ins of the same format and on the real files if there."""

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from repro.context import RunContext
from repro.data import DataFile, find
from repro.errors import UserError
from tasks.regression import tables
from tasks.regression.data import data_files, load_split
from tasks.regression.split import Examples

HOUSING = """% a comment
@relation cal_housing
@attribute longitude real
@attribute latitude real
@attribute housingMedianAge real
@attribute totalRooms real
@attribute totalBedrooms real
@attribute population real
@attribute households real
@attribute medianIncome real
@attribute medianHouseValue real
@data
-122.23,37.88,41,880,129,322,126,8.3252,452600
-122.22,37.86,21,7099,1106,2401,1138,8.3014,500000
-122.24,37.85,52,1467,190,496,177,7.2574,500001
-122.25,37.85,52,1274,235,558,219,5.6431,341300
"""


def test_housing_features_are_those_of_scikit_learn(tmp_path: Path) -> None:
    path = tmp_path / "cal.housing.arff"
    path.write_text(HOUSING)
    x, y = tables.parse_california_housing(path)
    # The first block group as scikit-learn's documentation of the set prints it.
    first = [8.3252, 41.0, 6.98412698, 1.02380952, 322.0, 2.55555556, 37.88, -122.23]
    np.testing.assert_allclose(x[0], first, rtol=1e-8)
    assert len(x) == 2  # 500,000 and 500,001 are capped
    np.testing.assert_allclose(y, np.log([4.526, 3.413]))


def test_housing_with_other_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cal.housing.arff"
    path.write_text(HOUSING.replace("households", "houses"))
    with pytest.raises(UserError, match=r"expected cal\.housing's nine"):
        tables.parse_california_housing(path)


def test_bike_drops_what_gives_the_target_away(tmp_path: Path) -> None:
    path = tmp_path / "data.csv.gz"
    rows = [",".join(str(100 * row + column) for column in range(18)) for row in range(3)]
    path.write_bytes(gzip.compress("\n".join(rows).encode()))
    x, y = tables.parse_bike_sharing(path)
    assert x[1].tolist() == list(range(100, 115))
    assert y.tolist() == [17, 117, 217]


def test_energy_drops_the_date(tmp_path: Path) -> None:
    path = tmp_path / "energydata_complete.csv"
    path.write_text(
        '"date","Appliances","lights","T1"\n'
        '"2016-01-11 17:00:00","  60","30","19.89"\n"2016-01-11 17:10:00"," 50","20"," 7.5e+00"\n'
    )
    x, y = tables.parse_appliance_energy(path)
    assert x.tolist() == [[30, 19.89], [20, 7.5]]
    assert y.tolist() == [60, 50]


@pytest.mark.parametrize("missing", ["NA", ""])
def test_beijing_drops_missing_targets_and_encodes_the_wind(tmp_path: Path, missing: str) -> None:
    path = tmp_path / "PRSA.csv"
    path.write_text(
        "No,year,month,day,hour,pm2.5,DEWP,TEMP,PRES,cbwd,Iws,Is,Ir\n"
        f"1,2010,1,1,0,{missing},-21,-11,1021,NW,1.79,0,0\n"
        "2,2010,1,2,1,129,-16,-4,1020,SE,2.5,1,3\n"
        "3,2010,1,2,2,148,-15,-4,1020,cv,2.5,0,0\n"
    )
    x, y = tables.parse_beijing_pm25(path)
    assert x[0].tolist() == [2010, 1, 2, 1, -16, -4, 1020, 0, 0, 0, 1, 2.5, 1, 3]
    assert x[1, 7:11].tolist() == [0, 1, 0, 0]
    assert y.tolist() == [129, 148]


def real(file: DataFile, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OFFLINE", "1")
    path = find(file)
    if path is None:
        pytest.skip(f"{file.name} is not in REPRO_DATA")
    return path


Parser = Callable[[Path], Examples]


@pytest.mark.parametrize(
    ("file", "parse", "shape"),
    [
        (tables.CALIFORNIA_HOUSING, tables.parse_california_housing, (19_648, 8)),
        (tables.BIKE_SHARING, tables.parse_bike_sharing, (17_379, 15)),
        (tables.APPLIANCE_ENERGY, tables.parse_appliance_energy, (19_735, 27)),
        (tables.BEIJING_PM25, tables.parse_beijing_pm25, (41_757, 14)),
    ],
    ids=["housing", "bike", "energy", "pm25"],
)
def test_real_file(
    file: DataFile, parse: Parser, shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y = parse(real(file, monkeypatch))
    assert x.shape == shape
    assert y.shape == shape[:1]
    assert np.isfinite(x).all()
    assert np.isfinite(y).all()


def test_real_bike_leak(monkeypatch: pytest.MonkeyPatch) -> None:
    """The dropped columns are riders: up to centring, their sum is the exponential of the target.

    What is kept must not give the target away: no linear fit explains more than half of it.
    """
    path = real(tables.BIKE_SHARING, monkeypatch)
    raw = np.loadtxt(path, delimiter=",")
    riders = raw[:, list(tables.BIKE_LEAKS)].sum(axis=1)
    count = np.exp(raw[:, -1])
    assert np.corrcoef(riders, count)[0, 1] > 0.9999
    x, y = tables.parse_bike_sharing(path)
    assert all(abs(np.corrcoef(column, y)[0, 1]) < 0.9 for column in x.T)
    design = np.column_stack([x, np.ones(len(x))])
    residual = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
    assert residual.var() > 0.5 * y.var()


def test_real_housing_split_records_the_hash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real(tables.CALIFORNIA_HOUSING, monkeypatch)
    context = RunContext("tasks.regression.Regression", "california_housing", 0, tmp_path)
    split = load_split("california_housing", context)
    assert (len(split.x_train), len(split.x_validation), len(split.x_test)) == (12574, 3144, 3930)
    (file,) = data_files("california_housing")
    assert context.data_hashes == {file.name: file.sha256}
