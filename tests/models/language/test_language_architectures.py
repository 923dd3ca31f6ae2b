"""Models from scratch: what they weigh, how they are drawn, what they say before training."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from language_fixtures import CONTEXT, VOCABULARY, RandomBatches, architecture, tiny

from models.language import (
    hidden_states,
    next_token_loss,
    non_embedding_weights,
    output_weight,
    token_losses,
)
from repro.errors import UserError

FAMILIES = ("gpt2", "llama")


@given(
    family=st.sampled_from(FAMILIES),
    heads=st.integers(1, 3),
    per_head=st.sampled_from([2, 4]),
    layers=st.integers(1, 3),
    feedforward=st.sampled_from([1.0, 2.5, 4.0]),
    tied=st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_n_is_counted_as_the_closed_form_says(family, heads, per_head, layers, feedforward, tied):
    shape = {"heads": heads, "width": heads * per_head, "layers": layers}
    shape["feedforward"] = feedforward
    model = tiny(family, tied=tied, **shape)
    assert non_embedding_weights(model) == architecture(family, **shape).matrix_weights


def test_n_of_gpt2_is_twelve_layers_times_the_width_squared():
    assert architecture(width=16, layers=3).matrix_weights == 12 * 3 * 16**2


@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_whose_last_layer_is_zero_is_uniform(family):
    model = tiny(family)
    with torch.no_grad():
        output_weight(model).zero_()
    batch = RandomBatches().at(0)
    loss = next_token_loss(model, batch, batch.total())
    assert loss.item() == pytest.approx(math.log(VOCABULARY), rel=1e-6)
    assert token_losses(model, batch).shape == (4, CONTEXT)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_loss_is_that_of_transformers_own(family):
    model = tiny(family).double()
    batch = RandomBatches().at(0)
    theirs = model(input_ids=batch.tokens).logits
    expected = torch.nn.functional.cross_entropy(theirs.flatten(0, 1), batch.targets.flatten())
    assert next_token_loss(model, batch, batch.total()).item() == pytest.approx(expected.item())


def test_logits_in_chunks_make_the_same_loss(monkeypatch):
    model, batch = tiny().double(), RandomBatches(weighted=True).at(0)
    whole = next_token_loss(model, batch, batch.total())
    monkeypatch.setattr("models.language.objective._WHOLE", 0)
    torch.testing.assert_close(next_token_loss(model, batch, batch.total()), whole)


@pytest.mark.parametrize("family", FAMILIES)
def test_no_token_sees_a_later_one(family):
    model = tiny(family).eval()
    tokens = RandomBatches().at(0).tokens
    changed = tokens.clone()
    changed[:, 7:] = (changed[:, 7:] + 1) % VOCABULARY
    before, after = hidden_states(model, tokens), hidden_states(model, changed)
    torch.testing.assert_close(before[:, :7], after[:, :7])
    assert not torch.allclose(before[:, 7:], after[:, 7:])


def test_the_seed_decides_and_the_global_generator_stays():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first, second, other = tiny(seed=1), tiny(seed=1), tiny(seed=2)
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(output_weight(first), output_weight(second))
    assert not torch.equal(output_weight(first), output_weight(other))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"family": "mamba"}, "family is 'mamba'; it must be one of gpt2, llama"),
        ({"width": 9}, "width 9 does not divide into 2 heads"),
        ({"layers": 0}, "layers is 0; it must be above 0"),
        ({"family": "llama", "width": 6}, "even width of each head"),
        ({"family": "llama", "dropout": 0.1}, "a LLaMA has no dropout"),
    ],
)
def test_a_shape_that_cannot_be_is_refused(changes, message):
    with pytest.raises(UserError, match=message):
        architecture(**changes)
