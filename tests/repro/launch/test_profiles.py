"""Cluster profiles: what they may say, and each mistake as one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from repro.errors import UserError
from repro.launch.profile import (
    ClusterProfile,
    job_resources,
    load_profile,
    profile_names,
    profile_path,
)
from repro.paths import ROOT
from repro.spec import Resources


def written(folder: Path, **content: Any) -> str:
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump(content))
    return str(path)


@pytest.mark.parametrize("name", profile_names())
def test_the_profiles_that_come_along_load(name: str) -> None:
    assert load_profile(name).time_minutes > 0


def test_every_key_of_a_profile_is_shown_in_the_example() -> None:
    """A user finds in gpu.yaml all that can be said, commented out where it is optional."""
    text = (ROOT / "slurm" / "gpu.yaml").read_text()
    rare = {"poll_seconds", "client"}
    for key in ClusterProfile.__dataclass_fields__.keys() - rare:
        assert f"{key}:" in text, key


def test_a_file_of_the_users_may_lie_anywhere(tmp_path: Path) -> None:
    profile = load_profile(written(tmp_path, partition="long", setup=["module load cuda"]))
    assert profile.partition == "long"
    assert profile.setup == ["module load cuda"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"partitoin": "gpu"}, "unknown key 'partitoin'; did you mean 'partition'?"),
        ({"time_minutes": "2h"}, "time_minutes: "),
        ({"time_minutes": 0}, "time_minutes: must be more than 0"),
        ({"parallel": 0}, "parallel: must be more than 0"),
        ({"memory_gb": -1}, "memory_gb: must be more than 0"),
        ({"time_minutes": 2, "signal_seconds": 120}, "signal_seconds: must be from 1 to less than"),
        ({"gres": "gpu:a100:4"}, "gres: must say {gpus}"),
        ({"gres": "gpu:{gpus}:{kind}"}, "gres: must say {gpus}"),
        ({"gres": "gpu:{gpus"}, "gres: must say {gpus}"),
        ({"environment": {"HF HOME": "/x"}}, "environment.HF HOME: is no name of a variable"),
        ({"sbatch": {"time": "1:00:00"}}, "sbatch.time: is set by the launcher"),
        ({"sbatch": {"cpus_per_task": 4}}, "sbatch.cpus_per_task: is set by the launcher"),
        ({"sbatch": {"dependency": "afterok:1"}}, "sbatch.dependency: is set by the launcher"),
        ({"sbatch": {"exclusive": False}}, "sbatch.exclusive: must be a text"),
        ({"sbatch": {"comment": ["a"]}}, "sbatch.comment: must be a text"),
        ({"setup": "module load cuda"}, "setup: must be a list"),
        ({"sbatch": {"array": "0-3"}}, "sbatch.array: is set by the launcher"),
        ({"sbatch": {"partition": "x"}}, "sbatch.partition: is set by the launcher"),
    ],
)
def test_a_mistake_is_one_line_with_its_place(
    tmp_path: Path, content: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError) as problem:
        load_profile(written(tmp_path, **content))
    assert message in str(problem.value)
    assert str(problem.value).startswith(f"{tmp_path / 'mine.yaml'}: ")
    assert "\n" not in str(problem.value)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "LAUNCHER=slurm needs CLUSTER=<profile>; valid: "),
        ("gpo", "unknown profile 'gpo'; did you mean 'gpu'?"),
        ("no/such.yaml", "there is no such file"),
    ],
)
def test_a_profile_that_is_not_there(name: str, message: str) -> None:
    with pytest.raises(UserError, match=message.replace("?", r"\?")):
        profile_path(name)


def test_jobs_ask_for_what_the_spec_needs_as_the_profile_changes_it() -> None:
    needed = Resources(gpus=2, cpus=4, memory_gb=1.5)
    plain = job_resources(needed, ClusterProfile())
    assert plain == {"mem": "1536M", "cpus_per_task": 4, "gpus_per_node": 2}
    typed = job_resources(needed, ClusterProfile(gres="gpu:a100:{gpus}", memory_gb=64, cpus=16))
    assert typed == {"mem": "65536M", "cpus_per_task": 16, "gres": "gpu:a100:2"}
    assert "gres" not in job_resources(Resources(), ClusterProfile(gres="gpu:{gpus}"))
