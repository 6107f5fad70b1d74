"""What prune reads: sealed artifacts that belong together, and a model that can be cut."""

from pathlib import Path

from transformers import PreTrainedModel

from potstill.artifacts import CHECKPOINT, LATENCY, TOKENS, Artifact, expect
from potstill.encoder.checkpoint import load_classifier
from potstill.encoder.multi_label import refuse_multi_label
from potstill.encoder.quantization import is_quantized
from potstill.errors import InputError, OptionError
from potstill.latency_table.table import LatencyTable, read_table
from potstill.prune.config import PruneConfig
from potstill.prune.shape import FAMILIES, Shape, refuse_cuts, shape_of
from potstill.training.agreement import own_tokens, same_labels


def expect_inputs(student: Path, tokens: Path, latency: Path | None, resume: Path | None) -> dict[str, Artifact]:
    """Read every artifact that is given, and prove that they belong together.

    Raises:
        ArtifactError: not sealed, of another kind, changed.
        InputError: other labels, another tokenizer, several labels a row, or a table that is not sealed.
    """
    found = {"student": expect(student, CHECKPOINT), "tokens": expect(tokens, TOKENS)}
    refuse_multi_label("prune", *found.values())
    same_labels(found["student"], found["tokens"])
    own_tokens(found["student"], found["tokens"])
    if latency:
        if latency.is_file():
            raise InputError(f"{latency} is a file; seal it first: potstill latency-table --from-json {latency} …")
        found["latency"] = expect(latency, LATENCY)
    if resume:
        found["resume"] = expect(resume, CHECKPOINT)
    return found


def load_student(student: Path, config: PruneConfig) -> PreTrainedModel:
    """Load a model that can be cut as the options say.

    Raises:
        InputError: another family, int8 scales, or parts that cannot be cut out of this family.
        OptionError: fewer layers than are to be dropped.
    """
    model = load_classifier(student)
    if is_quantized(student):
        raise InputError(f"{student} is quantised; prune first, then run qat")
    _refuse_family(student, model)
    refuse_cuts(model.config, head_sparsity=config.head_sparsity, hidden_sparsity=config.hidden_sparsity)
    depth = shape_of(model.config).layers
    _refuse_multiple(student, shape_of(model.config), config)
    if config.drop_layers >= depth:
        raise OptionError(f"drop_layers must leave a layer: {student} has {depth}, got {config.drop_layers}")
    return model


def _refuse_family(student: Path, model: PreTrainedModel) -> None:
    family = model.config.model_type
    if family not in FAMILIES:
        raise InputError(
            f"{student} is {family}; prune cuts bert and mobilebert. Distil it into one of these, or leave prune out"
        )


def _refuse_multiple(student: Path, shape: Shape, config: PruneConfig) -> None:
    """Refuse a multiple so great that nothing could go, and nobody would notice."""
    widths = {"ffn_sparsity": max(shape.neurons), "hidden_sparsity": shape.hidden}
    for option, width in widths.items():
        if getattr(config, option) and config.multiple >= width:
            raise OptionError(
                f"multiple must be less than {width}, the width that {option} is to cut in {student}, "
                f"got {config.multiple}"
            )


def open_table(inputs: dict[str, Artifact], config: PruneConfig) -> LatencyTable | None:
    """Open the latency table, when one is given.

    Raises:
        OptionError: a target in milliseconds, and no table; or a table, and another hidden width to come.
    """
    if "latency" in inputs:
        if config.hidden_sparsity:
            raise OptionError(
                f"hidden_sparsity must be 0 with a latency table, which holds for one hidden width, "
                f"got {config.hidden_sparsity:g}; leave --latency out, target_megaflops needs none"
            )
        return read_table(inputs["latency"].path)
    if config.target_latency_ms:
        raise OptionError(
            f"target_latency_ms is {config.target_latency_ms:g}, but no latency table is given; "
            "measure one where it counts (potstill latency-table) and pass --latency FOLDER"
        )
    return None
