"""Small truth for every test: a 2-layer BERT, a Chinese vocabulary of a few hundred tokens, real sentences."""

import os
import signal
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from potstill.artifacts import CHECKPOINT, TOKENS, Artifact, seal
from potstill.data.tokens import SCHEMA, TEST, TRAIN, UNLABELLED, VALIDATION, split_path
from potstill.licences import Licence
from potstill.output_folder import creating

LABELS = ["体育", "财经"]
SPORT = ["国足热身赛一比零取胜", "姚明谈中国男篮新赛季", "英超第三轮曼联客场告负", "网球公开赛李娜晋级八强"]
MONEY = ["央行下调存款准备金率", "沪指收盘上涨百分之一", "人民币汇率创年内新高", "基金公司三季度亏损扩大"]
MAKER = {"stage": "test"}
pytest_plugins = ["tests.s3_server", "tests.kubernetes_api", "tests.kfp_api"]
OPEN = Licence("Apache-2.0", "open")


def pytest_configure() -> None:
    """Hear Ctrl-C, which the tests press: a shell starts what runs in the background deaf to it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def example_texts(count: int) -> tuple[list[str], list[int]]:
    """Return `count` distinct headlines and their labels, 0 and 1 by turns."""
    texts = [f"{(SPORT, MONEY)[i % 2][(i // 2) % 4]}{i}" for i in range(count)]
    return texts, [i % 2 for i in range(count)]


def make_tokenizer(folder: Path) -> None:
    """Write a BERT tokenizer that knows every character of the example texts."""
    from transformers import BertTokenizerFast

    folder.mkdir(parents=True, exist_ok=True)
    characters = sorted(
        {c for text in SPORT + MONEY for c in text} | set("0123456789abcdefghijklmnopqrstuvwxyz，。！？")
    )
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters, *(f"##{c}" for c in "0123456789")]
    (folder / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    BertTokenizerFast.from_pretrained(folder).save_pretrained(folder)


@pytest.fixture(scope="session")
def tokenizer_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT tokenizer that knows every character of the example texts."""
    folder = tmp_path_factory.mktemp("tokenizer")
    make_tokenizer(folder)
    return folder


def make_tokens(folder: Path, tokenizer_folder: Path, rows: int = 64) -> Artifact:
    """Write a whole tokens/v1 folder with all four splits of `rows` rows each."""
    from transformers import BertTokenizerFast

    from potstill.encoder.tokenizer import copy_tokenizer

    tokenizer = BertTokenizerFast.from_pretrained(tokenizer_folder)
    sizes = {}
    with creating(folder, TOKENS):
        for start, split in enumerate((TRAIN, VALIDATION, TEST, UNLABELLED)):
            texts, labels = example_texts(rows * 4)
            part = slice(start * rows, (start + 1) * rows)
            table = {
                "row_id": [f"{start}-{i:05d}" for i in range(rows)],
                "text": texts[part],
                "input_ids": tokenizer(texts[part])["input_ids"],
                "label": [None] * rows if split == UNLABELLED else labels[part],
            }
            pq.write_table(pa.table(table, schema=SCHEMA), split_path(folder, split))
            sizes[split] = rows
        copy_tokenizer(tokenizer_folder, folder)
        meaning = {"labels": LABELS, "max_length": 32, "splits": sizes, "vocabulary_size": len(tokenizer)}
        return seal(folder, TOKENS, MAKER, {}, meaning, OPEN)


