"""Do the inputs of a stage belong together: the same labels, the same tokenizer, the same rows?"""

from potstill.artifacts import Artifact
from potstill.encoder.checkpoint import read_config
from potstill.encoder.multi_label import require_same_kind
from potstill.encoder.tokenizer import TOKENIZER
from potstill.errors import InputError


def same_labels(model: Artifact, tokens: Artifact) -> None:
    """Refuse a model that was not trained on the labels of the tokens, in their order and of their kind.

    Args:
        model: checkpoint/v1.
        tokens: tokens/v1.

    Raises:
        InputError: the labels differ, the checkpoint has none, or one of the two is multi-label and the other not.
    """
    known, wanted = (each.meaning.get("labels") or ["(none)"] for each in (model, tokens))
    if known != wanted:
        raise InputError(
            f"{model.path} knows the labels {', '.join(known)}, the tokens have {', '.join(wanted)}; "
            "train the model on these tokens"
        )
    require_same_kind(model, tokens)


def same_tokenizer(one: Artifact, other: Artifact) -> None:
    """Refuse two folders whose tokenizers differ: the same id would mean another word in each.

    Every stage copies the tokenizer byte for byte, so equal bytes are what belongs together.

    Args:
        one: checkpoint/v1 or tokens/v1.
        other: likewise.

    Raises:
        InputError: the bytes of tokenizer.json differ.
    """
    if not equal_tokenizers(one, other):
        raise InputError(f"{other.path} and {one.path} have different tokenizers; make both with the same")


def own_tokens(model: Artifact, tokens: Artifact) -> None:
    """Refuse tokens that another tokenizer cut than the model's, whose vocabulary may have been cut since.

    Args:
        model: checkpoint/v1.
        tokens: tokens/v1.

    Raises:
        InputError: the bytes of tokenizer.json differ, or the model has fewer embeddings than its tokenizer pieces.
    """
    if not equal_tokenizers(model, tokens):
        raise InputError(
            f"{tokens.path} and {model.path} have different tokenizers, so that ids mean other words; cut the texts "
            f"anew for the model: potstill tokenize --data {tokens.path} --start {model.path} --tokens FOLDER"
        )
    known, used = read_config(model.path).vocab_size, tokens.meaning["vocabulary_size"]
    if used > known:
        raise InputError(
            f"{tokens.path} uses {used} token ids, {model.path} has {known} embeddings for the same tokenizer; "
            "the checkpoint is not whole"
        )


def equal_tokenizers(one: Artifact, other: Artifact) -> bool:
    """Tell whether an id means the same word in both."""
    return _tokenizer(one) == _tokenizer(other)


def same_rows(outputs: Artifact, tokens: Artifact, unlabelled: Artifact | None = None) -> None:
    """Refuse teacher outputs that do not answer exactly these rows.

    Args:
        outputs: teacher-outputs/v1.
        tokens: tokens/v1.
        unlabelled: the further tokens/v1, when the stage reads one.

    Raises:
        InputError: they answer other tokens, or another further set, or one more or one fewer.
    """
    offences = [
        f"{outputs.path} answers {name} {found[:12] or '(none)'}, given is {wanted[:12] or '(none)'}"
        for name, found, wanted in (
            ("tokens", outputs.meaning["tokens"], tokens.digest),
            ("unlabelled", outputs.meaning["unlabelled"], unlabelled.digest if unlabelled else ""),
        )
        if found != wanted
    ]
    if offences:
        raise InputError(f"{'; '.join(offences)}; run teacher-cache on the same folders")


def _tokenizer(artifact: Artifact) -> str:
    return next((file.sha256 for file in artifact.files if file.path == TOKENIZER), "")
