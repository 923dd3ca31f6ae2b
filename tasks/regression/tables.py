"""The real tables: where their files come from, and how each becomes inputs and targets.

Which columns the paper used is not stated in its released code, except for California Housing;
each parser says what it keeps. Rows of the time series (bike, energy, PM2.5) are treated as
exchangeable, as random splits do.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from repro.data import DataFile
from repro.errors import UserError
from tasks.regression.split import Examples
from tasks.tables.bundled import BundledFile

CALIFORNIA_HOUSING = DataFile(
    name="cal.housing.arff",
    urls=(
        "https://raw.githubusercontent.com/renatopp/arff-datasets/"
        "c59f172882592bb58982cc54d2d3c8a2b57e9b73/regression/cal.housing.arff",
    ),
    sha256="99ac39a6158b5eddec1a36be650beb5f11ff2e5237e925dfa4cb8d48cc1c7398",
    licence="none stated (StatLib; redistributed by scikit-learn)",
    source="Pace and Barry, Sparse Spatial Autoregressions, Statistics & Probability Letters, 1997",
)
BIKE_SHARING = DataFile(
    name="data.csv.gz",
    urls=(
        "https://raw.githubusercontent.com/treforevans/uci_datasets/"
        "f0737523712fe66a1640e4b980b927e8490b58eb/uci_datasets/bike/data.csv.gz",
    ),
    sha256="411f76ae426c0e348a2629dcf6b3b29102c7db465eae780a3454c39db1dfac4f",
    licence="MIT (uci_datasets); underlying data from the UCI repository, CC BY 4.0",
    source="https://archive.ics.uci.edu/dataset/275/bike+sharing+dataset",
)
APPLIANCE_ENERGY = DataFile(
    name="energydata_complete.csv",
    urls=(
        "https://raw.githubusercontent.com/LuisM78/Appliances-energy-prediction-data/"
        "e3e4c27a4ae2b41b21f84b4c9ac2d822d3d0ace1/energydata_complete.csv",
    ),
    sha256="2820bf712ad0275cb18b85a05250926100d8e65ebb9f4d2d016ca91ea152a25d",
    licence="CC BY 4.0 (UCI repository)",
    source="https://archive.ics.uci.edu/dataset/374/appliances+energy+prediction",
)
BEIJING_PM25 = DataFile(
    name="PRSA_data_2010.1.1-2014.12.31.csv",
    urls=(
        "https://raw.githubusercontent.com/naogelzc/PM2.5-Data-Mining-in-Beijing/"
        "b6415470e125f5ea0338f297ce02d76887deea4a/PRSA_data_2010.1.1-2014.12.31.csv",
    ),
    sha256="77b185392c567d67bf0ddaa27cf57f6f1198e463a665d86360f3910c313719bd",
    licence="CC BY 4.0 (UCI repository)",
    source="https://archive.ics.uci.edu/dataset/381/beijing+pm2+5+data",
)

#: 0-based columns of the bike table that add up to the target: casual and registered riders.
BIKE_LEAKS = (15, 16)

_HOUSING_COLUMNS = (
    "longitude",
    "latitude",
    "housingMedianAge",
    "totalRooms",
    "totalBedrooms",
    "population",
    "households",
    "medianIncome",
    "medianHouseValue",
)
_WIND_DIRECTIONS = ("NW", "cv", "NE", "SE")


DIABETES = (
    BundledFile("diabetes_data_raw.csv.gz", "regression"),
    BundledFile("diabetes_target.csv.gz", "regression"),
)


def parse_diabetes(inputs: Path, targets: Path) -> Examples:
    """Return scikit-learn's diabetes table: 442 patients, 10 raw columns, disease progression."""
    return Examples(np.loadtxt(inputs), np.loadtxt(targets))


def parse_california_housing(path: Path) -> Examples:
    """Return scikit-learn's eight features of the raw StatLib table, and the log price.

    MedInc, HouseAge, AveRooms, AveBedrms, Population, AveOccup, Latitude, Longitude; averages are
    per household. As in the released code, block groups at 500,000 dollars or more are left out
    (the survey's cap) and the target is log(price / 100,000 dollars).
    """
    table = dict(zip(_HOUSING_COLUMNS, _arff_columns(path), strict=True))
    households, price = table["households"], table["medianHouseValue"]
    x = np.column_stack(
        [
            table["medianIncome"],
            table["housingMedianAge"],
            table["totalRooms"] / households,
            table["totalBedrooms"] / households,
            table["population"],
            table["population"] / households,
            table["latitude"],
            table["longitude"],
        ]
    )
    kept = price < 500_000
    return Examples(x[kept], np.log(price[kept] / 100_000))


def _arff_columns(path: Path) -> np.ndarray:
    """Return the columns of the housing table, whose names must be the expected ones, in order."""
    import pandas

    lines = path.read_text(encoding="utf-8").splitlines()
    first = next(i for i, line in enumerate(lines) if line.strip().lower() == "@data") + 1
    header = [line.split()[1] for line in lines[:first] if line.lower().startswith("@attribute")]
    if tuple(header) != _HOUSING_COLUMNS:
        raise UserError(f"{path}: columns are {', '.join(header)}; expected cal.housing's nine")
    table = pandas.read_csv(path, skiprows=first, header=None, names=header, dtype=np.float64)
    return table.to_numpy().T


def parse_bike_sharing(path: Path) -> Examples:
    """Return 15 columns of the bike table, and the log of the hourly count, centred.

    Columns 15 and 16 are casual and registered riders: their sum is the count, so that a model that
    sees them reads the target off its inputs. Both are dropped.
    """
    import pandas

    table = pandas.read_csv(path, header=None, dtype=np.float64).to_numpy()
    return Examples(np.delete(table[:, :-1], BIKE_LEAKS, axis=1), table[:, -1])


def parse_appliance_energy(path: Path) -> Examples:
    """Return the 27 measured columns, and the appliances' energy in Wh per ten minutes.

    The date is dropped. The two columns of random numbers that the authors added (``rv1``, ``rv2``)
    stay: they are part of the published table.
    """
    import pandas

    table = pandas.read_csv(path, skipinitialspace=True)
    x = table.drop(columns=["date", "Appliances"]).to_numpy(dtype=np.float64)
    return Examples(x, table["Appliances"].to_numpy(dtype=np.float64))


def parse_beijing_pm25(path: Path) -> Examples:
    """Return time and weather, and the PM2.5 concentration in µg/m³.

    Columns: year, month, day, hour, dew point, temperature, pressure, wind direction (NW, cv, NE,
    SE as 0/1), wind speed, hours of snow, hours of rain. Hours without a measured concentration
    (2,067 of 43,824) and the row number are dropped.
    """
    import pandas

    table = pandas.read_csv(path).dropna(subset=["pm2.5"])
    wind = table["cbwd"].to_numpy()[:, None] == np.array(_WIND_DIRECTIONS, dtype=object)
    time = table[["year", "month", "day", "hour", "DEWP", "TEMP", "PRES"]].to_numpy(np.float64)
    weather = table[["Iws", "Is", "Ir"]].to_numpy(np.float64)
    return Examples(np.hstack([time, wind, weather]), table["pm2.5"].to_numpy(np.float64))
