"""Tokenizers: every text comes back, training is repeatable, one file keeps all."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.language import encoded, end_token, load_tokenizer, save_tokenizer, train_tokenizer
from repro.errors import UserError

TEXTS = ["def f(x):\n    return x + 1\n", "for i in range(10):\n    print(i)\n"] * 20
PAIRS, BYTES = train_tokenizer(TEXTS, 300), train_tokenizer(TEXTS, 0, "bytes")


@pytest.mark.parametrize("tokenizer", [PAIRS, BYTES], ids=["pairs", "bytes"])
@given(text=st.text(max_size=60))
@example(text="it spells <|end|> itself")
@example(text="e\u0301\ufeff\u2028\r\n\x00\U0001f469\u200d\U0001f467")
@settings(max_examples=60, deadline=None)
def test_every_text_comes_back(tokenizer, text):
    (tokens,) = encoded(tokenizer, [text])
    assert tokenizer.decode(tokens) == text
    assert end_token(tokenizer) not in tokens


def test_bytes_are_one_token_each():
    (tokens,) = encoded(BYTES, ["añb"])
    assert len(tokens) == len("añb".encode())
    assert BYTES.get_vocab_size() == 257


def test_pairs_are_shorter_on_what_they_were_trained_on():
    assert 257 < PAIRS.get_vocab_size() <= 300
    assert len(encoded(PAIRS, TEXTS)[0]) < 0.6 * len(TEXTS[0])
    assert train_tokenizer(TEXTS, 300).to_str() == PAIRS.to_str()


def test_one_file_keeps_all(tmp_path):
    save_tokenizer(PAIRS, tmp_path)
    again = load_tokenizer(tmp_path)
    assert again.to_str() == PAIRS.to_str()
    with pytest.raises(UserError, match=r"has no tokenizer\.json"):
        load_tokenizer(tmp_path / "nowhere")


def test_bad_input():
    with pytest.raises(UserError, match="leaves no room for pairs"):
        train_tokenizer(TEXTS, 257)
    with pytest.raises(UserError, match="kind is 'words'"):
        train_tokenizer(TEXTS, 300, "words")
    from tokenizers import Tokenizer, models

    with pytest.raises(UserError, match="no token for the end"):
        end_token(Tokenizer(models.BPE()))
