"""Texts to ids: what transformers gives, only faster."""

import numpy as np
import pytest
from conftest import MONEY, SPORT
from hypothesis import given, settings
from hypothesis import strategies as st

from potstill.vocabulary import words as words_module
from potstill.vocabulary.encoding import CHARACTERS, Encoder, load_encoder
from potstill.vocabulary.words import Words, can_be_cut


def test_encoder_cuts_and_frames_as_transformers_does(tokenizer_folder):
    from transformers import BertTokenizerFast

    texts = ["", "国足", "，" * 50, "a" * 300, "央行 123 x", "y " * (CHARACTERS // 8), "z" * CHARACTERS, "国足热身赛"]
    reference = BertTokenizerFast.from_pretrained(tokenizer_folder)
    for most in (3, 4, 20):
        encoded = load_encoder(tokenizer_folder, most).encode(texts)
        rows = np.split(encoded.ids, np.cumsum(encoded.lengths)[:-1])
        assert [row.tolist() for row in rows] == reference(texts, truncation=True, max_length=most)["input_ids"]
        assert encoded.whole_lengths.tolist() == [len(row) for row in reference(texts, verbose=False)["input_ids"]]


HOSTILE = st.one_of(
    st.sampled_from(
        [
            "国",
            "热身",
            " ",
            "\u3000",
            "\t",
            "\u0301",
            "e\u0301",
            "é",
            "A",
            "ab",
            "１２",
            "1234",
            "，",
            "[SEP]",
            "[sep]",
            "[MASK]",
        ]
    ),
    st.sampled_from(
        [
            "\u00ad",
            "\x00",
            "\x1c",
            "\u200b",
            "\ufffd",
            "\ufeff",
            "豈",
            "𠀀",
            "㐀",
            "한",
            "ß",
            "İ",
            "Σ",
            "😀",
            "don't",
            "≠",
            "ffi",
        ]
    ),
    st.characters(exclude_categories=["Cs"]),
)


@pytest.fixture(scope="module", params=[{}, {"do_lower_case": False}, {"do_lower_case": False, "strip_accents": True}])
def bert(request, tokenizer_folder, tmp_path_factory):
    from transformers import BertTokenizerFast

    return BertTokenizerFast.from_pretrained(tokenizer_folder, **request.param)


@settings(max_examples=400, deadline=None)
@given(parts=st.lists(HOSTILE, max_size=12))
def test_cached_parts_give_what_the_tokenizer_gives(bert, parts):
    text = "".join(parts)
    assert can_be_cut(bert.backend_tokenizer)
    assert Words(bert.backend_tokenizer).ids(text) == bert(text, add_special_tokens=False)["input_ids"]


def test_the_cache_forgets_and_stays_right(bert, monkeypatch):
    monkeypatch.setattr(words_module, "MOST_PARTS", 2)
    cached = Words(bert.backend_tokenizer)
    for text in [*SPORT, *MONEY, *SPORT]:
        assert cached.ids(text) == bert(text, add_special_tokens=False)["input_ids"]
        assert len(cached) < 30


def test_encoder_without_special_tokens_has_an_empty_frame():
    from tokenizers import Tokenizer, models, pre_tokenizers

    bare = Tokenizer(models.WordLevel({"a": 0, "b": 1, "?": 2}, "?"))
    bare.pre_tokenizer = pre_tokenizers.Whitespace()
    encoder = Encoder(bare, 2)
    assert encoder.special_tokens == 0
    assert encoder.encode(["a b a", "", "z"]).ids.tolist() == [0, 1, 2]
