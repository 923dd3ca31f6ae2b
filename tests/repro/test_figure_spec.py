"""What a figures file may say: every mistake is one clear line with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from figure_fixtures import OVERALL, TUNING
from report_fixtures import PAPER, SPEC, write_spec

from repro import paths
from repro.errors import UserError
from repro.report.figures.checks import KEYS
from repro.report.figures.spec import FigureSpec, load_figures
from repro.spec import available_papers, load_spec

POINTS = {"id": "error", "kind": "points", "title": "Error", "metric": "rmse"}
FRONTIER = {"kind": "frontier", "x": "compression", "y": "information", "sweep": "beta"}
SWEEP = {"kind": "sweep", "metric": "rmse", "sweep": "beta"}
FIT = {"kind": "fit", "metric": "fgsm_rmse", "form": "linear"}
ONE = {"methods": ["mse"]}
RESIDUALS = {"kind": "residuals", "metric": "fgsm_rmse", "forms": ["linear"], **ONE}
LIKELIHOOD = FIT | {"kind": "likelihood", "parameter": "slope", **ONE}
LADDER = {"kind": "ladder", "metric": "fgsm_rmse", **ONE}
IMAGES = {"kind": "images", "files": ["digit.png"]}
OTHER_SWEEP = {"params": {"activation": {"sweep": ["relu", "tanh"], "table": "relu"}}}


def _load(folder: Path, monkeypatch: pytest.MonkeyPatch, *figures: dict[str, Any], **spec: Any):
    monkeypatch.setattr(paths, "FIGURES", folder / "figures")
    (folder / "figures").mkdir()
    (folder / "figures" / f"{PAPER}.yaml").write_text(yaml.safe_dump({"figures": list(figures)}))
    return load_figures(write_spec(folder / "tables", **spec))


def _figure(change: dict[str, Any]) -> dict[str, Any]:
    """Return a figure of points, or of the changed kind with that kind's keys alone."""
    bare = {key: value for key, value in POINTS.items() if key != "metric"}
    return (bare if change.get("kind", "points") != "points" else POINTS) | change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kindd": "points"}, "unknown key 'kindd'"),
        ({"metric": "rmsee"}, "unknown metric 'rmsee'; did you mean 'rmse'"),
        ({"methods": ["vibb"]}, "unknown method 'vibb'; did you mean 'vib'"),
        ({"datasets": ["gausian"]}, "did you mean 'gaussian'"),
        ({"metric": ""}, "metric: required for kind 'points'"),
        ({"metric": "fgsm_rmse@0.3"}, "did you mean 'fgsm_rmse@0.2'"),
        ({"metric": "fgsm_rmse"}, "unknown metric 'fgsm_rmse'"),
        ({"id": "a/b"}, "an id names files"),
        ({"kind": "pie"}, "kind"),
        ({"kind": "levels", "metric": "rmse"}, "'rmse' has no levels"),
        ({"kind": "levels", "metric": "fgsm_rms"}, "did you mean 'fgsm_rmse'"),
        ({"kind": "levels", "metric": "fgsm_rmse", "base": "rms"}, ".base: unknown metric 'rms'"),
        (FRONTIER | {"x": "compresion"}, ".x: unknown metric 'compresion'; did you mean"),
        (FRONTIER | {"sweep": "bata"}, "unknown swept parameter 'bata'; did you mean 'beta'"),
        (FRONTIER | {"methods": ["mse"]}, "'mse' has no sweep of 'beta'"),
        (SWEEP | {"sweep": "activation"}, "value 'relu' of 'nib' is no number"),
        (SWEEP | {"sweep": "shift", "log": "x"}, "value -1 of 'nib' has no place on a log axis"),
        (SWEEP | {"sweep": ""}, ".sweep: required for kind 'sweep'"),
        ({"log": "y"}, ".log: the rows of 'points' have no scale"),
        ({"log": "z"}, "log"),
        ({"kind": "bars", "metric": "rmse", "log": "y"}, ".log: kind 'bars' does not use it"),
        ({"sweep": "beta"}, ".sweep: kind 'points' does not use it; valid: metric, log, x_label"),
        ({"kind": "scatter", "x": "rmse"}, ".y: required for kind 'scatter'"),
        ({"kind": "scatter", "x": "rmse", "y": "rmse", "per": "trial"}, "per"),
        (FIT | {"form": "lineer"}, "unknown form 'lineer'; did you mean 'linear'"),
        (FIT | {"form": "power_law", "base": "rmse"}, "'power_law' takes ln x, but an x is 0"),
        (FIT | {"metric": "rmse"}, "'rmse' has no levels"),
        (IMAGES | {"files": ["../digit.png"]}, "'../digit.png' is not inside"),
        (IMAGES | {"files": ["/digit.png"]}, "'/digit.png' is not inside"),
        (IMAGES | {"files": ["digit.pdf"]}, "'digit.pdf' is no image"),
        (IMAGES | {"seed": -1}, "seeds count from 0, is -1"),
        ({"kind": "images"}, ".files: required"),
        (RESIDUALS | {"forms": ["lineer"]}, ".forms: unknown form 'lineer'"),
        (RESIDUALS | {"methods": ["mse", "vib"]}, "'residuals' shows one method; name one"),
        (RESIDUALS | {"methods": None}, ".methods: required for kind 'residuals'"),
        (RESIDUALS | {"form": "linear"}, ".form: kind 'residuals' does not use it"),
        (RESIDUALS | {"falling": True}, "it is 'power_law_with_constant' that can be held to fall"),
        (LIKELIHOOD | {"parameter": "slop"}, "of 'linear' 'slop'; did you mean 'slope'"),
        (
            LIKELIHOOD
            | {"form": "power_law_with_constant", "parameter": "exponent", "falling": True},
            ".parameter: with 'falling' the constant alone has a likelihood",
        ),
        (LADDER | {"metric": "rmse"}, "'rmse' has no levels"),
        (LADDER | {"metric": "signed"}, ".metric: a level of 'signed' is no size: 0 or less"),
        (LADDER | {"against": "tokens"}, "against"),
        (
            LADDER | {"below": True},
            ".below: only a law that is held to fall ('falling') lies below",
        ),
        (LADDER | {"form": "linear"}, ".form: only 'against: compute' has a frontier"),
        (LADDER | {"from_share": 0.2}, ".from_share: only 'against: compute' has a frontier"),
        (LADDER | {"against": "compute", "from_share": 1.0}, "from 0 to below 1"),
        (LADDER | {"kind": "optimum", "form": "linear"}, ".form: kind 'optimum' does not use it"),
        ({"kind": "advantage", "claim": "robst"}, "unknown claim 'robst'; did you mean 'robust'"),
        ({"kind": "advantage", "claim": "robust", "datasets": ["skewed"]}, "does not use it"),
        ({"kind": "profile", "overall": "mean"}, "unknown profile among 'overall:' 'mean'"),
        ({"kind": "tuning"}, "the table spec has no 'tuning:'"),
    ],
)
def test_a_wrong_figure_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], message: str
) -> None:
    shift = {"shift": {"sweep": [-1, 1], "table": 1}}
    nib = SPEC["methods"]["nib"] | {"params": OTHER_SWEEP["params"] | shift}
    signed = {"label": "Signed", "better": "lower", "levels": ["-1", "2"]}
    changes = {
        "methods": SPEC["methods"] | {"nib": nib},
        "metrics": SPEC["metrics"] | {"signed": signed},
        "overall": OVERALL,
    }
    with pytest.raises(UserError) as caught:
        _load(tmp_path, monkeypatch, _figure(change), **changes)
    assert message in str(caught.value)
    assert str(tmp_path / "figures" / f"{PAPER}.yaml") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_two_figures_of_one_name_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError, match="this id is used twice"):
        _load(tmp_path, monkeypatch, POINTS, POINTS)


