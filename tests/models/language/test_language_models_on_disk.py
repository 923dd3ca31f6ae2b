"""Published models, adapters, and base models kept as artefacts."""

import json
import math
from dataclasses import asdict

import pytest
import torch
from killed_builds import KilledError, kill_after, steps_of
from language_fixtures import RandomBatches, architecture, tiny
from transformers import PhiConfig, PhiForCausalLM

from models.language import (
    Adapters,
    BaseModel,
    Sampling,
    Training,
    TrainingSettings,
    encoded,
    generate,
    hidden_states,
    load_adapters,
    load_base_model,
    load_model,
    load_model_tokenizer,
    merged,
    next_token_loss,
    save_tokenizer,
    train_base_model,
    train_tokenizer,
    with_adapters,
)
from repro.context import RunContext
from repro.errors import UserError
from repro.trials.artifact import Artifact, build


def published(folder, family="llama"):
    """Write a tiny model as its publisher would; return it."""
    model = tiny(family, seed=7)
    model.save_pretrained(folder)
    save_tokenizer(train_tokenizer(["one two three"], 0, "bytes"), folder)
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}')
    return model.eval()


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_a_published_model_is_found_by_name_and_read(found, family):
    model = published(found / "owner" / "tiny", family)
    again = load_model("owner/tiny").eval()
    tokens = RandomBatches().at(0).tokens
    assert torch.equal(hidden_states(again, tokens), hidden_states(model, tokens))
    assert {p.dtype for p in load_model("owner/tiny", dtype="bfloat16").parameters()} == {
        torch.bfloat16
    }
    tokenizer = load_model_tokenizer("owner/tiny")
    assert tokenizer.decode(encoded(tokenizer, ["two"])[0]) == "two"


def test_a_model_that_is_not_there(found):
    with pytest.raises(UserError, match=r"owner/none could not be read .*REPRO_DATA"):
        load_model("owner/none")
    published(found / "broken")
    (found / "broken" / "model.safetensors").unlink()
    with pytest.raises(UserError, match="the model broken could not be read"):
        load_model("broken")


def test_a_model_that_is_not_whole(found):
    published(found / "cut")
    weights = found / "cut" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:2000])
    with pytest.raises(UserError, match="the model cut could not be read"):
        load_model("cut")
    published(found / "other")
    configuration = found / "other" / "config.json"
    shape = json.loads(configuration.read_text())
    configuration.write_text(json.dumps({**shape, "num_hidden_layers": 3}))
    with pytest.raises(UserError, match=r"lacks 9 of its weights, model\.layers\.2"):
        load_model("other")
    configuration.write_text(json.dumps({**shape, "intermediate_size": 64}))
    with pytest.raises(UserError, match="the model other could not be read"):
        load_model("other")
    with pytest.raises(UserError, match="dtype is 'int8'"):
        load_model("other", dtype="int8")


def test_a_head_that_is_more_than_its_weights_is_refused(found):
    """Phi's has a bias: its losses and draws would leave it out."""
    shape = {"vocab_size": 11, "hidden_size": 8, "intermediate_size": 16}
    model = PhiForCausalLM(PhiConfig(**shape, num_hidden_layers=1, num_attention_heads=2))
    torch.nn.init.normal_(model.lm_head.bias)
    model.save_pretrained(found / "biased")
    with pytest.raises(UserError, match="biased has a last layer with a bias"):
        load_model("biased")


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_adapters_start_without_effect_and_alone_are_trained(family):
    model = tiny(family).eval()
    batch = RandomBatches().at(0)
    before = next_token_loss(model, batch, batch.total()).item()
    own = {name: weight.clone() for name, weight in model.state_dict().items()}
    adapted = with_adapters(model, Adapters(rank=2), seed=0)
    assert next_token_loss(adapted, batch, batch.total()).item() == pytest.approx(before)
    training = Training(adapted, RandomBatches(), TrainingSettings(steps=3, learning_rate=1e-2))
    training.run()
    adapted.eval()
    trained = next_token_loss(adapted, batch, batch.total()).item()
    assert trained != pytest.approx(before)
    kept = {
        n.replace(".base_layer", ""): w for n, w in adapted.get_base_model().state_dict().items()
    }
    assert all(torch.equal(kept[name], weight) for name, weight in own.items())
    plain = merged(adapted)
    assert next_token_loss(plain, batch, batch.total()).item() == pytest.approx(trained, rel=1e-5)


def test_adapters_are_kept_in_a_folder(tmp_path):
    adapted = with_adapters(tiny(), Adapters(rank=2), seed=0)
    Training(adapted, RandomBatches(), TrainingSettings(steps=3, learning_rate=1e-2)).run()
    adapted.eval().save_pretrained(tmp_path)
    tokens = RandomBatches().at(0).tokens
    again = load_adapters(tiny(), tmp_path).eval()
    assert torch.equal(hidden_states(again, tokens), hidden_states(adapted, tokens))
    assert not any(weight.requires_grad for weight in again.parameters())
    further = load_adapters(tiny(), tmp_path, trainable=True)
    names = {name for name, weight in further.named_parameters() if weight.requires_grad}
    assert names
    assert all("lora" in name for name in names)


