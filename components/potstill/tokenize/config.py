"""tokenize's options."""

from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from potstill.options import Seed, options
from potstill.vocabulary.rule import MinCount, Rule, Share, refuse_two_rules


@options
class TokenizeConfig:
    """Which columns are read, how rows are divided, and how long a text may be."""

    text_column: str = "text"
    """Column of the texts."""
    label_column: str = "label"
    """Column of the labels (text, numbers or truth values); empty for a table without labels."""
    label_separator: str = ""
    """Separates several labels of one row, as in 体育|财经; empty: one label per row."""
    columns: str = ""
    """Names of all columns, comma-separated, for CSV and TSV files without a header line."""
    max_length: Annotated[int, Field(ge=3)] = 128
    """Most tokens of a text, [CLS] and [SEP] included; longer texts are cut at the end."""
    test_share: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of the labelled texts that judge the model."""
    validation_share: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of the remaining labelled texts that choose the best epoch."""
    labelled_rows: Annotated[int, Field(ge=0)] = 0
    """Most training rows that keep their label; the labels of the others are thrown away. 0: all keep it."""
    unlabelled_rows: Annotated[int, Field(ge=0)] = 0
    """Most rows of the unlabelled split. 0: no limit."""
    vocabulary_min_count: MinCount = 0
    """Drop word pieces seen less often than this outside the test split. 0: keep the whole vocabulary."""
    vocabulary_coverage: Share = 0.0
    """Keep the commonest word pieces, until they are this share of all outside the test split. 0: keep all."""
    max_unknown_rise: Share = 0.005
    """By how much the share of [UNK] may rise when pieces are dropped, at most; 1: by any."""
    labels_of_start: bool = False
    """Number the labels as the classifier in --start does, to judge it; False: by the sorted names of the table."""
    seed: Seed = 0
    """Draws another split."""
    data_digest: str = ""
    """Digest that the data must have: of a sealed data set its digest, of one raw file its SHA-256. Empty: any."""

    @field_validator("text_column")
    @classmethod
    def _some_column(cls, value: str) -> str:
        if not value:
            raise ValueError("text_column must name the column of the texts, got ''")
        return value

    @field_validator("columns")
    @classmethod
    def _every_column(cls, value: str) -> str:
        names = column_names(value)
        if not all(names):
            raise ValueError(
                f"columns must name every column, got {value!r}; "
                "a column that is not read needs a name, too: for instance text,label,x"
            )
        if len(set(names)) < len(names):
            raise ValueError(f"columns must name each column differently, got {value!r}")
        return value

    @model_validator(mode="after")
    def _two_columns(self) -> Self:
        if self.text_column == self.label_column:
            raise ValueError(
                f"label_column must be another column than text_column, got {self.label_column!r} for both; "
                "pass --label-column '' for texts without labels"
            )
        return self

    @model_validator(mode="after")
    def _separates_names(self) -> Self:
        """White space around names is dropped, so it cannot separate them, nor tell "no label" from a blank cell."""
        if self.label_separator != self.label_separator.strip():
            raise ValueError(
                f"label_separator must not begin or end with white space, got {self.label_separator!r}; "
                "pass the character alone, for instance |"
            )
        if self.label_separator and not self.label_column:
            raise ValueError(
                f"label_separator needs a label column, got {self.label_separator!r} and label_column ''; "
                "name the column, or leave label_separator empty"
            )
        return self

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        refuse_two_rules(self.vocabulary_min_count, self.vocabulary_coverage)
        return self

    @property
    def rule(self) -> Rule:
        """Which word pieces stay."""
        return Rule(
            min_count=self.vocabulary_min_count,
            coverage=self.vocabulary_coverage,
            max_unknown_rise=self.max_unknown_rise,
        )


def column_names(columns: str) -> tuple[str, ...]:
    """Return the names of a comma-separated list, without the white space around them; none for an empty list."""
    return tuple(name.strip() for name in columns.split(",")) if columns else ()
