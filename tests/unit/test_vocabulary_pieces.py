"""Which pieces stay, against sums over dictionaries; and which ## pieces a tokenizer can ever make."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from potstill.errors import InputError
from potstill.vocabulary.choosing import coverage_of, kept_ids
from potstill.vocabulary.cutting import cut_vocabulary
from potstill.vocabulary.encoding import load_encoder
from potstill.vocabulary.pieces import can_continue, is_chinese, pieces_of
from potstill.vocabulary.rule import Rule

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LETTERS = [*"0123456789abcdefghijklmnopqrstuvwxyz", *(f"##{each}" for each in "0123456789abcdefghijklmnopqrstuvwxyz")]
CHINESE = ["国", "##国", "足", "##足", "一", "##一", "豈"]
WORDS = ["ing", "##ing", "the", "##tion", "cba", "##cba", "nba", "##中a", "##", "ed", "##ed", "ß", "é", "A", "##A"]
MARKS = ["，", "##，", "。", "!", "##!", "№", "##№", "①", "##①", "한", "##한", "ка", "##ка"]
VOCABULARY = [*SPECIAL, *CHINESE, *LETTERS, *WORDS, *MARKS]
NEVER = {"国", "足", "一", "豈", "中a", "，", "。", "!", "한", "A"}  # BERT cuts there, takes apart, or changes the case


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    """Folder of an uncased BERT tokenizer that cuts at every Chinese character."""
    return make_bert(tmp_path_factory.mktemp("bert"))


def make_bert(folder, **settings):
    from transformers import BertTokenizerFast

    (folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n", encoding="utf-8")
    BertTokenizerFast.from_pretrained(folder, **settings).save_pretrained(folder)
    return folder


@cache
def kinds(folder):
    return pieces_of(load_encoder(folder, 8).tokenizer)


def slow_units():
    """Bare piece, or a piece that has no pair → its pieces."""
    units = {}
    for piece in VOCABULARY[len(SPECIAL) :]:
        bare = piece.removeprefix("##") or piece
        units.setdefault(piece if bare in NEVER else bare, []).append(piece)
    return units


def slow_kept(seen, min_count=0, coverage=0.0):
    """Pieces that stay; seen: piece → how often."""
    units = slow_units()
    count = {unit: sum(seen.get(piece, 0) for piece in pieces) for unit, pieces in units.items()}
    chosen = {unit for unit in units if unit in {*LETTERS, "ß"}}
    if min_count:
        chosen |= {unit for unit in units if count[unit] >= min_count}
    for chinese in (True, False) if coverage else ():
        kind = [unit for unit in units if is_chinese(unit.removeprefix("##")) == chinese]
        total, covered = sum(count[unit] for unit in kind), sum(count[unit] for unit in kind if unit in chosen)
        for unit in sorted(kind, key=lambda unit: (-count[unit], min(map(VOCABULARY.index, units[unit])))):
            if unit not in chosen and covered < coverage * total:
                chosen.add(unit)
                covered += count[unit]
    pieces = {piece for unit in chosen for piece in units[unit]}
    return [i for i, piece in enumerate(VOCABULARY) if i < len(SPECIAL) or piece in pieces]


RULES = st.one_of(
    st.builds(dict, min_count=st.integers(1, 60)),
    st.builds(dict, coverage=st.floats(0.01, 1) | st.sampled_from([0.5, 0.9, 0.999, 1.0])),
)


@settings(max_examples=150, deadline=None)
@given(counts=st.lists(st.integers(0, 60), min_size=len(VOCABULARY), max_size=len(VOCABULARY)), rule=RULES)
def test_kept_ids_are_those_of_the_definition(bert, counts, rule):
    pieces, seen = kinds(bert), dict(zip(VOCABULARY, counts, strict=True))
    seen.update(dict.fromkeys(SPECIAL, 10_000))
    try:
        kept = kept_ids(pieces, np.array(list(seen.values())), Rule(**rule), bert)
    except InputError:
        units = slow_units().values()
        assert max(sum(seen[piece] for piece in each) for each in units) < rule.get("min_count", 1)
        return
    assert kept == slow_kept(seen, **rule)
    inner = VOCABULARY[len(SPECIAL) :]
    total = sum(seen[piece] for piece in inner)
    share = sum(seen[VOCABULARY[i]] for i in kept[len(SPECIAL) :]) / max(total, 1)
    assert coverage_of(pieces, np.array(list(seen.values())), kept) == pytest.approx(share)
    assert share >= rule.get("coverage", 0) - 1e-9


@pytest.mark.parametrize(("wanted", "most"), [(4, 3), (10**9, 3), (1, 0)])
def test_a_count_that_no_piece_reaches_is_refused(bert, wanted, most):
    seen = np.zeros(len(VOCABULARY), np.int64)
    seen[[1, 2, 7]] = 50, 50, most
    message = rf"no piece is seen {wanted} times .* pass at most --vocabulary-min-count {most};"
    with pytest.raises(InputError, match=message):
        kept_ids(kinds(bert), seen, Rule(min_count=wanted), bert)


def test_rare_words_and_numbers_are_still_spelt(bert, tmp_path):
    def texts():
        return [["国足" * 50]]

    cut_vocabulary(bert, texts, Rule(min_count=2), 200, tmp_path)
    encoder = load_encoder(tmp_path, 64)
    assert encoder.unknown not in encoder.encode(["zyx 9081 the cba qing a1b2", "国 足"]).ids
    assert (encoder.encode(["一"]).ids == encoder.unknown).sum() == 1


def test_chinese_characters_are_covered_apart_from_the_rest(bert, tmp_path):
    """One word in fifty pieces is not worth a row where all are counted together; among the rest it is half."""

    def texts():
        return [["国" * 60 + "足" * 37 + "一", "cba", "nba"]]

    cut = cut_vocabulary(bert, texts, Rule(coverage=0.98, max_unknown_rise=0.02), 128, tmp_path)
    left = {VOCABULARY[i] for i in cut.kept} - {*SPECIAL, *LETTERS, "ß"}
    assert left == {"国", "足", "cba", "##cba", "nba"}


def cased(folder):
    return make_bert(folder, do_lower_case=False)


def whole(folder):
    return make_bert(folder, tokenize_chinese_chars=False)


@pytest.mark.parametrize(
    ("make", "paired"),
    [(make_bert, {"国": False, "A": False}), (cased, {"国": False, "A": True}), (whole, {"国": True, "A": False})],
)
def test_pairs_are_those_that_the_tokenizer_makes(tmp_path, make, paired):
    tokenizer = load_encoder(make(tmp_path), 8).tokenizer
    unit = pieces_of(tokenizer).unit
    for piece, together in {**paired, "ing": True, "7": True, "①": True, "，": False, "!": False}.items():
        one, other = VOCABULARY.index(piece), VOCABULARY.index(f"##{piece}")
        assert (unit[one] == unit[other]) == together, piece
        assert unit[one] == min(one, other) if together else (unit[one], unit[other]) == (one, other)


@pytest.mark.parametrize("make", [make_bert, cased, whole])
def test_whatever_goes_on_with_a_word_was_foreseen(tmp_path, make):
    """Every ## piece that any text is cut into is one that can_continue knows."""
    tokenizer = load_encoder(make(tmp_path), 8).tokenizer

    @settings(max_examples=200, deadline=None)
    @given(parts=st.lists(st.sampled_from([each.removeprefix("##") for each in VOCABULARY[5:]] + [" "]), max_size=10))
    def check(parts):
        for piece in tokenizer.encode("".join(parts), add_special_tokens=False).tokens:
            if piece.startswith("##") and piece != "##":
                assert can_continue(tokenizer, piece.removeprefix("##")), piece

    check()


@pytest.mark.parametrize(
    ("piece", "answer"),
    [("国", True), ("㐀", True), ("豈", True), ("𠀀", True), ("한", False), ("の", False), ("国足", False)],
)
def test_chinese_characters_are_those_of_bert(piece, answer):
    from transformers import BasicTokenizer

    assert is_chinese(piece) == answer
    if len(piece) == 1:
        assert BasicTokenizer()._is_chinese_char(ord(piece)) == answer