def test_adapters_that_do_not_fit(tmp_path):
    for targets, rank in ((("nowhere",), 2), ((), 0)):
        with pytest.raises(UserError, match="the adapters do not fit the model"):
            with_adapters(tiny("llama"), Adapters(rank, targets=targets), seed=0)
    with pytest.raises(UserError, match="the last layer cannot have adapters"):
        with_adapters(tiny("llama"), Adapters(2, targets=("lm_head",)), seed=0)
    with pytest.raises(UserError, match=r"could not be read .*adapter_config\.json"):
        load_adapters(tiny(), tmp_path)
    with_adapters(tiny(width=4), Adapters(2), seed=0).save_pretrained(tmp_path)
    with pytest.raises(UserError, match="saved from adapters of this model"):
        load_adapters(tiny(), tmp_path)


def test_adapted_models_generate():
    adapted = with_adapters(tiny("llama", seed=3), Adapters(rank=2), seed=0)
    plain = tiny("llama", seed=3)
    greedy = Sampling(temperature=0.0)
    assert generate(adapted, [[1, 2]], 5, greedy) == generate(plain, [[1, 2]], 5, greedy)


SETTINGS = BaseModel(
    width=8, layers=1, steps=4, batch_size=2, context=16, vocabulary=270, tokenizer_texts=5
)


def test_a_base_model_is_built_once_and_shared(tmp_path, monkeypatch):
    (tmp_path / "mine.txt").write_text("so it goes, and on it goes; " * 80)
    how = BaseModel(**{**SETTINGS.settings(), "corpus": f"file:{tmp_path / 'mine.txt'}"})
    built = []
    for trial in ("one", "two"):
        (tmp_path / trial).mkdir()
        context = RunContext("t", "d", 0, tmp_path / trial, artifact_root=tmp_path / "artifacts")
        built.append(context.artifact(train_base_model, **how.settings()))
    assert built[0] == built[1]
    assert len((built[0].parent / "attempts.jsonl").read_text().splitlines()) == 1
    record = json.loads((built[0] / "record.json").read_text())
    assert record["tokens_seen"] == 4 * 2 * 16
    assert 0 < record["validation_loss"] < 6
    model, tokenizer = load_base_model(built[0])
    prompt = encoded(tokenizer, ["so it"])
    assert len(generate(model, prompt, 3, Sampling(temperature=0.0))[0]) == 3


def test_a_killed_base_model_goes_on_and_ends_as_if_it_had_not_been(tmp_path, monkeypatch):
    text = tmp_path / "text.txt"
    text.write_text("\n".join(f"{n} and {n + 1} make {2 * n + 1}" for n in range(3000)))
    how = BaseModel(**{**asdict(SETTINGS), "corpus": f"file:{text}", "steps": 6}).settings()
    whole = build(Artifact(train_base_model, how), tmp_path / "whole")
    with monkeypatch.context() as patch:
        kill_after(patch, updates=3)
        with pytest.raises(KilledError):
            build(Artifact(train_base_model, how), tmp_path / "cut")
    steps = steps_of(monkeypatch)
    resumed = build(Artifact(train_base_model, how), tmp_path / "cut")
    assert steps == [4, 5, 6]
    names = sorted(path.name for path in whole.iterdir())
    assert names == sorted(path.name for path in resumed.iterdir())
    for name in names:
        assert (resumed / name).read_bytes() == (whole / name).read_bytes(), name


def test_a_changed_corpus_makes_another_base_model(tmp_path):
    mine = tmp_path / "mine.txt"
    how = BaseModel(corpus=f"file:{mine}")
    with pytest.raises(UserError, match="does not exist"):
        how.settings()
    mine.write_text("one")
    first = how.settings()
    assert how.settings() == first == BaseModel(**first).settings()
    mine.write_text("another")
    assert how.settings() != first
    assert BaseModel().settings()["corpus_hash"]


@pytest.mark.slow
def test_a_base_model_learns_the_standard_library(tmp_path):
    how = {**SETTINGS.settings(), "steps": 30, "warmup": 1, "learning_rate": 1e-2}
    train_base_model(tmp_path, **{**how, "tokenizer": "bytes"})
    record = json.loads((tmp_path / "record.json").read_text())
    # Untrained, it would guess among 257 tokens.
    assert record["validation_loss"] < math.log(257) - 1


def test_architectures_are_json():
    assert json.loads(json.dumps(architecture().as_json()))["width"] == 8
