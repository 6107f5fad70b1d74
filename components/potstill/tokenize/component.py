"""The KFP interface of tokenize."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Metrics, Model, Output

from potstill.images import image_for


@dsl.component(base_image=image_for("tokenize"), install_kfp_package=False)
def tokenize(
    start: Input[Model],
    tokens: Output[Dataset],
    metrics: Output[Metrics],
    data: Input[Dataset] = None,
    data_uri: str = "",
    text_column: str = "text",
    label_column: str = "label",
    label_separator: str = "",
    columns: str = "",
    max_length: int = 128,
    test_share: float = 0.1,
    validation_share: float = 0.1,
    labelled_rows: int = 0,
    unlabelled_rows: int = 0,
    vocabulary_min_count: int = 0,
    vocabulary_coverage: float = 0.0,
    max_unknown_rise: float = 0.005,
    labels_of_start: bool = False,
    seed: int = 0,
    data_digest: str = "",
) -> None:
    """Turn raw texts into token ids, split so that no text leaks from training into the test.

    Args:
        start: checkpoint/v1 whose tokenizer is used.
        data: dataset/v1, raw CSV, TSV, JSONL or Parquet (a file or a folder of them), or tokens/v1 to be cut anew.
        data_uri: the same as s3://bucket/…, instead of data: it is streamed, where KFP copies data to the disk.
        text_column: column of the texts.
        label_column: column of the labels; empty for a table without labels.
        label_separator: separates several labels of one row, as in 体育|财经; empty: one label per row.
        columns: names of all columns, comma-separated, for CSV and TSV files without a header line.
        max_length: most tokens of a text, special tokens included.
        test_share: share of the labelled texts that judge the model, in [0, 1).
        validation_share: share of the remaining labelled texts that choose the best epoch, in [0, 1).
        labelled_rows: most training rows that keep their label; 0 for all.
        unlabelled_rows: most rows of the unlabelled split; 0 for no limit.
        vocabulary_min_count: drop word pieces seen less often than this outside the test split; 0 keeps all.
        vocabulary_coverage: keep the commonest word pieces, until they are this share of all outside the test split,
            in [0, 1]; 0 keeps all.
        max_unknown_rise: by how much the share of [UNK] may rise when pieces are dropped, in [0, 1].
        labels_of_start: number the labels as the classifier in start does; false: by the sorted names of the table.
        seed: draws another split.
        data_digest: digest that the data must have; empty for any. KFP's cache does not see bytes, but it sees this.

    Returns:
        tokens: tokens/v1: token ids per split as Parquet, tokenizer, label names, statistics.
        metrics: rows of each split, duplicates, conflicts, share of unknown and of cut texts, vocabulary size, seconds.
    """
    from pathlib import Path

    from potstill.kfp_io import run
    from potstill.measure.measures import Measures
    from potstill.tokenize import TokenizeConfig, tokenize_table
    from potstill.tokenize.source import named_by

    def tokenize(start: Path, tokens: Path, config: TokenizeConfig, data: Path | None = None) -> Measures:
        return tokenize_table(named_by(data, data_uri), start, tokens, config)

    run(
        tokenize,
        lambda: TokenizeConfig(
            text_column=text_column,
            label_column=label_column,
            label_separator=label_separator,
            columns=columns,
            max_length=max_length,
            test_share=test_share,
            validation_share=validation_share,
            labelled_rows=labelled_rows,
            unlabelled_rows=unlabelled_rows,
            vocabulary_min_count=vocabulary_min_count,
            vocabulary_coverage=vocabulary_coverage,
            max_unknown_rise=max_unknown_rise,
            labels_of_start=labels_of_start,
            seed=seed,
            data_digest=data_digest,
        ),
        {"data": data, "start": start},
        {"tokens": tokens},
        metrics,
    )
