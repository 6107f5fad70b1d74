"""Noisy tables of headlines, and what becomes of them by the definition: dictionaries and lists, no streams."""

import hashlib
import json
import random
import unicodedata

import pyarrow.parquet as pq
from conftest import MONEY, SPORT

from potstill.data.tokens import SPLITS, TEST, TRAIN, UNLABELLED, VALIDATION, has_split, split_path


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


def write_table(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({"text": text, "label": label}, ensure_ascii=False) for text, label in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def read(tokens, split):
    return pq.read_table(split_path(tokens, split)).to_pylist() if has_split(tokens, split) else []
