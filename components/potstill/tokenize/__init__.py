"""A table of texts → token ids per split, the tokenizer that made them, label names and statistics."""

from potstill.tokenize.stage import TokenizeConfig, tokenize_table

__all__ = ["TokenizeConfig", "tokenize_table"]
