"""Generation: the cache changes nothing, rows do not see each other, draws are the model's."""

import pytest
import torch
from language_fixtures import CONTEXT, VOCABULARY, tiny

from models.language import Sampling, generate, hidden_states, output_weight
from repro.errors import UserError

PROMPTS = [[1, 2, 3, 4], [5], [6, 7]]
GREEDY = Sampling(temperature=0.0)


@pytest.mark.parametrize("family", ["gpt2", "llama"])
@pytest.mark.parametrize("sampling", [GREEDY, Sampling(), Sampling(0.7, top_p=0.8)])
def test_cached_equals_uncached(family, sampling):
    model = tiny(family, seed=3).double()
    both = [
        generate(model, PROMPTS, 8, sampling, torch.Generator().manual_seed(0), cached=cached)
        for cached in (True, False)
    ]
    assert both[0] == both[1]
    assert [len(row) for row in both[0]] == [8, 8, 8]


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_a_prompt_continues_alike_alone_and_beside_longer_ones(family):
    model = tiny(family, seed=3).double()
    together = generate(model, PROMPTS, 6, GREEDY)
    assert together == [generate(model, [prompt], 6, GREEDY)[0] for prompt in PROMPTS]


def test_greedy_by_hand():
    model = tiny("llama", seed=4).double().eval()
    tokens = list(PROMPTS[0])
    for _ in range(5):
        hidden = hidden_states(model, torch.tensor([tokens]))[0, -1]
        tokens.append(int((output_weight(model) @ hidden).argmax()))
    assert generate(model, [PROMPTS[0]], 5, GREEDY) == [tokens[4:]]


def test_draws_have_the_models_frequencies():
    model = tiny("gpt2", seed=5).eval()
    with torch.no_grad():
        output_weight(model).mul_(20)
        logits = output_weight(model) @ hidden_states(model, torch.tensor([[1, 2]]))[0, -1]
    sampling = Sampling(temperature=2.0)
    draws = generate(model, [[1, 2]] * 4000, 1, sampling, torch.Generator().manual_seed(0))
    found = torch.bincount(torch.tensor(draws)[:, 0], minlength=VOCABULARY) / 4000
    expected = (logits / 2).softmax(0)
    assert (found - expected).abs().max() < 0.03
    nucleus = Sampling(temperature=2.0, top_p=0.5)
    kept = generate(model, [[1, 2]] * 500, 1, nucleus, torch.Generator().manual_seed(0))
    order = expected.argsort(descending=True)
    most = int((expected[order].cumsum(0) < 0.5).sum()) + 1
    assert {row[0] for row in kept} <= set(order[:most].tolist())


def test_a_row_ends_at_its_stop_and_all_end_when_each_has():
    model = tiny("gpt2", seed=3).double()
    free = generate(model, PROMPTS, 8, GREEDY)
    stop = free[0][2]
    stopped = generate(model, PROMPTS, 8, Sampling(temperature=0.0, stop=stop))
    assert stopped[0] == free[0][: free[0].index(stop)]
    assert all(stop not in row for row in stopped)


def test_training_mode_is_left_as_it_was():
    model = tiny(dropout=0.5).train()
    first, second = (generate(model, PROMPTS, 4, GREEDY) for _ in range(2))
    assert model.training
    assert first == second


def test_bad_input():
    with pytest.raises(ValueError, match="at least one token"):
        generate(tiny(), [[]], 3, GREEDY)
    with pytest.raises(UserError, match="top_p 0"):
        Sampling(top_p=0)
    with pytest.raises(UserError, match="temperature is nan"):
        Sampling(temperature=float("nan"))
    assert generate(tiny(), PROMPTS, 0, GREEDY) == [[], [], []]


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_the_context_can_be_filled_but_not_left(family):
    model, prompt = tiny(family), [1] * (CONTEXT - 3)
    assert len(generate(model, [prompt], 4, GREEDY)[0]) == 4
    with pytest.raises(UserError, match=f"do not fit into the model's context of {CONTEXT}"):
        generate(model, [prompt], 5, GREEDY)
