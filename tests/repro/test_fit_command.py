"""The verb `fit`: a file of points in, a law with intervals out, one line for each mistake."""

from __future__ import annotations

import contextlib
import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from repro.errors import UserError
from repro.fit import findings, models
from repro.fit.findings import Findings, Request, find
from repro.fit.models import ALL_FORMS
from repro.fit.picture import check_place, picture, write
from repro.fit.wording import as_json, text

ROOT = Path(__file__).resolve().parents[2]
SIZES = np.geomspace(1e3, 1e6, 7)


def write_csv(path: Path, columns: dict[str, Any]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(columns)
        rows.writerows(zip(*columns.values(), strict=True))
    return path


@pytest.fixture
def ladder(tmp_path: Path) -> Path:
    """Four seeds of a ladder of models: a constant of 1.65, an exponent of −0.4."""
    random = np.random.default_rng(3)
    n, seed = np.tile(SIZES, 4), np.repeat(np.arange(4), 7)
    loss = 1.65 + 8 * n**-0.4 + random.normal(0, 0.003, 4)[seed] + random.normal(0, 0.003, 28)
    return write_csv(tmp_path / "ladder.csv", {"N": n, "loss": loss, "run": seed})


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Sizes and compute of 30 runs, 2 of which ended far too high."""
    random = np.random.default_rng(4)
    n, d = np.exp(random.uniform(12, 18, 30)), np.exp(random.uniform(15, 22, 30))
    loss = (1.8 + 60 / n**0.35 + 120 / d**0.36) * np.exp(random.normal(0, 0.003, 30))
    loss[[3, 8]] += 5
    return write_csv(tmp_path / "runs.csv", {"Model Size": n, "FLOP": 6 * n * d, "nats": loss})


def request(path: Path, form: str = "", **options: Any) -> Request:
    keys = ("huber_delta", "drop_highest", "draws", "generator_seed")
    others = {key: options.pop(key) for key in keys if key in options}
    return Request(path, {"loss": "loss", **options}, form, **others)


def values(found: Findings) -> dict[str, float]:
    return {parameter.name: parameter.value for parameter in found.parameters}


def test_a_ladder_with_seeds_gives_the_law_with_its_intervals(ladder: Path) -> None:
    found = find(request(ladder, parameters="N", seed="run"))
    assert found.form == "power_law_with_constant"
    assert found.resampled == "4 seeds"
    for parameter, truth in zip(found.parameters, (1.65, 8.0, -0.4), strict=True):
        assert parameter.interval is not None
        assert parameter.interval[0] < truth < parameter.interval[1]
    constant = found.parameters[0]
    assert constant.profile is not None
    assert constant.profile[0] < 1.65 < constant.profile[1]
    assert found.extrapolations[0].form == "power_law_with_constant"


def test_size_and_compute_give_the_joint_form_with_tokens_from_compute(runs: Path) -> None:
    columns = {"parameters": "Model Size", "compute": "FLOP", "loss": "nats"}
    found = find(request(runs, drop_highest=2, draws=20, **columns))
    assert (found.form, found.huber_delta, len(found.points)) == ("joint", 1e-3, 28)
    assert values(found)["constant"] == pytest.approx(1.8, abs=0.15)
    exponents = values(found)
    alpha, beta = exponents["size_exponent"], exponents["token_exponent"]
    assert exponents["compute_exponent"] == pytest.approx(beta / (alpha + beta))
    with_outliers = find(request(runs, draws=0, **columns))
    assert len(with_outliers.points) == 30
    assert values(with_outliers) != values(found)


def test_tokens_and_the_compute_that_they_cost_are_the_same_joint_form(tmp_path: Path) -> None:
    n, d = (s.ravel() for s in np.meshgrid(np.geomspace(1e5, 1e8, 4), np.geomspace(1e7, 1e10, 4)))
    columns = {"n": n, "d": d, "c": 6 * n * d, "loss": 2 + 50 / n**0.4 + 90 / d**0.4}
    path = write_csv(tmp_path / "both.csv", columns)
    one = find(request(path, parameters="n", tokens="d", draws=0))
    other = find(request(path, parameters="n", compute="c", draws=0))
    assert values(other) == pytest.approx(values(one), rel=1e-6)


def test_the_best_size_for_compute_comes_from_the_frontier(tmp_path: Path) -> None:
    n = np.repeat(1e6 * 3.0 ** np.arange(7), 30)
    d = np.tile(np.geomspace(1e8, 3e11, 30), 7)
    loss = 1.7 + 400 / n**0.34 + 2000 / d**0.37
    columns = {"n": np.tile(n, 3), "c": np.tile(6 * n * d, 3), "run": np.repeat([0, 1, 2], n.size)}
    noise = np.random.default_rng(0).normal(0, 0.002, 3).repeat(n.size)
    path = write_csv(tmp_path / "curves.csv", {**columns, "loss": np.tile(loss, 3) + noise})
    named = {"parameters": "n", "compute": "c"}
    found = find(request(path, "optimal_size", seed="run", **named))
    assert values(found)["exponent"] == pytest.approx(0.37 / 0.71, abs=0.03)
    assert found.resampled == "3 seeds"
    assert find(request(path, "optimal_size", **named)).resampled == ""
    assert "5 models but the first and the last" in text(found)


def test_dropping_leaves_out_the_highest_and_keeps_the_order(ladder: Path) -> None:
    every = find(request(ladder, parameters="N", draws=0)).points
    left = find(request(ladder, parameters="N", draws=0, drop_highest=3)).points
    highest = set(np.sort(every.numbers["loss"])[-3:].tolist())
    expected = [value for value in every.numbers["loss"].tolist() if value not in highest]
    assert left.numbers["loss"].tolist() == expected


def test_a_delta_of_zero_means_least_squares(runs: Path) -> None:
    columns = {"parameters": "Model Size", "compute": "FLOP", "loss": "nats"}
    assert find(request(runs, huber_delta=0.0, draws=0, **columns)).huber_delta is None


def test_the_text_says_what_was_fitted_and_how(ladder: Path) -> None:
    shown = text(find(request(ladder, parameters="N", seed="run", huber_delta=0.01)))
    assert "28 points\n" in shown
    assert "power_law_with_constant: constant + coefficient · x^exponent; x: N" in shown
    assert "Huber's loss of the loss, δ = 0.01" in shown
    assert "bootstrap over 4 seeds (35 resamples, generator's seed 0)" in shown
    assert "last_value" in shown


def test_json_holds_every_number_and_nothing_that_json_has_not(ladder: Path) -> None:
    found = find(request(ladder, parameters="N", seed="run"))
    content = json.loads(as_json(found), parse_constant=pytest.fail)
    assert content["parameters"]["exponent"]["estimate"] == values(found)["exponent"]
    assert content["parameters"]["constant"]["profile_interval"] == list(
        found.parameters[0].profile or ()
    )
    assert (content["points"], content["dropped"], content["resamples"]) == (28, 0, 35)
    assert [one["form"] for one in content["extrapolation"]][-1] == "last_value"


def test_nothing_but_numbers_and_null_where_the_points_do_not_determine_the_curve(
    tmp_path: Path,
) -> None:
    path = write_csv(tmp_path / "flat.csv", {"N": [1, 10, 100, 1000], "loss": [2, 2, 2, 1]})
    found = find(request(path, parameters="N"))
    content = json.loads(as_json(found), parse_constant=pytest.fail)
    assert content["parameters"]["constant"]["profile_interval"] is None
    assert any("do not determine the exponent" in note for note in content["notes"])


def test_losses_that_rise_with_size_and_tokens_have_no_best_size(tmp_path: Path) -> None:
    """Both exponents end at 0, and their ratio is no number."""
    n, d = (s.ravel() for s in np.meshgrid(np.geomspace(1e4, 1e7, 5), np.geomspace(1e6, 1e9, 5)))
    columns = {"N": n, "D": d, "loss": 2 + 0.1 * np.log(n) + 0.1 * np.log(d)}
    path = write_csv(tmp_path / "rising.csv", columns)
    found = find(request(path, parameters="N", tokens="D", draws=5))
    content = json.loads(as_json(found), parse_constant=pytest.fail)["parameters"]
    assert (content["size_exponent"]["estimate"], content["token_exponent"]["estimate"]) == (0, 0)
    assert content["compute_exponent"]["estimate"] is None
    assert content["compute_exponent"]["interval"] is None
    assert "nan" not in text(found)


def _notes(path: Path, form: str = "", **options: Any) -> list[str]:
    return list(json.loads(as_json(find(request(path, form, parameters="N", **options))))["notes"])


PLACES = np.array([1.0, 4.0, 9.0, 16.0, 36.0, 64.0])


def test_a_constant_that_is_no_asymptote_is_called_so(tmp_path: Path) -> None:
    losses = [0.603, 0.508, 0.453, 0.412, 0.288, 0.205]
    path = write_csv(tmp_path / "falling.csv", {"N": PLACES, "loss": losses})
    found = find(request(path, parameters="N"))
    assert values(found)["constant"] > max(losses)
    note = "the curve does not level off: its constant is its limit at x → 0, and no asymptote"
    assert note in text(found)
    assert any(note in one for one in _notes(path, draws=0))
    growing = write_csv(tmp_path / "up.csv", {"N": PLACES, "loss": 1 + 0.1 * np.exp(PLACES / 50)})
    (note,) = _notes(growing, "exponential_with_constant", draws=0)
    assert "does not level off: its constant is its limit at x → −∞" in note
    assert _notes(path, "power_law", draws=0) == []


def test_a_curve_that_levels_off_needs_no_note(ladder: Path) -> None:
    assert _notes(ladder, seed="run") == []
    assert _notes(ladder, "logarithmic", seed="run") == []


@pytest.mark.parametrize(
    ("form", "losses", "line"),
    [
        ("power_law_with_constant", 5 - 0.3 * np.log(PLACES), "a logarithm"),
        ("exponential_with_constant", 5 - 0.01 * PLACES, "a straight line"),
    ],
)
def test_the_flattest_curve_is_called_the_line_that_it_is(
    tmp_path: Path, form: str, losses: Any, line: str
) -> None:
    path = write_csv(tmp_path / "line.csv", {"N": PLACES, "loss": losses})
    found = find(request(path, form, parameters="N", draws=0))
    assert abs(values(found)["constant"]) > 1e4
    assert all(parameter.profile is None for parameter in found.parameters)
    (note,) = found.notes
    assert f"do not tell the curve from {line}" in note
    assert "flattest" in note


def test_a_constant_whose_resamples_do_not_level_off_has_no_interval(tmp_path: Path) -> None:
    good, bad = 0.5 + PLACES**-0.8, 1.5 - 0.1 * PLACES**0.2
    columns = {
        "N": np.tile(PLACES, 3),
        "loss": np.concatenate([good, good + 0.01, bad]),
        "run": np.repeat([0, 1, 2], 6),
    }
    found = find(request(write_csv(tmp_path / "three.csv", columns), parameters="N", seed="run"))
    constant, _, exponent = found.parameters
    assert (constant.standard_error, constant.interval) == (None, None)
    assert exponent.interval is not None
    assert "4% of the resamples do not level off: the constant is undetermined" in found.notes
    good_seeds = columns["run"] < 2
    two = {name: column[good_seeds] for name, column in columns.items()}
    found = find(request(write_csv(tmp_path / "two.csv", two), parameters="N", seed="run"))
    assert found.parameters[0].interval is not None


def test_only_what_is_on_the_logarithm_is_said_to_be(ladder: Path, runs: Path) -> None:
    shown = text(find(request(ladder, parameters="N", seed="run")))
    assert "generator's seed 0); coefficient on the logarithm\n" in shown
    joint: dict[str, Any] = {
        "parameters": "Model Size",
        "compute": "FLOP",
        "loss": "nats",
        "drop_highest": 2,
    }
    shown = text(find(request(runs, draws=20, **joint)))
    assert "; size_coefficient and token_coefficient on the logarithm\n" in shown
    assert "on the logarithm" not in text(
        find(request(ladder, "logarithmic", parameters="N", seed="run"))
    )


def test_resamples_of_many_points_are_few_and_said_to_be(
    ladder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = find(request(ladder, parameters="N", draws=50))
    assert every.notes == ()
    monkeypatch.setattr(findings, "_MOST_REFITTED", 28 * 12)
    monkeypatch.setattr(models, "MOST_PROFILED", 20)
    few = find(request(ladder, parameters="N", draws=50))
    assert few.bootstrap is not None
    assert few.bootstrap.chances.size == 12
    assert few.bootstrap.degrees_of_freedom == 11
    assert few.notes[0].startswith("no profile likelihood: of more than 20 points")
    assert few.notes[1].startswith("12 resamples at most, not 50: each is a fit to 28 points.")
    constant = few.parameters[0]
    assert constant.profile is None
    assert constant.interval is not None
    assert constant.standard_error is not None
    reach = (constant.interval[1] - constant.interval[0]) / 2
    assert reach == pytest.approx(2.201 * constant.standard_error, rel=1e-3)
    # Four seeds have 35 different resamples: all are more than may be taken here.
    seeded = find(request(ladder, parameters="N", seed="run", draws=50))
    assert seeded.bootstrap is not None
    assert seeded.bootstrap.chances.size == 12
    assert "12 resamples" in text(seeded)


@pytest.mark.parametrize(("mark", "name"), [("\t", "tabs"), (";", "semicolons")])
def test_another_separator_than_the_comma_is_named(tmp_path: Path, mark: str, name: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(f"N{mark}loss\n10{mark}2\n")
    with pytest.raises(UserError, match=f"has {name} and no commas"):
        find(request(path, parameters="N"))


@pytest.mark.parametrize("ending", [".pdf", ".png", ".svg"])
def test_a_picture_is_a_file_of_its_ending(ladder: Path, tmp_path: Path, ending: str) -> None:
    found = find(request(ladder, parameters="N", seed="run"))
    place = tmp_path / "new folder" / f"fit{ending}"
    write(found, place)
    start = {".pdf": b"%PDF", ".png": b"\x89PNG", ".svg": b"<?xml"}[ending]
    assert place.read_bytes().startswith(start)


def test_a_picture_shows_every_point_and_the_curve_with_its_band(ladder: Path) -> None:
    found = find(request(ladder, parameters="N", seed="run"))
    data = picture(found)
    (series,) = data.panels[0].series
    assert len(series.points) == 28
    assert (data.x_label, data.y_label, data.spec.log) == ("N", "loss", "x")
    for point in series.curve:
        assert point.y_interval is not None
        assert point.y_interval[0] < point.y < point.y_interval[1]


def test_the_joint_picture_shows_how_far_predictions_are_off(runs: Path) -> None:
    columns = {"parameters": "Model Size", "compute": "FLOP", "loss": "nats"}
    found = find(request(runs, draws=0, drop_highest=2, **columns))
    data = picture(found)
    assert [panel.x_label for panel in data.panels] == ["Model Size", "tokens"]
    size = found.points.numbers["parameters"]
    tokens = found.points.numbers["compute"] / 6 / size
    a = values(found)
    predicted = (
        a["constant"]
        + a["size_coefficient"] / size ** a["size_exponent"]
        + a["token_coefficient"] / tokens ** a["token_exponent"]
    )
    expected = predicted / found.points.numbers["loss"] - 1
    assert [point.y for point in data.panels[0].series[0].points] == pytest.approx(list(expected))


@pytest.mark.parametrize("name", ["fit.docx", "fit"])
def test_a_picture_of_an_unknown_format_is_refused_before_anything_is_fitted(name: str) -> None:
    with pytest.raises(UserError, match=r"ends in \.pdf, \.png, \.svg"):
        check_place(Path(name))


@pytest.mark.parametrize(
    ("content", "options", "why"),
    [
        ("N,loss\n1,2\n", {"parameters": "n"}, r"no column 'n' for --parameters; valid: N, loss"),
        ("size,loss\n1,2\n", {"parameters": "sise"}, r"did you mean 'size'\?"),
        ("N,Loss\n1,2\n", {"parameters": "N"}, r"no column 'loss' for --loss; did you mean 'Loss'"),
        ("N,loss\n1,2\n10,x2\n", {"parameters": "N"}, r"line 3: column 'loss' holds 'x2'"),
        ("N,loss\n1,2\n\n10,\n", {"parameters": "N"}, r"line 4: column 'loss' is empty"),
        ("N,loss\n1,2\n1_000,1\n", {"parameters": "N"}, r"line 3: .* '1_000', which is not a num"),
        (
            "N,loss\n1,2\n",
            {"parameters": "N", "tokens": "N"},
            r"--parameters and --tokens name one column, 'N'",
        ),
        ("N,loss\n1,2\n", {"parameters": "loss"}, r"--loss and --parameters name one column"),
        ("N,loss\n1,2\n10,nan\n", {"parameters": "N"}, r"line 3: column 'loss' holds nan"),
        ("N,loss\n1,2\n10,-inf\n", {"parameters": "N"}, r"line 3: column 'loss' holds -inf"),
        ("N,loss\n1,2\n0,2\n", {"parameters": "N"}, r"line 3: column 'N' holds 0, .* above 0"),
        (
            "N,D,loss\n1,2,-3\n",
            {"parameters": "N", "tokens": "D"},
            r"line 2: column 'loss' holds -3",
        ),
        ("N,loss\n1,2\n10\n", {"parameters": "N"}, r"line 3: 1 cells, but column 2"),
        ("N,loss\n1,2\n10,1\n", {"parameters": "N"}, r"2 points do not do for power_law_with_con"),
        ("N,D,loss\n1,2,3\n", {"parameters": "N", "tokens": "D"}, r"5 parameters need as many"),
        ("N,N,loss\n1,2,3\n", {"parameters": "N"}, r"2 columns are called 'N'"),
        ("N,loss\n", {"parameters": "N"}, r"no line follows the header"),
        ("", {"parameters": "N"}, r"the first line is empty"),
        ('N,loss\n1,"2\n', {"parameters": "N"}, r"line 2: unexpected end of data"),
        ("N,loss,s\n1,2,\n", {"parameters": "N", "seed": "s"}, r"line 2: column 's' is empty"),
        ("N,loss\n1,2\n", {}, r"--parameters, --tokens or --compute.*none is named"),
        ("N,loss\n1,2\n", {"parameters": "N", "form": "cubic"}, r"unknown form 'cubic'; valid: "),
        ("N,loss\n1,2\n", {"parameters": "N", "form": "jiont"}, r"did you mean 'joint'"),
        (
            "N,loss\n1,2\n",
            {"parameters": "N", "form": "joint"},
            r"over --parameters --tokens or --parameters --compute, not over --parameters$",
        ),
        ("N,loss\n1,2\n", {"parameters": "N", "drop_highest": 1}, r"1 points, so 1 cannot"),
        ("N,loss\n1,2\n", {"parameters": "N", "drop_highest": -1}, r"--drop-highest is -1"),
        ("N,loss\n1,2\n", {"parameters": "N", "huber_delta": -1.0}, r"--huber-delta is -1"),
        (
            "N,loss\n1,2\n",
            {"parameters": "N", "huber_delta": float("nan")},
            r"--huber-delta is nan",
        ),
        ("N,loss\n1,2\n", {"parameters": "N", "draws": -1}, r"--draws"),
    ],
)
def test_a_mistake_is_one_line_that_says_where(
    tmp_path: Path, content: str, options: dict[str, Any], why: str
) -> None:
    path = tmp_path / "points.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=why) as caught:
        find(request(path, **options))
    assert "\n" not in str(caught.value)


def test_places_that_hold_no_table_are_refused(tmp_path: Path) -> None:
    (tmp_path / "latin.csv").write_bytes("N,loss,Größe\n".encode("latin-1"))
    (tmp_path / "zeros.csv").write_bytes(b"N,loss\n1,\x002\n")
    cases = {
        "none.csv": "there is no such file",
        ".": "it is a folder",
        "latin.csv": "not a text in UTF-8",
        "zeros.csv": "line 2",
    }
    for name, why in cases.items():
        with pytest.raises(UserError, match=why):
            find(request(tmp_path / name, parameters="N"))


def test_what_spreadsheets_write_is_read(tmp_path: Path) -> None:
    lines = ["N , loss", *(f" {n:.0f}, {1.5 + 3 * n**-0.5:.9f}" for n in SIZES), ""]
    path = tmp_path / "bom.csv"
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    found = find(request(path, parameters="N", draws=0))
    assert values(found) == pytest.approx(
        {"constant": 1.5, "coefficient": 3.0, "exponent": -0.5}, rel=1e-3
    )


CELLS = st.one_of(
    st.floats(allow_nan=True).map(str),
    st.integers(-5, 10**30).map(str),
    st.sampled_from(["", " ", "1e999", "0x10", "1,5", '"', "nan", "١٢", "1_000", "\x00", "é"]),
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=st.lists(st.lists(CELLS, max_size=4), max_size=8),
    form=st.sampled_from(("", *ALL_FORMS)),
    delta=st.sampled_from([None, 0.0, 1e-3]),
    dropped=st.integers(0, 3),
)
def test_any_file_gives_a_fit_or_one_line(
    tmp_path: Path, rows: list[list[str]], form: str, delta: float | None, dropped: int
) -> None:
    path = tmp_path / "any.csv"
    lines = ["N,D,loss", *(",".join(row) for row in rows)]
    path.write_text("\n".join(lines), encoding="utf-8")
    named = {"parameters": "N", "tokens": "D"} if form == "joint" else {"parameters": "N"}
    options = {"huber_delta": delta, "drop_highest": dropped, "draws": 5}
    with contextlib.suppress(UserError):
        found = find(request(path, form, **named, **options))
        json.loads(as_json(found), parse_constant=pytest.fail)
        assert text(found)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "repro", "fit", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_command_prints_the_fit_and_writes_the_picture(ladder: Path, tmp_path: Path) -> None:
    place = tmp_path / "fit.png"
    shown = run(str(ladder), "--parameters", "N", "--seed", "run", "--json", "--plot", str(place))
    assert shown.returncode == 0, shown.stderr
    content = json.loads(shown.stdout)
    assert content["parameters"]["constant"]["estimate"] == pytest.approx(1.65, abs=0.02)
    assert place.read_bytes().startswith(b"\x89PNG")


def test_a_mistake_on_the_command_line_is_one_line_and_status_2(ladder: Path) -> None:
    twice = ["--parameters", "N", "--tokens", "N"]
    for arguments in (["--parameters", "M"], twice, ["--parameters", "N", "--plot", "fit.txt"]):
        shown = run(str(ladder), *arguments)
        assert shown.returncode == 2
        assert len(shown.stderr.strip().splitlines()) == 1
        assert shown.stderr.startswith("repro: ")
        assert shown.stdout == ""


def test_a_place_that_takes_no_picture_is_refused_before_the_fit(
    ladder: Path, tmp_path: Path
) -> None:
    taken = tmp_path / "file"
    taken.write_text("no folder")
    shown = run(str(ladder), "--parameters", "N", "--plot", str(taken / "below" / "fit.pdf"))
    assert shown.returncode == 2
    assert f"nothing can be written into {taken}" in shown.stderr
    assert shown.stdout == ""
