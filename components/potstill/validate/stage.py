"""The stage: every format on the whole test split in, a sealed report, a verdict and pages for people out."""

from collections.abc import Mapping
from pathlib import Path

from threadpoolctl import threadpool_limits

from potstill.artifacts import REPORT, Artifact, seal
from potstill.measure.measures import Measures
from potstill.measure.torch_session import torch_threads
from potstill.output_folder import creating
from potstill.progress import tell
from potstill.provenance import maker
from potstill.qat.audit import read_audit
from potstill.validate.budgets import read_budgets, write_verdict
from potstill.validate.candidates import TITLES, Candidate
from potstill.validate.card import write_card
from potstill.validate.config import ValidateConfig
from potstill.validate.devices import read_devices, refuse_unknown
from potstill.validate.facts.predictions import write_predictions
from potstill.validate.figures import complete, measures_of, write_json
from potstill.validate.inputs import TestRows, expect_inputs, read_test
from potstill.validate.measured.disturbed import Sample, sample_of
from potstill.validate.measured.evaluation import Result, evaluate, evaluate_rival
from potstill.validate.measured.rounds import time_rounds
from potstill.validate.models.reading import Reader
from potstill.validate.models.rivals import rivals
from potstill.validate.models.torch_models import torch_candidates
from potstill.validate.outputs import CARD, FIGURES, JUDGEMENT, MARKDOWN, PAGE, claim_outputs
from potstill.validate.report import write_markdown, write_page
from potstill.validate.summary import final_of, summarize


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
    devices: Path | None = None,
    figures: Path | None = None,
    judgement: Path | None = None,
    page: Path | None = None,
    markdown: Path | None = None,
    card: Path | None = None,
) -> Measures:
    """Judge every format on the whole test split, and hold it to its budgets.

    The sealed report holds what comes out the same each time. Latency never does, and neither does a verdict that
    depends on it: both stand in `figures`, `judgement`, `page`, `markdown` and `card`, which are plain files outside
    the report.

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
        devices: measurements from phones, a JSON file or a folder of them: Xcode's, Android's, or potstill's own form.
        figures: the file for all figures with latency, budgets and verdict, JSON; default: `report` with `.json` added.
        judgement: the file for the verdict alone, JSON with a schema; default: `report` with `.verdict.json` added.
        page: the file for the HTML page; default: `report` with `.html` added.
        markdown: the file for the Markdown page; default: `report` with `.md` added.
        card: the file for the model card, as model hubs read it; default: `report` with `.card.md` added.

    Returns: accuracy, F1, calibration, agreement and what was lost as shares, megabytes and milliseconds of each model;
        `passed`, 1 or 0; `failed_budgets` and `inconclusive_budgets`, for which the stage does not fail.

    Raises:
        ArtifactError: an input is not sealed, or of another kind, or an output would overwrite what validate did not
            write.
        InputError: the inputs do not belong together, a test row has no label, or the budgets or the measurements from
            devices cannot be read.
    """
    budgets = read_budgets(config.budgets)
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
    judged = candidates(inputs, config)
    measured = read_devices(devices) if devices else []
    refuse_unknown(measured, [each.name for each in judged])
    rows = read_test(tokens, config.test_rows)
    places = {FIGURES: figures, JUDGEMENT: judgement, PAGE: page, MARKDOWN: markdown, CARD: card}
    files = claim_outputs(report, places)
    for each in files.values():
        each.unlink(missing_ok=True)  # of an earlier run: none of it may stand beside another report
    # Every computation has one thread of its own, several of them side by side: no figure depends on their number.
    read = (tokens, model, onnx, package, teacher, student, pruned)
    with creating(report, REPORT, *read), torch_threads(1), threadpool_limits(1):
        sample = sample_of(rows, config.robustness_rows)
        results = evaluate_all(inputs["tokens"], judged, rows, sample, config)
        summary = summarize(results, inputs, rows, sample)
        write_json(report / "summary.json", summary)
        write_predictions(report / "predictions.parquet", rows, results)
        meaning = {name: summary[name] for name in ("labels", "rows", "final", "reference")}
        sealed = seal(report, REPORT, maker("validate", config), inputs, meaning)
        rounds = time_rounds(inputs, lambda folder: Reader(folder, inputs["tokens"]).read(rows), config)
    every = complete(summary, results, rounds, measured, budgets, config, sealed)
    write_json(files[FIGURES], every)
    write_verdict(files[JUDGEMENT], every, budgets)
    write_page(files[PAGE], every, read_audit(model))
    write_markdown(files[MARKDOWN], every)
    write_card(files[CARD], every)
    tell(f"verdict: {every['verdict']}")
    for line in every["failures"]:
        tell(line)
    tell(f"report: {files[PAGE]}")
    return measures_of(every)


def evaluate_all(
    tokens: Artifact, judged: list[Candidate], rows: TestRows, sample: Sample | None, config: ValidateConfig
) -> list[Result]:
    """Judge the rivals, and every candidate, one after the other so that only one is in memory."""
    names = [each.name for each in judged]
    asked = {"teacher", final_of(names)}  # about disturbed texts: what they cost is told beside what they cost a rival
    labels = len(tokens.meaning["labels"])
    found = [
        evaluate_rival(each, rows, sample if each.name == "tfidf" else None) for each in rivals(tokens.path, labels)
    ]
    for number, each in enumerate(judged, 1):
        tell(f"judging {TITLES[each.name]}, {number} of {len(judged)}")
        reader = Reader(each.folder, tokens)
        found.append(evaluate(each, reader, rows, sample if each.name in asked else None, config))
    return sorted(found, key=lambda each: list(TITLES).index(each.name))


def candidates(inputs: Mapping[str, Artifact], config: ValidateConfig) -> list[Candidate]:
    """List every model in every format that the inputs hold; a format's library is imported only where it is."""
    found = torch_candidates(inputs, config.threads)
    computed, plain = found[-1].name, "float" if found[-1].name == "qat" else found[-1].name
    if "onnx" in inputs:
        from potstill.validate.models.onnx_models import onnx_candidates  # noqa: PLC0415 - onnxruntime where needed

        found += onnx_candidates(inputs["onnx"], plain, computed, config.threads)
    if "package" in inputs:
        from potstill.validate.models.coreml_models import coreml_candidates  # noqa: PLC0415 - the interpreter likewise

        found += coreml_candidates(inputs["package"], plain, config.threads)
    return found
