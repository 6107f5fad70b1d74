"""The beginning that every pipeline shares: a table and a pretrained checkpoint come in, the table is tokenised."""

from typing import Any, NamedTuple

from kfp import dsl
from kfp.dsl import Dataset, Model

from pipelines.placement import place
from potstill.tokenize.component import tokenize


class TakenIn(NamedTuple):
    """Outputs of tasks, and the task of tokenize."""

    data: Any
    start: Any
    tokenized: Any


def take_in(data_uri: Any, start_uri: Any, **reading: Any) -> TakenIn:
    """Wire the importers and tokenize into the pipeline that calls this.

    Args:
        data_uri: the table of texts.
        start_uri: the checkpoint.
        reading: parameters of tokenize.

    Returns: the table and the checkpoint as tasks' outputs, and the task of tokenize.
    """
    data = dsl.importer(artifact_uri=data_uri, artifact_class=Dataset, reimport=False)
    start = dsl.importer(artifact_uri=start_uri, artifact_class=Model, reimport=False)
    tokenized = tokenize(data=data.output, start=start.output, **reading)
    place(tokenized, "tokenize")
    return TakenIn(data.output, start.output, tokenized)
