"""The stage: a float checkpoint in, the same checkpoint with int8 scales that keep its accuracy out."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from transformers import PreTrainedModel

from potstill import processes
from potstill.artifacts import CHECKPOINT, TOKENS, Artifact, expect
from potstill.data.tokens import VALIDATION, TokenTable, read_split
from potstill.encoder.checkpoint import load_classifier
from potstill.encoder.multi_label import refuse_multi_label
from potstill.encoder.quantization import Scales, is_quantized
from potstill.encoder.quantized_linears import freeze
from potstill.errors import InputError
from potstill.measure.measures import Measures
from potstill.measure.torch_session import predict_torch
from potstill.progress import tell
from potstill.qat.config import DYNAMIC, QAT, QatConfig
from potstill.qat.mixed import Mixed, keep_worst_float
from potstill.qat.outcome import Outcome
from potstill.qat.post_training import calibrated, post_training_scales
from potstill.qat.sensitivity import Sensitivity, measure_costs, ranked
from potstill.qat.training import train
from potstill.training.agreement import equal_tokenizers, own_tokens, same_labels
from potstill.training.facts import training_facts, training_measures
from potstill.training.floor import Floor, refuse_few_rows
from potstill.training.rows import rows_to_learn
from potstill.training.run import training_run
from potstill.training.scoring import right

__all__ = ["QatConfig", "quantize_checkpoint"]


def quantize_checkpoint(
    student: Path, tokens: Path, quantized: Path, config: QatConfig, teacher: Path | None = None
) -> Measures:
    """Give a model int8 scales that keep its accuracy: by training, by calibration, or for inputs as they come.

    Which way: `--method dynamic` first. It takes seconds and seldom loses anything; but a phone must find each input's
    range anew. `--method static` has the ranges stand still, which int8 hardware wants; where accuracy falls, the range
    audit tells why: try `--smoothing 0.5` (SmoothQuant) where a few channels are far larger than the rest, and
    `--calibration percentile` where a few values are. `--method qat` (the default) trains the weights to fit their
    grids, towards the teacher's answers: minutes. `--max-accuracy-drop 1` with any of them keeps the linears that cost
    most in float until no more than so many points are lost. MobileBERT: qat, with `--smoothing 0.5` where the audit
    names outliers.

    Weights of linears and embeddings become int8, inputs of linears uint8; LayerNorm, softmax, GELU, residual sums and
    embeddings of fewer than 16 rows (token types) stay float. The ranges of all tensors are audited, and those that
    hurt are named.

    Args:
        student: `checkpoint/v1` of a float classifier.
        tokens: `tokens/v1`; `train` and `unlabelled` are learned from, `validation` chooses the epoch and judges.
        quantized: where the `checkpoint/v1` is written: float weights, and the scales as named tensors beside them.
        config: the options.
        teacher: `checkpoint/v1` to distil from, for method qat; without it the float model is its own teacher.

    Returns: validation accuracy in [0, 1] of the float model, after calibration alone, and in the end; what was lost,
        in points, with its one-sided bound; how many linears are int8, and how many float.

    Raises:
        ArtifactError: an input is not sealed, or of another kind.
        InputError: a model is quantised already, multi-label, of other labels than the tokens or of another tokenizer,
            there are no rows to learn from, answers are not finite, the loss became NaN, or the floor is missed even
            with every linear in float.
        OptionError: too few validation rows to show that the floor holds.
    """
    inputs = _expect(student, tokens, teacher if config.method == QAT else None)
    validation = read_split(tokens, VALIDATION)
    if config.max_accuracy_drop:
        refuse_few_rows(len(validation), config.max_accuracy_drop, config.confidence)
    if teacher and config.method != QAT:
        tell(f"method {config.method} learns nothing: the teacher is not read")
    # Where inputs are quantised as they come, nothing is learned of any row, and there need be none.
    table = validation if config.method == DYNAMIC else rows_to_learn(tokens, config.rows, config.seed)
    with training_run("qat", quantized, config, inputs) as run:
        model = load_classifier(student)
        floor = _floor(model, validation, config)
        start = calibrated(model, table, config)
        made = _Made(post_training_scales(model, start))
        untrained = floor.judge(freeze(copy.deepcopy(model), made.scales))
        if config.method == QAT:
            source = load_classifier(teacher or student)
            trained = train(model, source, (table, validation), start, config, run.checkpoints)
            facts = {"training": {**training_facts(trained.state, config), "better": trained.better}}
            made = _Made(trained.scales, facts, training_measures(trained.state, model))
        mixed, sensitivity = _within(floor, model, made.scales, config)
        outcome = Outcome(model, config, floor.start, untrained, mixed, sensitivity)
        if processes.is_first():
            outcome.write_beside(quantized, validation)
        known = inputs["student"].meaning
        meaning = {"labels": known["labels"], "max_length": known["max_length"], **outcome.facts(), **made.facts}
        run.write(outcome.laid_out(), student, meaning, outcome.tensors())
    return {**made.measures, **outcome.measures()}


@dataclass(frozen=True)
class _Made:
    """Scales, and what is told of the training that they came from, if any."""

    scales: Mapping[str, Scales]
    facts: Mapping[str, object] = field(default_factory=dict)
    measures: Measures = field(default_factory=dict)


def _expect(student: Path, tokens: Path, teacher: Path | None) -> dict[str, Artifact]:
    """Read the inputs, and prove that they belong together."""
    inputs = {"student": expect(student, CHECKPOINT), "tokens": expect(tokens, TOKENS)}
    if teacher:
        inputs["teacher"] = expect(teacher, CHECKPOINT)
    refuse_multi_label("qat", *inputs.values())
    models = [inputs[name] for name in ("student", "teacher") if name in inputs]
    for model in models:
        same_labels(model, inputs["tokens"])
    own_tokens(inputs["student"], inputs["tokens"])
    if teacher and not equal_tokenizers(inputs["teacher"], inputs["tokens"]):
        raise InputError(
            f"the teacher {teacher} has another tokenizer than {tokens}, as after a cut of the vocabulary; leave "
            "--teacher out, and the float model itself is the teacher"
        )
    for model in models:
        if is_quantized(model.path):
            raise InputError(f"{model.path} has int8 scales already; pass the float checkpoint that it was made from")
    return inputs


def _floor(model: PreTrainedModel, validation: TokenTable, config: QatConfig) -> Floor:
    logits = predict_torch(model, validation)
    points = config.max_accuracy_drop or 100.0  # nothing is below that; losses are told all the same
    return Floor(logits, right(logits, validation), validation, points, config.confidence)


def _within(
    floor: Floor, model: PreTrainedModel, scales: Mapping[str, Scales], config: QatConfig
) -> tuple[Mixed, Sensitivity | None]:
    """Keep the floor, where there is one."""
    if not config.max_accuracy_drop:
        judgement = floor.judge(freeze(copy.deepcopy(model), scales))
        return Mixed(scales, (), judgement), None
    some = np.arange(min(config.sensitivity_rows, len(floor.table)))
    answers = torch.from_numpy(floor.logits[some])
    costs = measure_costs(model, scales, floor.table.take(some), answers, config.temperature)
    mixed = keep_worst_float(model, scales, costs, floor)
    told = Sensitivity(len(some), ranked(costs), mixed.float_linears, floor.points, floor.confidence, mixed.judgement)
    return mixed, told
