"""The stage: a student in, a smaller one out, by rounds of cutting and recovery, down to a target or a floor."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel

from potstill import processes
from potstill.data.tokens import TRAIN, VALIDATION, read_split
from potstill.errors import InputError
from potstill.latency_table.table import LatencyTable
from potstill.measure.measures import Measures
from potstill.measure.torch_session import predict_torch
from potstill.progress import tell
from potstill.prune.config import PruneConfig
from potstill.prune.course import Course, copy_id_map
from potstill.prune.curve import ENDS, Curve, Stopped, write_curve
from potstill.prune.earlier import Earlier, open_earlier
from potstill.prune.inputs import expect_inputs, load_student, open_table
from potstill.prune.plan import Plan
from potstill.prune.rounds import Lessons, Rounds
from potstill.prune.targets import Meter
from potstill.prune.trim import Trimmed, trim
from potstill.training.answers import teacher_answers
from potstill.training.floor import Floor, refuse_few_rows
from potstill.training.rows import labelled, rows_to_learn
from potstill.training.run import TrainingRun, training_run
from potstill.training.scoring import right

__all__ = ["PruneConfig", "prune_checkpoint"]


def prune_checkpoint(
    student: Path,
    tokens: Path,
    pruned: Path,
    config: PruneConfig,
    latency: Path | None = None,
    resume: Path | None = None,
) -> Measures:
    """Make a model truly smaller, as small or as fast as is asked, and stop before it hurts.

    First goes what the texts do not use: word pieces, positions. Then each round measures what matters least of the
    rest, cuts it out, and recovers by distillation from the unpruned model. The stage ends at the target, or at the
    last round that surely loses no more accuracy than is allowed, and says which. Every round's model is kept.

    Args:
        student: `checkpoint/v1` of a BERT- or MobileBERT-shaped classifier, pruned before or not.
        tokens: `tokens/v1`; `train` and `unlabelled` are recovered on, `validation` is the floor's and importance's.
        pruned: where the smaller `checkpoint/v1` is written. It opens with `from_pretrained`; when its layers differ,
            after `import potstill.encoder.pruned`. Other rounds lie in `rounds/<number>`, the curve in `curve.json`.
        config: the options.
        latency: `latency/v1`, milliseconds by size (potstill latency-table); needed for target_latency_ms.
        resume: what an earlier run of the same work wrote: its rounds are taken from it, and those after it are run.

    Returns: validation accuracy before and after in [0, 1], points lost and their bound, parameters before and after,
        heads, neurons, layers, vocabulary, rounds run, the round chosen (-1: the start, 0: trimmed alone), whether the
        target, or without one the end of the schedule, was reached (1), or what else came first (0).

    Raises:
        ArtifactError: an input is not sealed, or of another kind.
        InputError: the model is of another family, already quantised, or multi-label; inputs that do not fit together.
        OptionError: a target that the sparsities cannot reach, or one in milliseconds without a table.
    """
    inputs = expect_inputs(student, tokens, latency, resume)
    model, table = load_student(student, config), open_table(inputs, config)
    earlier = open_earlier(inputs["resume"], config, inputs) if "resume" in inputs else None
    with training_run("prune", pruned, config, inputs) as run, TemporaryDirectory() as folder:
        course, trimmed, stopped = _prune(model, run, table, earlier, Path(folder))
        _write(course, trimmed, stopped, run)
    return _measures(course, stopped)


def _prune(
    model: PreTrainedModel,
    run: TrainingRun[PruneConfig],
    table: LatencyTable | None,
    earlier: Earlier | None,
    folder: Path,
) -> tuple[Course, Trimmed, Stopped]:
    """Trim, and run the rounds; → the way, what was trimmed, and why it ended."""
    config, tokens = run.config, run.inputs["tokens"]
    trimmed = trim(model, run.inputs["student"], tokens, config, folder)
    meter = Meter(tokens.meaning["max_length"], table)
    plan = Plan(trimmed.model, config, meter)  # refuses before anything is computed
    floor = _floor(model, trimmed, tokens.path, config)
    lessons = _lessons(model, trimmed, floor, tokens.path, config)
    course = Course(model, run.inputs["student"].path, floor, meter, run.output if config.keep_rounds else None)
    if trimmed.changed(model) and not course.judge(0, trimmed.model, trimmed.tokenizer):
        return course, trimmed, "floor"
    return course, trimmed, _run_rounds(Rounds(plan, lessons, config, run.checkpoints), course, trimmed, earlier)


def _run_rounds(rounds: Rounds, course: Course, trimmed: Trimmed, earlier: Earlier | None) -> Stopped:
    """Run the rounds until one of them is the last; → why it is."""
    config, model = rounds.config, trimmed.model
    if rounds.plan.met(model):
        return "target"
    for number in range(1, config.rounds + 1):
        found = earlier.model(number) if earlier else None
        model = found if found is not None else rounds.run(number, model)
        if not course.judge(number, model, trimmed.tokenizer):
            return "floor"
        model = course.model
        if rounds.plan.met(model):
            return "target"
        if number == config.stop_after < config.rounds:
            return "stop_after"
    return "sparsities" if rounds.plan.targets.wanted else "schedule"


def _floor(model: PreTrainedModel, trimmed: Trimmed, tokens: Path, config: PruneConfig) -> Floor:
    """Let the unpruned model answer the validation rows, as it reads them."""
    table = read_split(tokens, VALIDATION)
    refuse_few_rows(len(table), config.max_accuracy_drop, config.confidence)
    logits = predict_torch(model, table)
    smaller = trimmed.read(tokens, VALIDATION)
    return Floor(logits, right(logits, table), smaller, config.max_accuracy_drop, config.confidence)


def _lessons(model: PreTrainedModel, trimmed: Trimmed, floor: Floor, tokens: Path, config: PruneConfig) -> Lessons:
    """Read the rows for the trimmed model, and let the unpruned one answer them as it reads them."""
    judged, train = (labelled(trimmed.read(tokens, split)) for split in (config.importance_split, TRAIN))
    if not len(judged):
        raise InputError(f"{tokens} has no labelled rows in {config.importance_split} to measure importance on")
    limit = config.recovery_rows if config.epochs else 1  # without recovery nobody asks for answers
    recovery = rows_to_learn(tokens, limit, config.seed)
    return Lessons(
        recovery=rows_to_learn(tokens, limit, config.seed, trimmed.read),
        answers=teacher_answers(model, recovery, config, "unpruned answers"),
        judged=judged.take(np.arange(min(config.importance_rows, len(judged)))),
        labelled=train,
        validation=floor.table,
        validation_answers=torch.from_numpy(floor.logits),
    )


def _write(course: Course, trimmed: Trimmed, stopped: Stopped, run: TrainingRun[PruneConfig]) -> None:
    start, end, tokens = course.points[0], course.best, run.inputs["tokens"]
    curve = Curve(
        max_length=tokens.meaning["max_length"],
        latency_length=course.meter.table.length if course.meter.table else None,
        rows=len(course.floor.table),
        confidence=run.config.confidence,
        max_accuracy_drop=run.config.max_accuracy_drop,
        stopped=stopped,
        chosen=course.chosen,
        points=tuple(course.points),
    )
    meaning: dict[str, Any] = {
        "labels": tokens.meaning["labels"],
        "max_length": min(run.inputs["student"].meaning["max_length"], end.positions),
        "stopped": stopped,
        "round": course.chosen,
        "start_validation_accuracy": start.accuracy,
        "validation_accuracy": end.accuracy,
        "parameters": end.parameters,
        **({} if course.chosen is None else trimmed.facts()),
    }
    if processes.is_first():
        _write_beside(course, curve, run.output)
    run.write(course.model, course.tokenizer, meaning)
    tell(f"ended at {ENDS[stopped]}; the result: {end.name}")


def _write_beside(course: Course, curve: Curve, output: Path) -> None:
    from potstill.prune.curve_plot import write_drawing  # noqa: PLC0415 - matplotlib is slow to load

    write_curve(output, curve)
    write_drawing(output, curve)
    copy_id_map(course.tokenizer, output)


def _measures(course: Course, stopped: Stopped) -> Measures:
    start, end = course.points[0], course.best
    return {
        "start_validation_accuracy": start.accuracy,
        "validation_accuracy": end.accuracy,
        "lost": end.lost,
        "lost_at_most": end.lost_at_most,
        "start_parameters": float(start.parameters),
        "parameters": float(end.parameters),
        "start_megaflops": start.flops / 1e6,
        "megaflops": end.flops / 1e6,
        "layers": float(end.layers),
        "heads": float(sum(end.heads)),
        "neurons": float(sum(end.neurons)),
        "vocabulary": float(end.vocabulary),
        "rounds": float(max((point.round or 0) for point in course.points)),
        "round": float(-1 if course.chosen is None else course.chosen),
        "target_reached": float(stopped in ("target", "schedule")),
        **({} if end.latency_ms is None else {"latency_ms": end.latency_ms}),
    }
