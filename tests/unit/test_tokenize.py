"""tokenize, from a table to tokens/v1, against the slow split and the ids of transformers."""

import json
import random
from collections import Counter

import numpy as np
import pytest
from conftest import OPEN

from potstill.artifacts import DATASET, TOKENS, expect, seal
from potstill.data.tokens import UNLABELLED
from potstill.errors import ArtifactError, InputError
from potstill.output_folder import creating
from potstill.tokenize import TokenizeConfig, tokenize_table
from potstill.tokenize import rows as rows_module
from potstill.tokenize.split import Shares
from potstill.vocabulary.encoding import load_encoder
from tests.headlines import noisy_rows, read, slow_division, write_table


def test_stage_gives_the_slow_split_and_the_ids_of_transformers(tmp_path, tokenizer_folder, monkeypatch):
    from transformers import AutoTokenizer

    monkeypatch.setattr(rows_module, "GROUP_ROWS", 16)
    rows = noisy_rows(300)
    data = write_table(tmp_path / "t.jsonl", rows)
    config = TokenizeConfig(max_length=12, labelled_rows=60, unlabelled_rows=50, seed=1)
    measures = tokenize_table(data, tokenizer_folder, tmp_path / "out", config)
    splits, counts = slow_division(rows, 1, Shares(0.1, 0.1, 60, 50))
    made = expect(tmp_path / "out", TOKENS)
    tokenizer = AutoTokenizer.from_pretrained(made.path)
    assert made.meaning["labels"] == ["体育", "财经"]
    assert measures["rows_read"] == 300
    assert measures["conflicts"] == counts["conflicts"]
    for split, wanted in splits.items():
        got = read(made.path, split)
        assert [(row["row_id"], row["text"]) for row in got] == [(name, text) for name, text, _ in wanted]
        assert [row["input_ids"] for row in got] == tokenizer(
            [t for _, t, _ in wanted], truncation=True, max_length=12
        )["input_ids"]
        names = [None if row["label"] is None else made.meaning["labels"][row["label"]] for row in got]
        assert names == [None if split == UNLABELLED else label for _, _, label in wanted]
        assert made.meaning["splits"][split] == len(wanted) == measures[f"rows_{split}"]


def test_statistics_are_those_of_the_rows(tmp_path, tokenizer_folder):
    rows = [*noisy_rows(300), *((f"龘龘 {word}", "体育") for word in range(40))]
    data = write_table(tmp_path / "t.jsonl", rows)
    measures = tokenize_table(data, tokenizer_folder, tmp_path / "out", TokenizeConfig(max_length=12))
    told = json.loads((tmp_path / "out" / "statistics.json").read_text())
    whole = load_encoder(tokenizer_folder, 10_000)
    unknown, words = 0, 0
    for split, figures in told["splits"].items():
        got = read(tmp_path / "out", split)
        lengths = whole.encode([row["text"] for row in got]).lengths
        balance = Counter(("体育", "财经")[row["label"]] for row in got if row["label"] is not None)
        assert figures["labels"] == dict(sorted(balance.items()))
        assert figures["lengths"]["mean"] == pytest.approx(lengths.mean())
        assert figures["lengths"]["p95"] == int(np.percentile(lengths, 95, method="inverted_cdf"))
        assert figures["lengths"]["max"] == lengths.max()
        assert figures["truncated_share"] == pytest.approx((lengths > 12).mean())
        unknown += sum(row["input_ids"].count(1) for row in got)
        words += sum(len(row["input_ids"]) - 2 for row in got)
    assert unknown
    assert measures["unknown_rate"] == pytest.approx(unknown / words)


def test_order_of_rows_and_files_changes_no_byte(tmp_path, tokenizer_folder):
    rows = noisy_rows(300)
    one = write_table(tmp_path / "one" / "t.jsonl", rows).parent
    random.Random(5).shuffle(rows)
    for part in range(3):
        write_table(tmp_path / "two" / f"{part}.jsonl", rows[part::3])
    config = TokenizeConfig(vocabulary_min_count=2)
    for name, data in (("a", one), ("b", tmp_path / "two"), ("c", one)):
        tokenize_table(data, tokenizer_folder, tmp_path / name, config)
    first, second, third = (expect(tmp_path / name, TOKENS) for name in "abc")
    assert first.digest == third.digest
    assert first.files == second.files


def test_a_table_without_labels_is_all_unlabelled(tmp_path, tokenizer_folder):
    data = write_table(tmp_path / "t.jsonl", noisy_rows(100))
    measures = tokenize_table(
        data, tokenizer_folder, tmp_path / "out", TokenizeConfig(label_column="", vocabulary_min_count=1)
    )
    made = expect(tmp_path / "out", TOKENS)
    assert made.meaning["labels"] == []
    assert list(made.meaning["splits"]) == [UNLABELLED]
    assert measures["rows_unlabelled"] == made.meaning["splits"][UNLABELLED] > 50


def test_licence_and_digest_of_sealed_data(tmp_path, tokenizer_folder, tiny_checkpoint):
    write_table(tmp_path / "data.new" / "t.jsonl", noisy_rows(200))
    with creating(tmp_path / "data", DATASET) as folder:
        (tmp_path / "data.new" / "t.jsonl").rename(folder / "t.jsonl")
        sealed = seal(folder, DATASET, {"stage": "test"}, {}, {"name": "t"}, OPEN)
    config = TokenizeConfig(max_length=16, data_digest=sealed.digest)
    tokenize_table(sealed.path, tiny_checkpoint, tmp_path / "a", config)
    made = expect(tmp_path / "a", TOKENS)
    assert made.licence == OPEN
    assert made.inputs["data"] == sealed.digest == made.meaning["data_digest"]
    with pytest.raises(ArtifactError, match="wanted is 00"):
        tokenize_table(sealed.path, tiny_checkpoint, tmp_path / "b", TokenizeConfig(max_length=16, data_digest="00"))
    tokenize_table(sealed.path / "t.jsonl", tiny_checkpoint, tmp_path / "c", TokenizeConfig(max_length=16))
    raw = expect(tmp_path / "c", TOKENS)
    assert raw.licence.use == "undeclared"
    assert raw.meaning["data_digest"] == sealed.files[0].sha256
    with pytest.raises(InputError, match="wanted is 00"):
        tokenize_table(
            sealed.path / "t.jsonl", tiny_checkpoint, tmp_path / "d", TokenizeConfig(max_length=16, data_digest="00")
        )


def test_labels_are_numbered_as_the_classifier_to_judge_has_them(tmp_path, tiny_checkpoint):
    table = tmp_path / "table.csv"
    rows = [("财经" if i % 2 else "体育", f"标题{i}") for i in range(60)]
    table.write_text("label,text\n" + "\n".join(",".join(row) for row in rows), encoding="utf-8")
    config = TokenizeConfig(max_length=16, labels_of_start=True)
    tokenize_table(table, tiny_checkpoint, tmp_path / "out", config)
    assert expect(tmp_path / "out", TOKENS).meaning["labels"] == ["体育", "财经"]
    table.write_text(table.read_text(encoding="utf-8").replace("财经", "娱乐"), encoding="utf-8")
    with pytest.raises(InputError, match=r"labels that .* does not know: 娱乐; it knows 体育, 财经"):
        tokenize_table(table, tiny_checkpoint, tmp_path / "out", config)
