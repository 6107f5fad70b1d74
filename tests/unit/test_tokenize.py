"""tokenize against a slow, obvious reference: dictionaries and lists instead of streams and partitions."""

import hashlib
import json
import random
import unicodedata
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import MONEY, OPEN, SPORT
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from potstill.artifacts import DATASET, TOKENS, expect, seal
from potstill.data.table_columns import RAW_SCHEMA
from potstill.data.tokens import SPLITS, TEST, TRAIN, UNLABELLED, VALIDATION, has_split, split_path
from potstill.errors import ArtifactError, InputError, OptionError
from potstill.output_folder import creating
from potstill.tokenize import TokenizeConfig, tokenize_table
from potstill.tokenize import rows as rows_module
from potstill.tokenize import words as words_module
from potstill.tokenize.arrangement import Counts, gather, scatter
from potstill.tokenize.encoding import CHARACTERS, Encoder, load_encoder
from potstill.tokenize.split import Shares, Splitter
from potstill.tokenize.vocabulary import kept_ids
from potstill.tokenize.words import Words, can_be_cut

LABELS = ("体育", "财经", None, "")


def noisy_rows(count, seed=0):
    """Rows with copies, other spellings of a text, contradictions, blanks, and rows that nobody labelled."""
    draw = random.Random(seed)
    rows = []
    for number in range(count):
        topic = number % 2
        text = f"{(SPORT, MONEY)[topic][draw.randrange(4)]} abc{draw.randrange(count // 4)}"
        spelt = draw.choice([text, text.upper(), f"  {text}\u3000", text.replace("1", "１")])
        label = draw.choices([("体育", "财经")[topic], None, "", "财经"], [20, 2, 1, 1])[0]
        rows.append((draw.choices([spelt, " ", None], [30, 1, 1])[0], label))
    return rows


def slow_division(rows, seed, shares):
    """Split → [(row id, text, label)] in order, and the counts, by the definition."""
    copies, empty = {}, 0
    for text, label in rows:
        normal = " ".join(unicodedata.normalize("NFKC", text or "").casefold().split())
        if normal:
            copies.setdefault(normal, []).append((text, (label or "").strip() or None))
        else:
            empty += 1
    kept, conflicts = [], 0
    for normal, each in copies.items():
        labels = {label for _, label in each if label}
        if len(labels) > 1:
            conflicts += len(each)
            continue
        place = int.from_bytes(hashlib.blake2b(f"{seed}|{normal}".encode(), digest_size=8).digest(), "big")
        name = hashlib.blake2b(normal.encode(), digest_size=16).hexdigest()
        kept.append((place, name, min((text for text, _ in each), key=str.encode), labels.pop() if labels else None))
    splits = {split: [] for split in SPLITS}
    border = shares.test + shares.validation * (1 - shares.test)
    for place, name, text, label in sorted(kept):
        where = TEST if place / 2**64 < shares.test else VALIDATION if place / 2**64 < border else TRAIN
        if label is None or (where == TRAIN and shares.labelled_rows and len(splits[TRAIN]) == shares.labelled_rows):
            where = UNLABELLED
        if where != UNLABELLED or not shares.unlabelled_rows or len(splits[where]) < shares.unlabelled_rows:
            splits[where].append((name, text, label))
    return splits, {"rows": len(rows), "empty": empty, "conflicts": conflicts, "unique": len(kept)}


def batches_of(rows, size):
    for start in range(0, len(rows), size):
        texts, labels = zip(*rows[start : start + size], strict=True)
        yield pa.record_batch([pa.array(texts, pa.string()), pa.array(labels, pa.string())], schema=RAW_SCHEMA)


def fast_division(rows, seed, shares, folder, partitions=64, size=7):
    counts, splitter = Counts(), Splitter(shares)
    scatter(batches_of(rows, size), folder, seed, counts, partitions)
    splits = {split: [] for split in SPLITS}
    for table in gather(folder, counts, partitions):
        for split, part in splitter.divide(table).items():
            splits[split] += [(row["row_id"].hex(), row["text"], row["label"]) for row in part.to_pylist()]
    assert splitter.rows == {split: len(each) for split, each in splits.items()}
    assert counts.rows == counts.empty + counts.duplicates + counts.conflicts + counts.unique
    return splits, {name: each for name, each in vars(counts).items() if name != "duplicates"}


