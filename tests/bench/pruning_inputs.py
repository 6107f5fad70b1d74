"""Tokens and teachers for bench_pruning, made by the stages unless they are given."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from potstill.artifacts import TOKENS, expect, is_sealed, seal
from potstill.data.importing import ImportDataConfig, import_data
from potstill.data.tokens import split_path
from potstill.encoder.importing import ImportCheckpointConfig, import_checkpoint
from potstill.output_folder import creating
from potstill.provenance import maker
from potstill.teacher_train import TeacherTrainConfig, train_teacher
from potstill.tokenize import TokenizeConfig, tokenize_table

WHOLE = TokenizeConfig(max_length=32, validation_share=0.05, labelled_rows=2_000, unlabelled_rows=20_000)
SMALLER = replace(WHOLE, vocabulary_min_count=2)
TEACHER = TeacherTrainConfig(epochs=4, learning_rate=1e-4)


@dataclass(frozen=True)
class Pair:
    """A teacher and its tokens."""

    teacher: Path
    tokens: Path


def made_pair(work: Path, name: str, config: TokenizeConfig, teacher: TeacherTrainConfig) -> Pair:
    """Make tokens and teacher in `work`, unless they stand there already."""
    data = made(work / "data", import_data, "thucnews-titles", config=ImportDataConfig())
    start = made(work / "start", import_checkpoint, "m3e-small", config=ImportCheckpointConfig())
    tokens = made(work / f"tokens{name}", tokenize_table, data, start, config=config)
    return Pair(made(work / f"teacher{name}", train_teacher, tokens, start, config=teacher), tokens)


def made(out: Path, stage: Callable[..., Any], *given: Any, config: Any) -> Path:
    """Run a stage, unless its output is sealed."""
    if not is_sealed(out):
        stage(*given, out, config=config)
    return out


def with_fewer_rows(pair: Pair, work: Path, rows: Mapping[str, int]) -> Pair:
    """Return the pair with only the first rows of some splits.

    The stage judges every round on the whole validation split. Nothing here reads that judgement, and it would take
    longer than the rounds.

    Args:
        pair: a teacher and its tokens.
        work: where the shorter tokens are written, unless they stand there already.
        rows: how many, by split.
    """
    tokens = expect(pair.tokens, TOKENS)
    named = "-".join(f"{split}-{most}" for split, most in rows.items())
    out = work / f"tokens-short-{named}-{tokens.digest[:8]}"
    if not is_sealed(out):
        with creating(out, TOKENS, pair.tokens):
            for file in tokens.files:
                shutil.copyfile(pair.tokens / file.path, out / file.path)
            for split, most in rows.items():
                pq.write_table(pq.read_table(split_path(pair.tokens, split))[:most], split_path(out, split))
            seal(out, TOKENS, maker("bench", WHOLE), {"tokens": tokens}, tokens.meaning)
    return Pair(pair.teacher, out)
