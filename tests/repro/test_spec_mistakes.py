"""Malformed specs, and verbs that take one paper: one line, with its place, never a traceback."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from checkout import TOY, Checkout

from repro.errors import UserError
from repro.spec import load_spec

TEXT = (TOY / "toy.yaml").read_text(encoding="utf-8")
CLAIM = yaml.safe_load(TEXT)["claims"][0]


def mistake(folder: Path, content: bytes) -> str:
    (folder / "toy.yaml").write_bytes(content)
    with pytest.raises(UserError) as caught:
        load_spec("toy", folder)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    return message


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"claims": {"a": 1}}, "claims: must be a list"),
        ({"claims": "x"}, "claims: must be a list"),
        ({"reported": {"a": 1}}, "reported: must be a list"),
        ({"metrics": [1]}, "metrics: must be a mapping"),
        ({"claims": [1]}, "claims[0]: must be a mapping"),
        ({"claims": [CLAIM | {"kind": "beter"}]}, "claims.nearer.kind: invalid value 'beter'"),
        ({"claims": [CLAIM | {"kidn": "x"}]}, "claims.nearer.kidn: unknown key"),
        ({"claims": [CLAIM | {"over": []}]}, "claims.nearer.over: names no data set"),
        ({"reported": [{"vaule": "1"}]}, "reported[0].vaule: unknown key"),
        ({"overall": [{"id": "a", "statistic": "men"}]}, "overall.a.statistic: invalid value"),
        (
            {"claims": [CLAIM | {"kind": "frontier", "cost": "effort", "budgets": [1.0]}]},
            "claims.nearer.than: 'far' has no parameter with a sweep",
        ),
        (
            {"claims": [CLAIM | {"kind": "frontier", "cost": "error", "budgets": [1.0]}]},
            "claims.nearer.cost: 'error' is the claim's metric",
        ),
        (
            {"claims": [CLAIM | {"kind": "gap_closed", "reference": "far", "at_least": 0.5}]},
            "'far' is the only rival",
        ),
    ],
)
def test_a_malformed_part_is_named(tmp_path: Path, change: dict[str, Any], expected: str) -> None:
    content = yaml.safe_dump(yaml.safe_load(TEXT) | change, sort_keys=False)
    assert expected in mistake(tmp_path, content.encode())


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"paper: toy\ntitle: caf\xe9\n", "not valid UTF-8"),
        (b"- 1\n", "must be a mapping"),
        (b"1\n", "must be a mapping"),
    ],
)
def test_a_file_that_is_no_spec_is_one_line(tmp_path: Path, content: bytes, expected: str) -> None:
    assert expected in mistake(tmp_path, content)


def test_verbs_for_one_paper_refuse_all(checkout: Checkout) -> None:
    other = TEXT.replace("paper: toy", "paper: second", 1)
    (checkout.root / "tables" / "second.yaml").write_text(other, encoding="utf-8")
    shutil.copy(checkout.root / "figures" / "toy.yaml", checkout.root / "figures" / "second.yaml")
    for arguments in (["explain", "all"], ["export", "all"], ["logs", "all", "ab"]):
        shown = checkout.repro(*arguments, "--scale", "smoke")
        assert shown.returncode == 2
        assert shown.stderr.strip().endswith("name one of second, toy")
    checkout.spec.write_bytes(b"- 1\n")
    shown = checkout.repro("list")
    assert shown.returncode == 0, shown.stderr
    assert "second" in shown.stdout
    assert "toy.yaml: must be a mapping" in shown.stdout


def test_a_failing_rerun_leaves_the_earlier_result(checkout: Checkout) -> None:
    smoke = ("--scale", "smoke")
    checkout.repro("reproduce", "toy", *smoke, "--methods", "far")
    trial = checkout.trials()[0]
    before = {name: (trial / name).read_bytes() for name in ("result.json", "metrics.jsonl")}
    source = checkout.root / "baselines" / "toy" / "__init__.py"
    source.write_text(source.read_text().replace('if self.ending == "raise"', "if True"))
    shown = checkout.repro("run-trial", "toy", trial.name, *smoke)
    assert shown.returncode == 1, shown.stderr
    assert "the rival gives up" in shown.stdout
    assert "earlier result stays" in shown.stdout
    assert {name: (trial / name).read_bytes() for name in before} == before
    assert not (trial / "error.json").exists()
