"""The stage: every format on the whole test split in, a sealed report and pages for people out."""

from collections.abc import Mapping
from pathlib import Path

from threadpoolctl import threadpool_limits

from potstill.artifacts import REPORT, Artifact, seal
from potstill.data.tokens import TokenTable
from potstill.measure.measures import Measures
from potstill.measure.torch_session import torch_threads
from potstill.output_folder import creating
from potstill.provenance import maker
from potstill.qat.audit import read_audit
from potstill.validate.candidates import Candidate
from potstill.validate.config import ValidateConfig
from potstill.validate.figures import complete, measures_of, write_json
from potstill.validate.inputs import TestRows, expect_inputs, read_test
from potstill.validate.other_words import cut_anew, reads_other_words
from potstill.validate.outputs import FIGURES, MARKDOWN, PAGE, claim_outputs
from potstill.validate.page import write_markdown, write_page
from potstill.validate.predictions import worst_disagreements, write_predictions
from potstill.validate.results import Result, evaluate, evaluate_tfidf
from potstill.validate.round_latency import time_rounds
from potstill.validate.summary import summarize
from potstill.validate.torch_candidates import torch_candidates


def validate_models(
    tokens: Path,
    model: Path,
    report: Path,
    config: ValidateConfig,
    onnx: Path | None = None,
    package: Path | None = None,
    teacher: Path | None = None,
    student: Path | None = None,
    pruned: Path | None = None,
    figures: Path | None = None,
    page: Path | None = None,
    markdown: Path | None = None,
) -> Measures:
    """Judge every format on the whole test split, and hold it to its budgets.

    The sealed report holds what comes out the same each time. Latency never does, and neither does a verdict that
    depends on it: both stand in `figures`, `page` and `markdown`, which are plain files outside the report.

    Args:
        tokens: `tokens/v1`; its labelled `test` split judges, its `train` split trains the TF-IDF rival.
        model: `checkpoint/v1`, the last one, with int8 scales or without.
        report: where `report/v1` is written: summary.json, predictions.parquet.
        config: the options and the budgets.
        onnx: `onnx/v1` made from `model`.
        package: `coreml/v1` made from `model`.
        teacher: `checkpoint/v1` of the teacher, which all others are compared with.
        student: `checkpoint/v1` of the student as distilled; its manifest may tell of the control.
        pruned: `checkpoint/v1` of the pruned student.
        figures: the file for all figures with latency, budgets and verdict, JSON; default: `report` with `.json` added.
        page: the file for the HTML page; default: `report` with `.html` added.
        markdown: the file for the Markdown page; default: `report` with `.md` added.

    Returns: accuracy, macro-F1 and agreement in [0, 1], megabytes and milliseconds of each model;
        `failed_budgets`, the number of budgets that are not met (the stage does not fail for them).

    Raises:
        ArtifactError: an input is not sealed, or of another kind, or an output would overwrite what validate did not
            write.
        InputError: the inputs do not belong together, or a test row has no label.
    """
    inputs = expect_inputs(
        {
            "tokens": tokens,
            "model": model,
            "onnx": onnx,
            "package": package,
            "teacher": teacher,
            "student": student,
            "pruned": pruned,
        }
    )
    rows = read_test(tokens, config.test_rows)
    files = claim_outputs(report, figures, page, markdown)
    # Every computation has one thread of its own, several of them side by side: no figure depends on their number.
    read = (tokens, model, onnx, package, teacher, student, pruned)
    with creating(report, REPORT, *read), torch_threads(1), threadpool_limits(1):
        results = evaluate_all(inputs, rows, config)
        summary = summarize(results, inputs, rows.table.labels)
        write_json(report / "summary.json", summary)
        write_predictions(report / "predictions.parquet", rows, results)
        meaning = {"labels": summary["labels"], "rows": summary["rows"], "final": summary["final"]}
        sealed = seal(report, REPORT, maker("validate", config), inputs, meaning)
        rounds = time_rounds(inputs, lambda folder: _read_by(folder, rows, inputs["tokens"]), config)
    every = complete(summary, results, rounds, config, sealed.digest)
    write_json(files[FIGURES], every)
    write_page(files[PAGE], every, worst_disagreements(rows, results, summary), read_audit(model))
    write_markdown(files[MARKDOWN], every)
    return measures_of(every)


def evaluate_all(inputs: Mapping[str, Artifact], rows: TestRows, config: ValidateConfig) -> list[Result]:
    """Judge every candidate, one after the other so that only one is in memory, and the TF-IDF rival."""
    tokens = inputs["tokens"]
    rival = evaluate_tfidf(tokens, rows)
    judged = [evaluate(each, _read_by(each.folder, rows, tokens), config) for each in candidates(inputs, config)]
    return [rival, *judged] if rival else judged


def _read_by(folder: Path, rows: TestRows, tokens: Artifact) -> TokenTable:
    """The test rows as the model in a folder reads them; a pruned vocabulary numbers its word pieces anew."""
    if not reads_other_words(folder, tokens.path):
        return rows.table
    return cut_anew(rows.table, rows.texts, folder, tokens.meaning["max_length"])


def candidates(inputs: Mapping[str, Artifact], config: ValidateConfig) -> list[Candidate]:
    """List every model in every format that the inputs hold; a format's library is imported only where it is."""
    found = torch_candidates(inputs, config.threads)
    computed, plain = found[-1].name, "float" if found[-1].name == "qat" else found[-1].name
    if "onnx" in inputs:
        from potstill.validate.onnx_candidates import onnx_candidates  # noqa: PLC0415 - onnxruntime only where needed

        found += onnx_candidates(inputs["onnx"], plain, computed, config.threads)
    if "package" in inputs:
        from potstill.validate.coreml_candidates import coreml_candidates  # noqa: PLC0415 - the interpreter likewise

        found += coreml_candidates(inputs["package"], plain, config.threads)
    return found
