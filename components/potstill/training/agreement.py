"""Do the inputs of a stage belong together: the same labels, the same tokenizer, the same rows?"""

from potstill.artifacts import Artifact
from potstill.encoder.multi_label import require_same_kind
from potstill.encoder.tokenizer import TOKENIZER
from potstill.errors import InputError


def same_labels(teacher: Artifact, tokens: Artifact) -> None:
    """Refuse a teacher that was not trained on the labels of the tokens, in their order and of their kind.

    Args:
        teacher: checkpoint/v1.
        tokens: tokens/v1.

    Raises:
        InputError: the labels differ, the checkpoint has none, or one of the two is multi-label and the other not.
    """
    known, wanted = (each.meaning.get("labels") or ["(none)"] for each in (teacher, tokens))
    if known != wanted:
        raise InputError(
            f"the teacher knows the labels {', '.join(known)}, the tokens have {', '.join(wanted)}; "
            "train the teacher on these tokens"
        )
    require_same_kind(teacher, tokens)


def same_tokenizer(one: Artifact, other: Artifact) -> None:
    """Refuse two folders whose tokenizers differ: the same id would mean another word in each.

    Every stage copies the tokenizer byte for byte, so equal bytes are what belongs together.

    Args:
        one: checkpoint/v1 or tokens/v1.
        other: likewise.

    Raises:
        InputError: the bytes of tokenizer.json differ.
    """
    if _tokenizer(one) != _tokenizer(other):
        raise InputError(f"{other.path} and {one.path} have different tokenizers; make both with the same")


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