@pytest.mark.parametrize("partitions", [1, 2, 3, 64])
@pytest.mark.parametrize(
    "shares", [Shares(0.1, 0.1), Shares(0.2, 0.3, 20), Shares(0, 0, 30, 15), Shares(0.5, 0, 5, 500)]
)
def test_division_is_the_slow_one_whatever_the_partitions(tmp_path, shares, partitions):
    rows = noisy_rows(400)
    wanted = slow_division(rows, 3, shares)
    assert fast_division(rows, 3, shares, tmp_path, partitions) == wanted
    assert all(wanted[1][name] for name in ("empty", "conflicts", "unique"))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.tuples(st.text(max_size=4) | st.sampled_from("aAａ"), st.sampled_from(LABELS)), min_size=1, max_size=40
    ),
    seed=st.integers(-5, 5),
    test=st.floats(0, 0.99),
    validation=st.floats(0, 0.99),
    labelled=st.integers(0, 6),
    unlabelled=st.integers(0, 6),
    order=st.randoms(use_true_random=False),
)
def test_division_never_depends_on_order(tmp_path, rows, seed, test, validation, labelled, unlabelled, order):
    shares = Shares(test, validation, labelled, unlabelled)
    wanted = slow_division(rows, seed, shares)
    assert fast_division(rows, seed, shares, tmp_path, 4, 3) == wanted
    order.shuffle(rows)
    assert fast_division(rows, seed, shares, tmp_path, 5, 11) == wanted


def write_table(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({"text": text, "label": label}, ensure_ascii=False) for text, label in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def read(tokens, split):
    return pq.read_table(split_path(tokens, split)).to_pylist() if has_split(tokens, split) else []


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


def test_pruned_vocabulary_equals_a_tokenizer_built_from_the_kept_pieces(tmp_path, tokenizer_folder):
    from transformers import BertTokenizerFast

    data = write_table(tmp_path / "t.jsonl", noisy_rows(300))
    tokenize_table(data, tokenizer_folder, tmp_path / "whole", TokenizeConfig())
    measures = tokenize_table(data, tokenizer_folder, tmp_path / "out", TokenizeConfig(vocabulary_min_count=30))
    seen = Counter(
        i
        for split in (TRAIN, VALIDATION, UNLABELLED)
        for row in read(tmp_path / "whole", split)
        for i in row["input_ids"]
    )
    old = (tokenizer_folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
    kept = [i for i in range(len(old)) if i < 5 or seen[i] >= 30]
    assert json.loads((tmp_path / "out" / "vocabulary.json").read_text()) == {"kept": kept}
    assert (tmp_path / "out" / "vocab.txt").read_text(encoding="utf-8").splitlines() == [old[i] for i in kept]
    assert measures["vocabulary_size"] == len(kept) < len(old)
    assert measures["unknown_rate"] > measures["unknown_rate_before_pruning"]

    built = tmp_path / "built"
    built.mkdir()
    (built / "vocab.txt").write_text("\n".join(old[i] for i in kept) + "\n", encoding="utf-8")
    reference = BertTokenizerFast.from_pretrained(built)
    loaded = BertTokenizerFast.from_pretrained(tmp_path / "out")
    assert loaded.all_special_ids == reference.all_special_ids
    for split in SPLITS:
        for row in read(tmp_path / "out", split):
            assert row["input_ids"] == reference(row["text"])["input_ids"] == loaded(row["text"])["input_ids"]


def test_pruning_looks_at_no_test_text(tmp_path, tokenizer_folder):
    rows = noisy_rows(300)
    test = slow_division(rows, 0, Shares(0.1, 0.1))[0][TEST]
    tokenize_table(
        write_table(tmp_path / "a.jsonl", rows),
        tokenizer_folder,
        tmp_path / "a",
        TokenizeConfig(vocabulary_min_count=9),
    )
    texts = {text for _, text, _ in test}
    rest = [row for row in rows if row[0] not in texts] + [(test[0][1], "体育")]
    tokenize_table(
        write_table(tmp_path / "b.jsonl", rest),
        tokenizer_folder,
        tmp_path / "b",
        TokenizeConfig(vocabulary_min_count=9),
    )
    assert (tmp_path / "a" / "vocabulary.json").read_bytes() == (tmp_path / "b" / "vocabulary.json").read_bytes()


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
    with pytest.raises(InputError, match="only the vocabulary of WordPiece"):
        tokenize_table(data, start, tmp_path / "no", TokenizeConfig(vocabulary_min_count=1))


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


def test_kept_ids_keep_every_special_token(tokenizer_folder):
    seen = np.zeros(load_encoder(tokenizer_folder, 8).size, np.int64)
    seen[[2, 7, 9]] = 50, 3, 2
    assert kept_ids(tokenizer_folder, seen, 3) == [0, 1, 2, 3, 4, 7]


@pytest.mark.parametrize(("wanted", "most"), [(4, 3), (10**9, 3), (1, 0)])
def test_a_vocabulary_of_special_tokens_alone_is_refused(tokenizer_folder, wanted, most):
    seen = np.zeros(load_encoder(tokenizer_folder, 8).size, np.int64)
    seen[[2, 7, 9]] = 50, most, 0
    with pytest.raises(
        InputError, match=rf"no piece is seen {wanted} times .* pass at most --vocabulary-min-count {most};"
    ):
        kept_ids(tokenizer_folder, seen, wanted)


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


FEW = [("国足", "体育"), ("央行", "财经")]


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        (FEW, {}, "too few for"),
        ([(text, "体育") for text in SPORT], {}, "with 1 label; a classifier needs two"),
        ([(text, None) for text in SPORT], {}, "with 0 labels; .*--label-column ''"),
        ([(" ", "体育")], {}, "no text is left of 1 rows: 1 are empty"),
        ([("国足", "体育"), ("国足", "财经")], {}, "2 contradict"),
        (noisy_rows(200), {"label_column": "tag"}, "label column 'tag' is missing"),
        (noisy_rows(200), {"labelled_rows": 1}, "no training row has the label"),
        (noisy_rows(200), {"columns": "label,text"}, "names its columns itself"),
        ([(f"t{i}", f"l{i}") for i in range(10_001)], {}, "over 10000 values"),
        (noisy_rows(200), {"vocabulary_min_count": 10**6}, "no piece is seen 1000000 times"),
        (
            [*noisy_rows(200), ("a", " x\x00"), ("b", "x\x00\n"), ("c", "y\nz"), ("d", "\x85w\x9f")],
            {},
            r"labels hold control characters: 'w\\x9f' in 1 row, 'x\\x00' in 2 rows, 'y\\nz' in 1 row; mend those rows",
        ),
        (
            [*noisy_rows(200), ("a", "体育| x\ty"), ("b", "x\ty|财经\x7f")],
            {"label_separator": "|"},
            r"'x\\ty' in 2 rows, '财经\\x7f' in 1 row;",
        ),
        ([(f"t{i}", f"l\x01{i}") for i in range(1_001)], {}, r"'l\\x010' in 1 row, .* and 996 more;"),
    ],
)
def test_refusals(tmp_path, tokenizer_folder, rows, options, message):
    data = write_table(tmp_path / "t.jsonl", rows)
    with pytest.raises(InputError, match=message):
        tokenize_table(data, tokenizer_folder, tmp_path / "out", TokenizeConfig(**options))


