"""Cutting a vocabulary against dictionaries and a tokenizer that is built from the kept pieces."""

import json
import subprocess
import sys
from collections import Counter
from functools import partial

import pytest
from conftest import MONEY, SPORT

from potstill.data.tokens import SPLITS, TEST, TRAIN, UNLABELLED, VALIDATION
from potstill.errors import InputError, OptionError
from potstill.tokenize import TokenizeConfig, tokenize_table
from potstill.tokenize.split import Shares
from potstill.vocabulary.cutting import cut_vocabulary
from potstill.vocabulary.encoding import load_encoder
from potstill.vocabulary.retokenizing import retokenized, texts_of
from potstill.vocabulary.rule import Rule
from tests.headlines import noisy_rows, read, slow_division, write_table

WITHOUT_GATE = {"vocabulary_min_count": 30, "max_unknown_rise": 1.0}


def test_pruned_vocabulary_equals_a_tokenizer_built_from_the_kept_pieces(tmp_path, tokenizer_folder):
    from transformers import BertTokenizerFast

    data = write_table(tmp_path / "t.jsonl", noisy_rows(300))
    tokenize_table(data, tokenizer_folder, tmp_path / "whole", TokenizeConfig())
    measures = tokenize_table(data, tokenizer_folder, tmp_path / "out", TokenizeConfig(**WITHOUT_GATE))
    seen = Counter(
        i
        for split in (TRAIN, VALIDATION, UNLABELLED)
        for row in read(tmp_path / "whole", split)
        for i in row["input_ids"]
    )
    old = (tokenizer_folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
    spelling = {*"0123456789abcdefghijklmnopqrstuvwxyz", *(f"##{digit}" for digit in range(10))}
    kept = [i for i in range(len(old)) if i < 5 or seen[i] >= 30 or old[i] in spelling]
    assert json.loads((tmp_path / "out" / "vocabulary.json").read_text()) == {"kept": kept}
    assert (tmp_path / "out" / "vocab.txt").read_text(encoding="utf-8").splitlines() == [old[i] for i in kept]
    assert measures["vocabulary_size"] == len(kept) < len(old)
    assert measures["unknown_rate"] > measures["unknown_rate_before_pruning"]
    assert measures["vocabulary_coverage"] == pytest.approx(
        sum(seen[i] for i in kept if i >= 5) / sum(seen[i] for i in range(5, len(old)))
    )

    built = tmp_path / "built"
    built.mkdir()
    (built / "vocab.txt").write_text("\n".join(old[i] for i in kept) + "\n", encoding="utf-8")
    reference = BertTokenizerFast.from_pretrained(built)
    loaded = BertTokenizerFast.from_pretrained(tmp_path / "out")
    assert loaded.all_special_ids == reference.all_special_ids
    for split in SPLITS:
        for row in read(tmp_path / "out", split):
            assert row["input_ids"] == reference(row["text"])["input_ids"] == loaded(row["text"])["input_ids"]


@pytest.mark.parametrize("rule", [{"vocabulary_min_count": 9}, {"vocabulary_coverage": 0.97}])
def test_pruning_looks_at_no_test_text(tmp_path, tokenizer_folder, rule):
    rows = noisy_rows(300)
    test = slow_division(rows, 0, Shares(0.1, 0.1))[0][TEST]
    texts = {text for _, text, _ in test}
    rest = [row for row in rows if row[0] not in texts] + [(test[0][1], "体育")]
    config = TokenizeConfig(max_unknown_rise=1.0, **rule)
    for name, each in (("a", rows), ("b", rest)):
        tokenize_table(write_table(tmp_path / f"{name}.jsonl", each), tokenizer_folder, tmp_path / name, config)
    assert (tmp_path / "a" / "vocabulary.json").read_bytes() == (tmp_path / "b" / "vocabulary.json").read_bytes()


def slow_rates(tokens, tokenizer):
    """Share of [UNK] over all splits, with the tokenizer of transformers."""
    ids = [i for split in SPLITS for row in read(tokens, split) for i in tokenizer(row["text"])["input_ids"]]
    inner = [i for i in ids if i not in (tokenizer.cls_token_id, tokenizer.sep_token_id)]
    return inner.count(tokenizer.unk_token_id) / len(inner)


def test_both_rates_of_unknown_words_are_told_and_gated(tmp_path, tokenizer_folder):
    from transformers import BertTokenizerFast

    data, out = write_table(tmp_path / "t.jsonl", noisy_rows(300)), tmp_path / "out"
    measures = tokenize_table(data, tokenizer_folder, out, TokenizeConfig(**WITHOUT_GATE))
    before, after = (slow_rates(out, BertTokenizerFast.from_pretrained(each)) for each in (tokenizer_folder, out))
    assert (measures["unknown_rate_before_pruning"], measures["unknown_rate"]) == pytest.approx((before, after))
    told = json.loads((out / "statistics.json").read_text())["vocabulary"]
    meaning = json.loads((out / "artifact.json").read_text())["meaning"]
    assert {**told, **meaning}["unknown_rate_after"] == pytest.approx(after)
    assert meaning["unknown_rate_before"] == pytest.approx(before)
    with pytest.raises(InputError, match=r"rise from \d+\.\d\d% to \d+\.\d\d%; pass a smaller .* than 30, or") as told:
        tokenize_table(data, tokenizer_folder, tmp_path / "no", TokenizeConfig(vocabulary_min_count=30))
    assert f"{before:.2%} to {after:.2%}" in str(told.value)
    borne = float(str(told.value).rpartition(" ")[2])
    assert after - before <= borne < after - before + 0.0002
    again = TokenizeConfig(vocabulary_min_count=30, max_unknown_rise=borne)
    assert tokenize_table(data, tokenizer_folder, tmp_path / "yes", again)["unknown_rate"] == measures["unknown_rate"]


def test_a_vocabulary_is_cut_again_from_its_own_ids(tmp_path, tokenizer_folder, tiny_tokens):
    texts, folders = texts_of(tiny_tokens, (TRAIN, UNLABELLED)), [tokenizer_folder, tmp_path / "a", tmp_path / "b"]
    lines = [(tokenizer_folder / "vocab.txt").read_text(encoding="utf-8").splitlines()]
    for coverage, source, folder in zip((0.99, 0.9), folders, folders[1:], strict=False):
        folder.mkdir()
        cut = cut_vocabulary(source, texts, Rule(coverage=coverage, max_unknown_rise=1), 32, folder)
        assert json.loads((folder / "vocabulary.json").read_text()) == {"kept": cut.kept}
        lines.append((folder / "vocab.txt").read_text(encoding="utf-8").splitlines())
        assert lines[-1] == [lines[-2][old] for old in cut.kept]
        assert (cut.before, cut.after) == (len(lines[-2]), len(lines[-1]))
        assert cut.after < cut.before


def test_a_split_is_cut_anew_with_its_labels(tmp_path, tokenizer_folder, tiny_tokens):
    from transformers import BertTokenizerFast

    rule = Rule(coverage=0.8, max_unknown_rise=1)
    cut_vocabulary(tokenizer_folder, texts_of(tiny_tokens, (TRAIN, VALIDATION)), rule, 32, tmp_path)
    reference, rows = BertTokenizerFast.from_pretrained(tmp_path), read(tiny_tokens, VALIDATION)
    table = retokenized(tiny_tokens, VALIDATION, load_encoder(tmp_path, 9))
    wanted = reference([row["text"] for row in rows], truncation=True, max_length=9)["input_ids"]
    assert [table.row(i).tolist() for i in range(len(table))] == wanted
    assert table.labels.tolist() == [row["label"] for row in rows]


def test_texts_are_read_anew_at_each_call_and_absent_splits_left_out(tmp_path, tokenizer_folder):
    data = write_table(tmp_path / "t.jsonl", noisy_rows(100))
    tokenize_table(data, tokenizer_folder, tmp_path / "out", TokenizeConfig(label_column=""))
    texts = texts_of(tmp_path / "out", SPLITS)
    wanted = [row["text"] for row in read(tmp_path / "out", UNLABELLED)]
    assert [[text for group in texts() for text in group] for _ in range(2)] == [wanted, wanted]


def byte_level_bpe(folder):
    """A RoBERTa tokenizer: byte-level BPE, <s> … </s>."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator(SPORT + MONEY, trainer)
    made.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    return made


def unigram(folder):
    """An ALBERT tokenizer: Unigram over ▁-marked words, [CLS] … [SEP]."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers

    made = Tokenizer(models.Unigram())
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<pad>", "<unk>", "[CLS]", "[SEP]"]
    trainer = trainers.UnigramTrainer(vocab_size=90, special_tokens=special, unk_token="<unk>", show_progress=False)
    made.train_from_iterator(SPORT + MONEY, trainer)
    frame = [("[CLS]", 2), ("[SEP]", 3)]
    made.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=frame)
    return made


