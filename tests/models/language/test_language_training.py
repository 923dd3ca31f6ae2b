"""The training loop: learns, resumes to the bit, adds gradients up, follows its schedule."""

import math
import pickle
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from language_fixtures import VOCABULARY, RandomBatches, tiny

from models.language import (
    OneProcess,
    PackedBatches,
    Schedule,
    Training,
    TrainingSettings,
    mean_loss,
    next_token_loss,
    optimizer,
)
from models.language import training as training_module
from repro.context import RunContext
from repro.errors import Interrupted, UserError


def how(steps=6, **others):
    return TrainingSettings(steps=steps, **{"learning_rate": 1e-2, "warmup": 2, **others})


def weights(model):
    return [weight.detach().clone() for weight in model.parameters()]


def same(first, second):
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_training_finds_a_pattern(family):
    stream = torch.arange(600) % VOCABULARY
    batches = PackedBatches(stream, 12, 8, seed=0)
    model = tiny(family)
    before = mean_loss(model, batches.in_order())
    training = Training(model, batches, how(steps=80, learning_rate=2e-2))
    training.run()
    after = mean_loss(model, batches.in_order())
    assert before > 0.9 * math.log(VOCABULARY)
    assert after < 0.3 * before
    assert training.tokens_seen == 80 * 8 * 12


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_accumulation_equals_the_large_batch(family):
    """In float64, with weights, so that parts of unlike total weight must be added up rightly."""
    gradients = []
    for parts in (1, 2, 3, 4):
        model = tiny(family).double()
        training = Training(model, RandomBatches(weighted=True), how(parts=parts))
        training._gradient(training.batches.at(0))
        gradients.append([weight.grad.clone() for weight in model.parameters()])
    for other in gradients[1:]:
        for a, b in zip(gradients[0], other, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-14)


def test_a_state_stays_as_it_was_while_the_run_goes_on():
    training = Training(tiny(), RandomBatches(), how())
    training.update(training.batches.at(0))
    state = training.state()
    found = []
    for _ in range(2):
        training.load(state)
        training.update(training.batches.at(1))
        found.append(weights(training.model))
    assert same(*found)


def test_a_finished_run_can_be_taken_further():
    """A run gives weights a memory of their own at its end; steps after it still change them."""
    whole = Training(tiny(), RandomBatches(), how())
    for step in range(4):
        whole.update(whole.batches.at(step))
    cut = Training(tiny(), RandomBatches(), how())
    for step in range(4):
        cut.update(cut.batches.at(step))
        cut._optimizer.part()
    assert same(weights(cut.model), weights(whole.model))


@pytest.mark.parametrize(
    ("dropout", "others"), [(0.0, {}), (0.2, {}), (0.2, {"parts": 3, "precision": "bfloat16"})]
)
def test_a_resumed_run_has_the_same_bits(tmp_path, monkeypatch, dropout, others):
    monkeypatch.setattr(training_module, "CHECKPOINT_EVERY", -1.0)

    def run(folder, stop):
        folder.mkdir(exist_ok=True)
        context = RunContext("task", "set", 0, folder, should_stop=stop)
        torch.manual_seed(1)
        training = Training(tiny(dropout=dropout), RandomBatches(), how(**others))
        training.run(context)
        return weights(training.model)

    whole = run(tmp_path / "whole", lambda: False)
    with pytest.raises(Interrupted):
        run(tmp_path / "cut", lambda: True)
    assert pickle.loads((tmp_path / "cut" / "checkpoint.pickle").read_bytes())["step"] == 1
    assert same(run(tmp_path / "cut", lambda: False), whole)


def test_joined_weights_take_the_steps_of_separate_ones(monkeypatch):
    found = []
    for most in (0, 2**22):
        monkeypatch.setattr(optimizer, "MOST_JOINED", most)
        model = tiny().double()
        Training(model, RandomBatches(), how(weight_decay=0.1, parts=2)).run()
        found.append(weights(model))
    for a, b in zip(*found, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12)
    owners = {weight.untyped_storage().data_ptr() for weight in model.parameters()}
    assert len(owners) == len(list(model.parameters()))