def test_levels_that_are_no_numbers_cannot_be_an_axis(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    levels = {"label": "Attack", "better": "lower", "levels": ["weak", "strong"]}
    metrics = SPEC["metrics"] | {"attack": levels}
    figure = {"id": "attack", "kind": "levels", "title": "Attack", "metric": "attack"}
    with pytest.raises(UserError, match="level 'weak' of 'attack' is no number"):
        _load(tmp_path, monkeypatch, figure, metrics=metrics)


def test_tuning_can_be_drawn_where_there_is_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figure = {"id": "tuning", "kind": "tuning", "title": "Tuning"}
    metrics = SPEC["metrics"] | {"validation_rmse": {"label": "Validation", "better": "lower"}}
    loaded = _load(tmp_path, monkeypatch, figure, tuning=TUNING, metrics=metrics)
    assert loaded[0].kind == "tuning"


def test_every_key_of_a_kind_exists_and_every_key_has_a_kind() -> None:
    fields = set(FigureSpec.__dataclass_fields__)
    used = {key for needed, allowed in KEYS.values() for key in (*needed, *allowed)}
    assert used | {"id", "kind", "title", "caption"} == fields
    assert FigureSpec.__doc__ is not None
    for kind in KEYS:
        assert f"``{kind}``" in FigureSpec.__doc__


@pytest.mark.parametrize("paper", available_papers())
def test_the_papers_own_figures_name_what_their_specs_have(paper: str) -> None:
    assert load_figures(load_spec(paper))
