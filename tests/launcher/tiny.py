"""The smallest true inputs of the compress pipeline, in a bucket, and the pipeline as it is compiled."""

import csv
from pathlib import Path

from conftest import LABELS, example_texts, make_checkpoint

from tests.launcher.graph import Pipeline, read_pipeline
from tests.launcher.transfer import Store
from tests.tiny_run import TINY

__all__ = ["COMPILED", "TINY", "compiled", "put_sources"]
COMPILED = Path(__file__).parents[1] / "golden" / "pipelines"  # what pipelines.compile writes, to the byte


def compiled(name: str) -> Pipeline:
    """Read a pipeline as it is compiled."""
    return read_pipeline(COMPILED / f"{name}.yaml")


def put_sources(store: Store, prefix: str, tokenizer: Path, folder: Path) -> dict[str, str]:
    """Put a table of 400 Chinese headlines and a random 2-layer BERT into a bucket; → the pipeline's arguments."""
    texts, labels = example_texts(400)
    with (folder / "headlines.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *((t, LABELS[i]) for t, i in zip(texts, labels, strict=True))])
    start = make_checkpoint(folder / "start", tokenizer)
    store.upload(folder / "headlines.csv", f"{prefix}/table/headlines.csv")
    store.upload(start.path, f"{prefix}/start")
    return {"data_uri": f"{prefix}/table", "start_uri": f"{prefix}/start", "start_digest": start.digest}
