"""The task end to end on tiny ladders: shared models, pinned metrics, finetuning, bad settings."""

import json
import math
from dataclasses import asdict, replace

import pytest
import torch
from killed_builds import KilledError, kill_after, steps_of

from baselines.scaling.last_value import LastValue
from methods.scaling_laws import PowerLawWithConstant
from models.language import (
    Architecture,
    FolderKeeper,
    Training,
    TrainingSettings,
    build_model,
)
from models.language.corpora.standard_library import hash_of_library
from repro.context import RunContext
from repro.errors import UserError
from repro.trials.artifact import Artifact, build
from repro.trials.fingerprint import code_fingerprint
from tasks.scaling import Scaling, finetuning
from tasks.scaling.blank_training import measured_pairs
from tasks.scaling.domains import Labelled, PairedSequences, content_hash, domain_of
from tasks.scaling.finetuning import finetuned
from tasks.scaling.information import information_checks
from tasks.scaling.ladder import train_rung
from tasks.scaling.task import _LAW_METRICS, _TRUTH_METRICS

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
    # The last value is a law too; what no law changes comes once, with the paper's.
    assert others.keys() == {*_LAW_METRICS, *_TRUTH_METRICS}
    assert metrics.keys() > others.keys() | {"loss@1", "divergence@9", "joint_explained"}
    assert all(math.isfinite(value) for name, value in metrics.items() if "best" not in name)
    lines = [json.loads(line) for line in (context.directory / "metrics.jsonl").open()]
    assert lines[-1]["step"] == 6 * 256
    # N grows with the square of the width: 4² to 12².
    assert {name for name in lines[0] if "@" in name} == {f"loss@{r}" for r in (1, 2, 4, 6, 9)}


def test_a_second_run_is_the_same(tmp_path):
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
        ("captions_to_pictures", {"information_error@9", "worth@1", "constant_error"}),
        ("mathematics", {"extrapolation_loss@1", "late_fall@9"}),
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


def built_as_if_never_killed(folder, settings, kill):
    """Build twice, once whole and once killed and built again; return what both wrote."""
    whole = build(Artifact(train_rung, settings), folder / "whole")
    with pytest.MonkeyPatch.context() as patch:
        kill(patch)
        with pytest.raises(KilledError):
            build(Artifact(train_rung, settings), folder / "cut")
    with pytest.MonkeyPatch.context() as patch:
        steps = steps_of(patch)
        resumed = build(Artifact(train_rung, settings), folder / "cut")
    assert [path.name for path in resumed.iterdir()] == ["rung.json"]
    assert (resumed / "rung.json").read_bytes() == (whole / "rung.json").read_bytes()
    return steps


@pytest.mark.parametrize(("updates", "left"), [(4, [5, 6, 1, 2, 3]), (7, [2, 3])])
def test_a_killed_rung_goes_on_with_the_losses_it_had(tmp_path, updates, left):
    """In training, which has six updates, and in the finetuning with blanks after it."""
    task = replace(TINY, blank_share=0.5)
    settings = asdict(task._rung("paired_sequences", 0, (8, 2)))
    made = built_as_if_never_killed(tmp_path, settings, lambda p: kill_after(p, updates))
    assert made == left


def test_a_killed_classification_goes_on(tmp_path):
    """Killed in its third step of four, after training's six updates: none of these is repeated."""

    def kill(patch):
        patch.setattr(finetuning, "KEEP_SECONDS", 0.0)
        original, seen = finetuning.cross_entropy, []

        def loss(*given, **named):
            seen.append(len(seen))
            if len(seen) == 3:
                raise KilledError
            return original(*given, **named)

        patch.setattr(finetuning, "cross_entropy", loss)

    settings = asdict(replace(TINY, finetune_steps=4)._rung("digits", 0, (8, 2)))
    assert built_as_if_never_killed(tmp_path, settings, kill) == []