def test_two_runs_are_the_same_and_another_seed_is_not():
    runs = []
    for seed in (0, 0, 1):
        training = Training(tiny(seed=seed), RandomBatches(), how())
        training.run()
        runs.append(weights(training.model))
    assert same(runs[0], runs[1])
    assert not same(runs[0], runs[2])


@pytest.mark.parametrize("most", [0, 2**22])
def test_weight_decay_leaves_biases_and_norms_alone(monkeypatch, most):
    model = tiny()
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    objective = lambda m, b, d: 0.0 * next_token_loss(m, b, d)  # noqa: E731
    settings = how(1, warmup=0, decay="constant", weight_decay=0.5, largest_gradient=None)
    with monkeypatch.context() as patch:
        patch.setattr(optimizer, "MOST_JOINED", most)
        Training(model, RandomBatches(), settings, objective).run()
    for name, weight in model.named_parameters():
        expected = before[name] * (1 - 1e-2 * 0.5 if weight.ndim > 1 else 1)
        torch.testing.assert_close(weight.detach(), expected)


def test_a_gradient_is_cut_to_its_largest_norm():
    model = tiny()
    settings = how(steps=1, warmup=0, largest_gradient=1e-3)
    training = Training(model, RandomBatches(), settings)
    norms = []
    step = training._optimizer.adamw.step

    def watched(*args, **kwargs):
        norms.append(torch.stack([p.grad.norm() for p in model.parameters()]).norm().item())
        return step(*args, **kwargs)

    training._optimizer.adamw.step = watched
    training.run()
    assert norms == [pytest.approx(1e-3, rel=1e-3)]


def test_bfloat16_trains_weights_of_32_bits():
    model = tiny()
    training = Training(model, RandomBatches(), how(precision="bfloat16"))
    training.run()
    assert {weight.dtype for weight in model.parameters()} == {torch.float32}
    plain = Training(tiny(), RandomBatches(), how())
    plain.run()
    assert training.last_loss.item() == pytest.approx(plain.last_loss.item(), rel=0.05)
    assert training.last_loss.item() != plain.last_loss.item()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"precision": "float16"}, "float16 needs a GPU"),
        ({"precision": "int8"}, "precision is 'int8'; it must be one of float32"),
        ({"steps": 0}, "steps is 0; it must be above 0"),
        ({"parts": 0}, "parts is 0"),
        ({"decay": "step"}, "decay is 'step'"),
        ({"warmup": 9}, "warmup 9 does not fit into 6 steps"),
        ({"last_share": 2.0}, "share of the highest rate"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, message):
    with pytest.raises(UserError, match=message):
        Training(tiny(), RandomBatches(), how(**settings), processes=OneProcess("cpu"))


@given(
    steps=st.integers(1, 50),
    warmup=st.integers(0, 50),
    decay=st.sampled_from(["cosine", "linear", "constant"]),
    last=st.floats(0, 1),
)
def test_a_schedule_rises_once_and_falls_to_its_end(steps, warmup, decay, last):
    warmup = min(warmup, steps)
    schedule = Schedule(steps, warmup, decay, last)
    shares = [schedule.share(step) for step in range(steps)]
    assert all(0 <= share <= 1 + 1e-12 for share in shares)
    assert shares[:warmup] == [pytest.approx((step + 1) / warmup) for step in range(warmup)]
    assert all(b <= a + 1e-12 for a, b in pairwise(shares[max(warmup - 1, 0) :]))
    if warmup < steps:
        assert shares[-1] == pytest.approx(1.0 if decay == "constant" else last)


def test_the_cosine_by_hand():
    schedule = Schedule(steps=5, warmup=0, decay="cosine", last=0.0)
    expected = [1, (1 + math.sqrt(0.5)) / 2, 0.5, (1 - math.sqrt(0.5)) / 2, 0]
    assert [schedule.share(step) for step in range(5)] == pytest.approx(expected)
