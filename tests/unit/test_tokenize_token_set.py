"""A token set whose texts are cut anew: what the raw table gives with that tokenizer, and nothing is divided again."""

import json
from dataclasses import fields

import pytest

from potstill.artifacts import TOKENS, expect
from potstill.data.tokens import SPLITS, TRAIN, UNLABELLED
from potstill.errors import ArtifactError, InputError
from potstill.tokenize import TokenizeConfig, tokenize_table
from potstill.tokenize import rows as rows_module
from potstill.tokenize.token_set import APPLY
from potstill.vocabulary.cutting import cut_vocabulary
from potstill.vocabulary.retokenizing import texts_of
from potstill.vocabulary.rule import Rule
from tests.headlines import noisy_rows, read, write_table

ONE = {"max_length": 12, "labelled_rows": 60, "unlabelled_rows": 50, "seed": 3}
SEVERAL = {"max_length": 12, "label_separator": "|"}
TEXT_ALONE = {"max_length": 12, "label_column": ""}


def pruned_tokenizer(source, tokens, folder):
    folder.mkdir()
    cut_vocabulary(source, texts_of(tokens, (TRAIN, UNLABELLED)), Rule(coverage=0.8, max_unknown_rise=1), 12, folder)
    return folder


@pytest.mark.parametrize("options", [ONE, SEVERAL, TEXT_ALONE])
def test_a_token_set_follows_a_pruned_tokenizer(tmp_path, tokenizer_folder, monkeypatch, options):
    monkeypatch.setattr(rows_module, "GROUP_ROWS", 16)
    rows = [
        (text, "体育|财经" if label == "体育" and i % 3 else label) for i, (text, label) in enumerate(noisy_rows(300))
    ]
    data = write_table(tmp_path / "t.jsonl", rows if options is SEVERAL else noisy_rows(300))
    tokenize_table(data, tokenizer_folder, tmp_path / "first", TokenizeConfig(**options))
    pruned = pruned_tokenizer(tokenizer_folder, tmp_path / "first", tmp_path / "pruned")
    tokenize_table(data, pruned, tmp_path / "raw", TokenizeConfig(**options))
    measures = tokenize_table(tmp_path / "first", pruned, tmp_path / "again", TokenizeConfig(max_length=12))
    first, raw, again = (expect(tmp_path / name, TOKENS) for name in ("first", "raw", "again"))
    files = {file.path: file.sha256 for file in again.files}
    wanted = {file.path: file.sha256 for file in raw.files}
    assert {name for name, digest in files.items() if wanted.pop(name) != digest} == {"statistics.json"}
    assert not wanted
    assert again.meaning == {**raw.meaning, "data_digest": first.digest}
    assert again.inputs["data"] == first.digest
    assert measures["rows_read"] == sum(raw.meaning["splits"].values())
    told, known = (json.loads((each.path / "statistics.json").read_text()) for each in (again, raw))
    assert (told["splits"], told["vocabulary"]) == (known["splits"], known["vocabulary"])
    changed = [
        a["input_ids"] != b["input_ids"]
        for a, b in zip(read(first.path, UNLABELLED), read(again.path, UNLABELLED), strict=True)
    ]
    assert any(changed)


def test_the_vocabulary_of_a_token_set_can_be_cut(tmp_path, tokenizer_folder):
    data, rule = (
        write_table(tmp_path / "t.jsonl", noisy_rows(300)),
        {"vocabulary_coverage": 0.9, "max_unknown_rise": 1.0},
    )
    tokenize_table(data, tokenizer_folder, tmp_path / "first", TokenizeConfig())
    tokenize_table(data, tokenizer_folder, tmp_path / "raw", TokenizeConfig(**rule))
    tokenize_table(tmp_path / "first", tokenizer_folder, tmp_path / "again", TokenizeConfig(**rule))
    for name in ("vocabulary.json", *(f"{split}.parquet" for split in SPLITS)):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "raw" / name).read_bytes()


def test_options_that_divide_rows_are_refused_by_name(tmp_path, tokenizer_folder, tiny_tokens):
    config = TokenizeConfig(max_length=16, test_share=0.2, label_separator="|", seed=7, max_unknown_rise=0.1)
    with pytest.raises(
        InputError, match=r"as they are; leave out --label-separator \|, --test-share 0.2, --seed 7, or"
    ):
        tokenize_table(tiny_tokens, tokenizer_folder, tmp_path / "out", config)
    assert not (tmp_path / "out").exists()
    assert set(APPLY) < {field.name for field in fields(TokenizeConfig)}


def test_a_token_set_has_a_digest_to_be_proved(tmp_path, tokenizer_folder, tiny_tokens):
    digest = expect(tiny_tokens, TOKENS).digest
    tokenize_table(tiny_tokens, tokenizer_folder, tmp_path / "out", TokenizeConfig(data_digest=digest))
    with pytest.raises(ArtifactError, match="wanted is 00"):
        tokenize_table(tiny_tokens, tokenizer_folder, tmp_path / "no", TokenizeConfig(data_digest="00"))