@pytest.mark.parametrize("make", [byte_level_bpe, unigram])
def test_other_tokenizers_work_but_are_not_pruned(tmp_path, make):
    from transformers import PreTrainedTokenizerFast

    start = tmp_path / "start"
    PreTrainedTokenizerFast(tokenizer_object=make(start)).save_pretrained(start)
    data = write_table(tmp_path / "t.jsonl", noisy_rows(200))
    tokenize_table(data, start, tmp_path / "out", TokenizeConfig(max_length=9))
    reference = PreTrainedTokenizerFast.from_pretrained(start)
    for row in read(tmp_path / "out", TRAIN):
        assert row["input_ids"] == reference(row["text"], truncation=True, max_length=9)["input_ids"]
    assert not (tmp_path / "out" / "vocab.txt").exists()
    for rule in ({"vocabulary_min_count": 1}, {"vocabulary_coverage": 0.9}):
        with pytest.raises(InputError, match="only the vocabulary of WordPiece"):
            tokenize_table(data, start, tmp_path / "no", TokenizeConfig(**rule))


def test_texts_that_the_tokenizer_does_not_know_choose_no_vocabulary(tmp_path, tokenizer_folder):
    cut = partial(cut_vocabulary, tokenizer_folder, max_length=8, folder=tmp_path)
    with pytest.raises(InputError, match="no text outside the test split has a piece that the tokenizer of"):
        cut(lambda: [["龘"], []], Rule(coverage=0.9))
    with pytest.raises(InputError, match="no piece is seen 1 times outside the test split, the commonest 0 times"):
        cut(list, Rule(min_count=1))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Rule(min_count=2, coverage=0.9),
        lambda: TokenizeConfig(vocabulary_min_count=2, vocabulary_coverage=0.9),
    ],
)
def test_two_rules_at_once_are_refused(make):
    with pytest.raises(OptionError, match=r"both choose the word pieces, got 2 and 0\.9; leave one of them at 0"):
        make()


@pytest.mark.parametrize("name", ["vocabulary_coverage", "max_unknown_rise"])
@pytest.mark.parametrize("value", [-0.1, 1.1])
def test_shares_out_of_range_are_refused(name, value):
    with pytest.raises(OptionError, match=name):
        TokenizeConfig(**{name: value})


def test_no_torch_is_imported_to_cut_a_vocabulary():
    modules = "potstill.vocabulary.cutting", "potstill.vocabulary.retokenizing", "potstill.tokenize.stage"
    code = f"import sys, {', '.join(modules)}; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
