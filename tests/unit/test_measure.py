"""The measuring code against slow, obvious references."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from potstill.data.tokens import TEST, read_split
from potstill.encoder.checkpoint import load_classifier
from potstill.measure.chunks import predict_in_chunks
from potstill.measure.intervals import wilson
from potstill.measure.latency import measure_latency
from potstill.measure.quality import agreement, judge_quality, softmax
from potstill.measure.size import size_on_disk
from potstill.measure.tfidf import train_tfidf
from potstill.measure.torch_session import predict_torch, torch_threads

CLASSES = ["a", "b", "c", "d"]


def slow_class(truth, predicted, label):
    """Precision, recall, F1 and support by counting."""
    both = sum(t == p == label for t, p in zip(truth, predicted, strict=True))
    said, there = list(predicted).count(label), list(truth).count(label)
    precision, recall = both / said if said else 0.0, both / there if there else 0.0
    return precision, recall, 2 * precision * recall / (precision + recall) if both else 0.0, there


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40))
def test_quality_against_counting_and_sklearn(pairs):
    truth, predicted = (np.array(column) for column in zip(*pairs, strict=True))
    quality = judge_quality(truth, predicted, CLASSES)
    assert quality.accuracy == pytest.approx(sum(t == p for t, p in pairs) / len(pairs))
    for label, each in enumerate(quality.per_class):
        assert (each.precision, each.recall, each.f1, each.support) == pytest.approx(
            slow_class(truth, predicted, label)
        )
        assert quality.confusion[label] == tuple(pairs.count((label, other)) for other in range(4))
    assert quality.macro_f1 == pytest.approx(f1_score(truth, predicted, average="macro", zero_division=0))
    assert quality.accuracy_low <= quality.accuracy <= quality.accuracy_high


@pytest.mark.parametrize(("right", "rows"), [(0, 10), (3, 10), (10, 10), (8600, 10004)])
def test_wilson_bounds_solve_the_score_equation(right, rows):
    for bound in wilson(right, rows):
        if 1e-9 < bound < 1 - 1e-9:  # 0 and 1 themselves come out with rounding
            assert abs(right / rows - bound) / np.sqrt(bound * (1 - bound) / rows) == pytest.approx(1.959964, abs=1e-5)
    assert wilson(0, rows)[0] == 0  # a bound of 3e-17 would leave the share outside
    assert wilson(rows, rows)[1] == 1


def test_wilson_example():
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=2e-4)  # Newcombe (1998), table I, method 3


def test_agreement_and_softmax():
    assert agreement(np.array([0, 1, 1, 0]), np.array([0, 1, 0, 1])) == 0.5
    logits = np.array([[1000.0, 1001.0], [-5.0, -5.0]], dtype=np.float32)
    np.testing.assert_allclose(softmax(logits), torch.from_numpy(logits).softmax(1).numpy(), rtol=1e-6)


def test_predict_torch_is_row_by_row_prediction(tiny_checkpoint, tiny_tokens):
    model, table = load_classifier(tiny_checkpoint), read_split(tiny_tokens, TEST)
    with torch.inference_mode():
        alone = [
            model(input_ids=torch.from_numpy(table.row(i).astype(np.int64))[None]).logits[0] for i in range(len(table))
        ]
    np.testing.assert_allclose(predict_torch(model, table, batch_size=7), torch.stack(alone).numpy(), atol=2e-6)


def test_chunks_keep_the_order_on_several_threads(tiny_checkpoint, tiny_tokens):
    table = read_split(tiny_tokens, TEST)

    def first_ids(part):
        return np.array([[part.row(i)[1], part.row(i)[-2]] for i in range(len(part))], dtype=np.float32)

    np.testing.assert_array_equal(predict_in_chunks(first_ids, table, 5, 3, "test"), first_ids(table))


def test_torch_threads_come_back():
    before = torch.get_num_threads()
    with torch_threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before


def test_latency_counts_calls_and_leaves_out_the_warm_up():
    seen = []
    latency, times = measure_latency([lambda i=i: seen.append(i) for i in range(4)], warmup=6)
    assert seen == [0, 1, 2, 3, 0, 1, 0, 1, 2, 3]
    assert 0 < latency.p50_ms <= latency.p95_ms <= latency.p99_ms <= max(times)
    assert len(times) == 4


def test_size_on_disk(tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "a").write_bytes(b"12345")
    (tmp_path / "inner" / "b").write_bytes(b"123")
    assert size_on_disk(tmp_path) == 8
    assert size_on_disk(tmp_path / "a") == 5


def test_tfidf_learns_and_gives_nothing_to_a_label_without_rows():
    texts, truth = ["足球比赛", "银行利率", "足球联赛", "银行存款"], np.array([0, 2, 0, 2])
    rival = train_tfidf(texts, truth, labels=3)
    probabilities = rival.predict(["足球", "银行"])
    assert probabilities.argmax(1).tolist() == [0, 2]
    assert (probabilities[:, 1] == 0).all()
    np.testing.assert_array_equal(probabilities, train_tfidf(texts, truth, labels=3).predict(["足球", "银行"]))
