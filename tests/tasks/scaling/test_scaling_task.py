"""The task end to end on tiny ladders: shared models, pinned metrics, finetuning, bad settings."""

import json
import math
from dataclasses import asdict

import pytest
import torch

from baselines.scaling.last_value import LastValue
from methods.scaling_laws import PowerLawWithConstant
from models.language import Architecture, build_model
from repro.context import RunContext
from repro.errors import UserError
from tasks.scaling import Scaling, finetuning
from tasks.scaling.domains import Labelled
from tasks.scaling.finetuning import finetuned
from tasks.scaling.ladder import train_rung

LADDER = ((4, 2), (6, 2), (8, 2), (10, 2), (12, 2))
TINY = Scaling(ladder=LADDER, steps=6, tokens=256, warmup=2, looks=4, finetune_steps=2)


@pytest.fixture(autouse=True)
def _on_one_thread(one_thread: None) -> None:
    pass


def run(folder, dataset="markov_chain", method=None, task=TINY):
    own = folder / type(method or PowerLawWithConstant()).__name__
    own.mkdir(parents=True)
    context = RunContext("t", dataset, 0, own, artifact_root=folder / "artifacts")
    return task.run(method or PowerLawWithConstant(), context), context


def test_methods_share_one_ladder(tmp_path):
    metrics, context = run(tmp_path)
    others, other = run(tmp_path, method=LastValue())
    assert context.artifacts_used == other.artifacts_used
    assert len(context.artifacts_used) == 5
    ours = (
        "size_error",
        "compute_error",
        "forecast_error",
        "constant",
        "compute_constant",
        "joint_constant",
    )
    assert metrics.keys() - others.keys() == {"joint_constant"}
    assert all(metrics[name] == others[name] for name in metrics if name not in ours)
    assert all(math.isfinite(value) for name, value in metrics.items() if "best" not in name)
    lines = [json.loads(line) for line in (context.directory / "metrics.jsonl").open()]
    assert lines[-1]["step"] == 6 * 256
    # N grows with the square of the width: 4² to 12².
    assert {name for name in lines[0] if "@" in name} == {f"loss@{r}" for r in (1, 2, 4, 6, 9)}


def test_a_second_run_is_the_same_and_pinned(tmp_path):
    first, _ = run(tmp_path / "a")
    again, _ = run(tmp_path / "b")
    assert first == again or all(
        a == b or (math.isnan(a) and math.isnan(b))
        for a, b in zip(first.values(), again.values(), strict=True)
    )


@pytest.mark.parametrize(
    ("dataset", "names"),
    [
        ("paired_sequences", {"information@1", "information_gain@9", "divergence@4"}),
        ("mathematics", {"extrapolation_loss@1", "matched_extrapolation@9"}),
        ("digits", {"classification_loss@1", "error_rate@9"}),
    ],
)
def test_each_domain_has_its_own_metrics(tmp_path, dataset, names):
    metrics, _ = run(tmp_path, dataset)
    assert names <= metrics.keys()


def test_rungs_are_trained_with_the_rate_of_their_size(tmp_path):
    rung = TINY._rung("markov_chain", 0, (8, 2))
    assert rung.size == 12 * 2 * 64
    assert rung.rate == pytest.approx(5e-3 * (1536 / 12288) ** -0.25)
    assert rung.look_steps()[-1] == 6
    train_rung(tmp_path, **asdict(rung))
    record = json.loads((tmp_path / "rung.json").read_text())
    assert [look["tokens"] for look in record["looks"]][-1] == 6 * 256
    assert record["looks"][-1]["test"] < math.log(24) + 0.2


def test_finetuning_learns_to_classify():
    generator = torch.Generator().manual_seed(0)
    classes = torch.randint(2, (400,), generator=generator)
    noise = torch.randint(1, 5, (400, 12), generator=generator)
    tokens = torch.where(
        torch.rand(400, 12, generator=generator) < 0.5, 5 + classes[:, None], noise
    )
    data = Labelled((tokens[:300], classes[:300]), (tokens[300:], classes[300:]), 2)
    model = build_model(Architecture("gpt2", 7, 12, 8, 1), 0)
    before = finetuned(model, data, 0, 1e-2, 0)
    assert before.loss == pytest.approx(math.log(2), rel=1e-5)
    after = finetuned(model, data, 60, 1e-2, 0)
    assert after.loss < 0.2
    assert after.error_rate < 0.1


def test_a_finetuning_batch_in_parts_has_the_gradient_of_the_whole(monkeypatch):
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randint(7, (20, 12), generator=generator)
    classes = torch.randint(2, (20,), generator=generator)
    data = Labelled((tokens, classes), (tokens, classes), 2)
    found = []
    for pass_tokens in (10_000, 40):
        monkeypatch.setattr(finetuning, "_PASS_TOKENS", pass_tokens)
        model = build_model(Architecture("gpt2", 7, 12, 8, 1), 0)
        found.append(finetuned(model, data, 5, 1e-2, 0, rows=10))
    assert found[1].loss == pytest.approx(found[0].loss, rel=1e-5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"ladder": ((8, 2), (16, 2))}, "N must rise, over at least 5 models"),
        ({"ladder": ((8, 4), (8, 2), (16, 2), (24, 2), (32, 2))}, "N must rise"),
        ({"ladder": ((7, 2), *LADDER[2:], (16, 2), (24, 2))}, "width 7 does not divide"),
        ({"ladder": (8, 16, 24, 32, 48)}, "must list pairs"),
        ({"ladder": ((8, 2, 2), *LADDER)}, "must list pairs"),
        ({"steps": 0}, "steps is 0"),
        ({"looks": 1}, "looks is 1"),
        ({"precision": "int4"}, "precision is 'int4'"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, message):
    with pytest.raises(UserError, match=message):
        Scaling(**settings)
