"""Running an ONNX file: padding and grouping change no row."""

from pathlib import Path

import numpy as np
import pytest

from potstill.data.tokens import TEST, read_split
from potstill.encoder.checkpoint import load_classifier
from potstill.measure.onnx_session import open_session, predict_onnx
from potstill.onnx_export.files.onnx_file import write_onnx
from potstill.onnx_export.graphs.trace import trace


@pytest.fixture(scope="module")
def model_file(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Path) -> Path:
    path = tmp_path_factory.mktemp("session") / "model.onnx"
    write_onnx(trace(load_classifier(tiny_checkpoint), 17), path, {})
    return path


def slow_predictions(session, table) -> np.ndarray:
    """One row at a time, nothing padded."""
    rows = [table.row(index)[None].astype(np.int64) for index in range(len(table))]
    feeds = [{"input_ids": row, "attention_mask": 0 * row + 1, "token_type_ids": 0 * row} for row in rows]
    return np.concatenate([session.run(None, each)[0] for each in feeds])


@pytest.mark.parametrize("batch_size", [1, 7, 64])
def test_predictions_are_those_of_single_rows(model_file: Path, tiny_tokens: Path, batch_size: int) -> None:
    session, table = open_session(model_file), read_split(tiny_tokens, TEST)
    found = predict_onnx(session, table, batch_size)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, slow_predictions(session, table), atol=2e-6)


def test_threads_are_those_asked_for(model_file: Path) -> None:
    options = open_session(model_file, threads=2).get_session_options()
    assert options.intra_op_num_threads == 2
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
