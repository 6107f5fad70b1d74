"""Which artifacts are multi-label: any number of labels of a row apply, each a yes or no of its own."""

from potstill.artifacts import CHECKPOINT, Artifact
from potstill.data.tokens import MULTI_LABEL
from potstill.encoder.checkpoint import read_config
from potstill.errors import InputError

PROBLEM_TYPE = "multi_label_classification"  # what transformers calls it in config.json


def is_multi_label(artifact: Artifact) -> bool:
    """Tell whether a checkpoint (by its config.json) or any other artifact (by its meaning) is multi-label."""
    if artifact.kind == CHECKPOINT:
        return bool(read_config(artifact.path).problem_type == PROBLEM_TYPE)
    return bool(artifact.meaning.get(MULTI_LABEL, False))


def problem_type(tokens: Artifact) -> str | None:
    """Return what a classifier's config says for these tokens; None, transformers' default, for one label a row."""
    return PROBLEM_TYPE if is_multi_label(tokens) else None


def refuse_multi_label(stage: str, *artifacts: Artifact) -> None:
    """Refuse what a stage cannot read that chooses one label per row.

    Raises:
        InputError: naming every artifact that is multi-label.
    """
    found = [str(each.path) for each in artifacts if is_multi_label(each)]
    if found:
        raise InputError(
            f"{' and '.join(found)} {'are' if len(found) > 1 else 'is'} multi-label; {stage} reads one label per row. "
            f"Leave {stage} out, or tokenize without --label-separator and train on that"
        )


def require_same_kind(model: Artifact, tokens: Artifact) -> None:
    """Prove that a classifier and a token set are both multi-label, or neither is.

    Raises:
        InputError: they are not.
    """
    kinds = {True: "multi-label", False: "for one label per row"}
    ours, theirs = is_multi_label(model), is_multi_label(tokens)
    if ours != theirs:
        raise InputError(
            f"{model.path} is {kinds[ours]}, {tokens.path} is {kinds[theirs]}; train the model on these tokens"
        )
