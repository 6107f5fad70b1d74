"""The members of an ensemble: several teachers' outputs on exactly the same rows."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from potstill.artifacts import TEACHER_OUTPUTS, Artifact, expect
from potstill.errors import InputError
from potstill.training.teacher_outputs import TeacherOutputs, open_outputs


def expect_members(folders: Sequence[Path], tokens: Artifact) -> list[TeacherOutputs]:
    """Read the members, and prove that they can be added.

    Args:
        folders: of teacher-outputs/v1.
        tokens: the token set that they must all be made on.

    Returns: the members, ordered by their digests: a pipeline's parallel branches come in no certain order.

    Raises:
        ArtifactError: one is not sealed, or of another kind.
        InputError: fewer than two, one or its teacher given twice, or of other rows or labels; offenders are named.
    """
    found = sorted((expect(folder, TEACHER_OUTPUTS) for folder in folders), key=lambda each: each.digest)
    if len({each.digest for each in found}) != len(found) or len(found) < 2:
        raise InputError(
            f"an ensemble has two or more different members, got {', '.join(str(each.path) for each in found)}; "
            "pass the outputs of several teachers"
        )
    _refuse_others(found, {"tokens": tokens.digest, "labels": tokens.meaning["labels"]}, f"than {tokens.path}")
    first = {name: found[0].meaning[name] for name in ("unlabelled", "parts")}
    _refuse_others(found, first, f"than {found[0].path}")
    _refuse_a_teacher_twice(found)
    return [open_outputs(each) for each in found]


def _refuse_a_teacher_twice(members: Sequence[Artifact]) -> None:
    """Refuse a teacher that answers in two members: it would count more than the weights say."""
    teachers = [str(member["teacher"]) for each in members for member in each.meaning["members"]]
    twice = sorted({each[:12] for each in teachers if teachers.count(each) > 1})
    if twice:
        raise InputError(
            f"teacher {', '.join(twice)} answers in more than one member; pass each teacher's outputs once"
        )


def _refuse_others(members: Sequence[Artifact], wanted: Mapping[str, object], than: str) -> None:
    """Refuse members whose meaning is not what is wanted, and name each with what differs."""
    differing = {each.path: [name for name in wanted if each.meaning[name] != wanted[name]] for each in members}
    offences = [f"{path} has other {' and '.join(names)} {than}" for path, names in differing.items() if names]
    if offences:
        raise InputError(f"{'; '.join(offences)}; make all members by teacher-cache on the same folders")


def weighted_teachers(members: Sequence[TeacherOutputs], weights: Sequence[float]) -> list[dict[str, str | float]]:
    """List every teacher with its weight in the sum; an ensemble among the members brings its own teachers."""
    return [
        {**teacher, "weight": weight * teacher["weight"]}
        for member, weight in zip(members, weights, strict=True)
        for teacher in member.artifact.meaning["members"]
    ]
