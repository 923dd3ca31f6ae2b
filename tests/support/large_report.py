"""A made-up paper as large as a report must bear: 10,000 trials and figures of all kinds."""

from __future__ import annotations

from pathlib import Path

from report_fixtures import FIGURES, SPEC, made_up_plan, write_yaml

from repro.planning.plan import Plan

#: The methods of the large plan that have a sweep.
LARGE_SWEPT = ("bottleneck", "vib", "nib", "hsic", "squared_nib")


def large_plan(folder: Path) -> Plan:
    """Return a plan of 10,000 trials, sweeps and claims among them as a real paper's spec has them.

    4 data sets, 10 methods, 150 seeds; on 2 data sets 4 more values for 5 methods, 100 seeds.
    """
    sweep = {"beta": {"sweep": [0.0, 0.001, 0.01, 0.1, 1.0], "table": 0.01}}
    methods = dict(SPEC["methods"])
    for name in ("squared_nib", "exp_nib", "median"):
        methods[name] = {"use": f"made_up.{name}", "role": "baseline", "label": name}
    for name in LARGE_SWEPT:
        methods[name] = methods[name] | {"params": sweep}
    small = SPEC["scales"]["small"] | {"seeds": 150}
    small["sweep"] = small["sweep"] | {"seeds": 100}
    return made_up_plan(folder, methods=methods, scales={"small": small})


def write_large_figures(folder: Path) -> None:
    """Write figures of all kinds for the large plan: six methods' curves on every data set."""
    curves = {"methods": ["bottleneck", "mse", "vib", "nib", "hsic", "released"]}
    curves["datasets"] = list(SPEC["datasets"])
    changes = {"information-plane": {"methods": list(LARGE_SWEPT)}, "training-curves": curves}
    figures = [figure | changes.get(figure["id"], {}) for figure in FIGURES["figures"]]
    write_yaml(folder, {"figures": figures})
