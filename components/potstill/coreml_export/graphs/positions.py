"""Positions that a package can reach: a text of 32 tokens needs 32 of 512 rows of the table."""

from torch import nn
from transformers import PreTrainedModel

TABLE = "position_embeddings"


def reachable(model: PreTrainedModel, longest: int) -> dict[str, slice]:
    """Return which rows of the table of positions a text of at most `longest` tokens reads, by the table's name.

    RoBERTa counts positions from its padding id plus one.
    """
    first = int(model.config.pad_token_id) + 1 if model.config.model_type == "roberta" else 0
    tables = [name for name, _ in model.named_modules() if name.endswith(TABLE)]
    return dict.fromkeys(tables, slice(first, first + longest))


def only_reachable(model: PreTrainedModel, longest: int) -> None:
    """Leave a model, in place, only the rows that are reached; positions are then counted from 0."""
    for name, rows in reachable(model, longest).items():
        table = nn.Embedding.from_pretrained(model.get_parameter(f"{name}.weight").data[rows].clone())  # type: ignore[no-untyped-call]
        model.get_submodule(name.rpartition(".")[0]).register_module(TABLE, table)