def make_checkpoint(
    folder: Path, tokenizer_folder: Path, layers: int = 2, hidden: int = 32, seed: int = 0, **shape: int
) -> Artifact:
    """Write a whole checkpoint/v1 folder: a random BERT classifier with 4 heads of 8 and 64 FFN neurons."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    from potstill.encoder.checkpoint import save_checkpoint

    torch.manual_seed(seed)
    size = len((tokenizer_folder / "vocab.txt").read_text(encoding="utf-8").splitlines())
    named = {"id2label": dict(enumerate(LABELS)), "label2id": {label: i for i, label in enumerate(LABELS)}}
    settings = {"num_attention_heads": 4, "intermediate_size": 64, "max_position_embeddings": 64, **shape}
    config = BertConfig(
        vocab_size=size, hidden_size=hidden, num_hidden_layers=layers, initializer_range=0.2, **settings, **named
    )
    with creating(folder, CHECKPOINT):
        save_checkpoint(BertForSequenceClassification(config), tokenizer_folder, folder)
        return seal(folder, CHECKPOINT, MAKER, {}, {"labels": LABELS, "max_length": 32}, OPEN)


def make_quantized(folder: Path, checkpoint: Path, tokens: Path) -> Artifact:
    """Write a whole checkpoint/v1 folder with int8 scales on every linear and embedding.

    The ranges are those seen on the test rows.
    """
    import torch
    from torch import nn

    from potstill.data.tokens import read_split
    from potstill.encoder.checkpoint import load_classifier, save_checkpoint
    from potstill.encoder.quantization import CONFIG_KEY, Scales, scale_tensors

    model, ranges = load_classifier(checkpoint), {}

    def watch(name):
        def hook(_, args):
            low, high = ranges.get(name, (0.0, 0.0))
            ranges[name] = (min(low, float(args[0].min())), max(high, float(args[0].max())))

        return hook

    for name, module in model.named_modules():
        if isinstance(module, nn.Linear):
            module.register_forward_pre_hook(watch(name))
    table = read_split(tokens, TEST)
    with torch.inference_mode():
        for i in range(len(table)):
            model(input_ids=torch.from_numpy(table.row(i).astype(np.int64))[None])
    scales = {}
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear | nn.Embedding):
            weight = module.weight.abs().amax(1).clamp_min(1e-8) / 127
            low, high = ranges.get(name, (0.0, 0.0))
            step = (high - low) / 255
            scales[name] = Scales(weight, step, round(-low / step)) if isinstance(module, nn.Linear) else Scales(weight)
    setattr(model.config, CONFIG_KEY, {"weights": "int8", "activations": "uint8"})
    with creating(folder, CHECKPOINT):
        save_checkpoint(model, checkpoint, folder, scale_tensors(scales))
        return seal(folder, CHECKPOINT, MAKER, {}, {"labels": LABELS, "max_length": 32}, OPEN)


@pytest.fixture(scope="session")
def tiny_tokens(tmp_path_factory: pytest.TempPathFactory, tokenizer_folder: Path) -> Path:
    """tokens/v1 with 64 rows in each of train, validation, test and unlabelled."""
    return make_tokens(tmp_path_factory.mktemp("made") / "tokens", tokenizer_folder).path


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory, tokenizer_folder: Path) -> Path:
    """checkpoint/v1 with a random 2x32 BERT classifier."""
    return make_checkpoint(tmp_path_factory.mktemp("made") / "checkpoint", tokenizer_folder).path


@pytest.fixture(scope="session")
def pruned_checkpoint(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Path) -> Path:
    """checkpoint/v1 as prune writes it, of the tiny one: rounds 0, 1 and 2, of which 1 is chosen, and their curve."""
    from tests.pruned_rounds import make_pruned

    return make_pruned(tmp_path_factory.mktemp("made") / "pruned", tiny_checkpoint).path


@pytest.fixture(scope="session")
def quantized_checkpoint(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Path, tiny_tokens: Path) -> Path:
    """checkpoint/v1 with int8 scales on every linear and embedding, from the ranges seen on the test rows."""
    return make_quantized(tmp_path_factory.mktemp("made") / "quantized", tiny_checkpoint, tiny_tokens).path


@pytest.fixture(scope="session")
def teacher_outputs(
    tmp_path_factory: pytest.TempPathFactory, tokenizer_folder: Path, tiny_checkpoint: Path, tiny_tokens: Path
) -> tuple[Path, Path]:
    """Two teacher-outputs/v1, logits only, of two random teachers on the same tokens."""
    from potstill.teacher_cache import TeacherCacheConfig, cache_teacher

    folder = tmp_path_factory.mktemp("made")
    teachers = (tiny_checkpoint, make_checkpoint(folder / "teacher", tokenizer_folder, seed=1).path)
    made = (folder / "outputs", folder / "outputs-2")
    for teacher, outputs in zip(teachers, made, strict=True):
        cache_teacher(teacher, tiny_tokens, outputs, TeacherCacheConfig(threads=1, dtype="float32"))
    return made


@pytest.fixture(scope="module")
def chromium():
    """A browser for all tests of a module."""
    pytest.importorskip("selenium")
    from tests.browser.chromium import PACKAGES, browsing, missing_programs, required

    if missing := missing_programs():
        why = f"{', '.join(missing)} not found; apt-get install --no-install-recommends {PACKAGES}"
        (pytest.fail if required() else pytest.skip)(why)
    with browsing() as driver:
        yield driver