def test_a_killed_classification_goes_on_where_the_model_was(tmp_path, monkeypatch):
    """On the GPU, if there is one: no training comes first that would put the model there."""
    rung = replace(TINY, finetune_steps=2)._rung("digits", 0, (8, 2))
    places = []
    original = torch.nn.Module.to

    def to(module, *where, **how):
        places.append((type(module).__name__, *where))
        return original(module, *where, **how)

    domain = domain_of("digits", 0)
    state = build_model(rung.architecture(domain.vocabulary, domain.context), 0).state_dict()
    monkeypatch.setattr(torch.nn.Module, "to", to)
    monkeypatch.setattr("tasks.scaling.ladder.finetuned", lambda *given: None)
    FolderKeeper(tmp_path).begin(finetuning.CLASSIFICATION, {"step": 1, "model": state})
    train_rung(tmp_path, **asdict(rung))
    assert ("GPT2LMHeadModel", "cuda" if torch.cuda.is_available() else "cpu") in places


def test_a_changed_text_trains_another_ladder(tmp_path):
    """A seed does not tell: that of this context knows the file by its path alone."""
    path = tmp_path / "mine.txt"
    used = []
    for word in ("fox ", "dog "):
        path.write_text(word * 2000)
        _, context = run(tmp_path / word.strip(), f"file:{path}")
        used.append({key.rpartition("/")[2] for key in context.artifacts_used})
    assert len(used[0]) == 5
    assert not used[0] & used[1]


def test_what_a_domain_is_read_from_has_a_hash_where_nothing_else_fixes_it(tmp_path, monkeypatch):
    monkeypatch.setenv("REPRO_DATA", str(tmp_path))
    assert content_hash("python_text") == hash_of_library()
    assert content_hash("markov_chain") == content_hash("imagenet_8") == ""
    folder = tmp_path / "uoft-cs" / "cifar10"
    folder.mkdir(parents=True)
    found = []
    for content in ("a", "ab"):
        (folder / "train.txt").write_text(content)
        found.append(content_hash("cifar10_8"))
    assert found[0]
    assert found[0] != found[1]
    assert content_hash("cifar10_16") == found[1]


@pytest.mark.parametrize("picture_first", [True, False])
def test_blanks_are_learnt_and_the_information_then_is_the_truth(tmp_path, picture_first):
    """One place alone is learnt in seconds; without blanks the estimate is too high."""
    domain = PairedSequences(symbols=16, words=8, length=1, picture_first=picture_first)
    shape = Architecture("gpt2", domain.vocabulary, domain.context, 16, 1, deviation=0.1)
    model = build_model(shape, 1)
    how = TrainingSettings(steps=120, learning_rate=2e-2, warmup=5)
    Training(model, domain.batches(128, 1), how).run()
    found = measured_pairs(model, domain, 1, 128, how, "cpu", FolderKeeper(tmp_path))
    checks = information_checks(found)
    truth = checks["information_with_blanks@0"]
    assert truth == pytest.approx(domain.information, abs=0.1)
    assert checks["information_with_blanks@1"] == pytest.approx(truth, abs=0.05)
    assert checks["information_without_blanks@1"] > truth + 0.3
    alone = math.log(8 if picture_first else 16)
    assert found["after"]["blank"] == pytest.approx(alone, abs=0.03)


def test_measures_are_no_part_of_what_trains_a_rung():
    """Otherwise each edit of a metric would train every ladder anew."""
    reached = code_fingerprint(["tasks.scaling.ladder.train_rung"]).files
    assert {"tasks/scaling/ladder.py", "tasks/scaling/blank_training.py"} <= reached.keys()
    own = {name for name in reached if name.startswith("tasks/scaling/")}
    others = {"task.py", "measures.py", "information.py", "extrapolation.py", "__init__.py"}
    assert not own & {f"tasks/scaling/{name}" for name in others}
    task = code_fingerprint(["tasks.scaling.Scaling"]).files
    assert {"tasks/scaling/measures.py", "tasks/scaling/information.py"} <= task.keys()


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
        ({"looks": 2}, "looks is 2"),
        ({"looks": 3}, "20% of the steps, and these are 2"),
        ({"steps": 2}, "looks is 10 and steps is 2"),
        ({"blank_share": 0}, "blank_share is 0"),
        ({"precision": "int4"}, "precision is 'int4'"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, message):
    with pytest.raises(UserError, match=message):
        Scaling(**settings)
