"""Dividing a table against a slow, obvious reference: dictionaries and lists instead of streams and partitions."""

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from potstill.data.table_columns import RAW_SCHEMA
from potstill.data.tokens import SPLITS
from potstill.tokenize.arrangement import Counts, gather, scatter
from potstill.tokenize.split import Shares, Splitter
from tests.headlines import noisy_rows, slow_division

LABELS = ("体育", "财经", None, "")


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