def test_refuses_texts_longer_than_the_model(tmp_path, tiny_checkpoint):
    with pytest.raises(InputError, match="reads at most 64 tokens; pass --max-length 64 or less, got 65"):
        tokenize_table(tmp_path, tiny_checkpoint, tmp_path / "out", TokenizeConfig(max_length=65))


@pytest.mark.parametrize("content", [None, "{}", "no json"])
def test_refuses_a_folder_without_a_tokenizer(tmp_path, content):
    data = write_table(tmp_path / "t.jsonl", noisy_rows(100))
    (tmp_path / "start").mkdir()
    if content is not None:
        (tmp_path / "start" / "tokenizer.json").write_text(content)
    with pytest.raises(InputError, match="import"):
        tokenize_table(data, tmp_path / "start", tmp_path / "out", TokenizeConfig())


@pytest.mark.parametrize(
    "options", [{"test_share": 1.0}, {"validation_share": -0.1}, {"max_length": 2}, {"labelled_rows": -1}, {"no": 1}]
)
def test_numbers_out_of_range_are_refused(options):
    with pytest.raises(OptionError):
        TokenizeConfig(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"text_column": "label"},
            r"^label_column must be another column than text_column, got 'label' for both; .*''",
        ),
        ({"text_column": ""}, r"^text_column must name the column of the texts, got ''$"),
        ({"text_column": "", "label_column": ""}, r"^text_column must name the column of the texts, got ''$"),
        ({"columns": ","}, "^columns must name every column, got ',';"),
        ({"columns": "text,,label"}, "^columns must name every column"),
        ({"columns": "text, label,text"}, "^columns must name each column differently, got 'text, label,text'$"),
    ],
)
def test_columns_that_cannot_be_read_are_refused_when_the_config_is_built(options, message):
    with pytest.raises(OptionError, match=message):
        TokenizeConfig(**options)


def test_start_is_looked_for_before_the_table_is_read(tmp_path, tokenizer_folder):
    (tmp_path / "file").write_text("x")
    for start, message in ((tmp_path / "none", "none does not exist; wanted is"), (tmp_path / "file", "is no folder")):
        with pytest.raises(InputError, match=message):
            tokenize_table(tmp_path / "no-table", start, tmp_path / "out", TokenizeConfig())
    with pytest.raises(InputError, match="data is empty"):
        tokenize_table("", tokenizer_folder, tmp_path / "out", TokenizeConfig())


def test_encoder_without_special_tokens_has_an_empty_frame():
    from tokenizers import Tokenizer, models, pre_tokenizers

    bare = Tokenizer(models.WordLevel({"a": 0, "b": 1, "?": 2}, "?"))
    bare.pre_tokenizer = pre_tokenizers.Whitespace()
    encoder = Encoder(bare, 2)
    assert encoder.special_tokens == 0
    assert encoder.encode(["a b a", "", "z"]).ids.tolist() == [0, 1, 2]


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
