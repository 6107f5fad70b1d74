"""What distill reads: sealed artifacts that belong together, and the teacher's outputs, kept or made now."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from potstill import processes
from potstill.artifacts import CHECKPOINT, TEACHER_OUTPUTS, TOKENS, Artifact, expect
from potstill.distill.config import DistillConfig
from potstill.errors import InputError
from potstill.teacher_cache import TeacherCacheConfig, cache_teacher
from potstill.training.agreement import same_labels, same_rows, same_tokenizer
from potstill.training.teacher_outputs import TeacherOutputs, open_outputs


def expect_inputs(
    teacher: Path, tokens: Path, teacher_outputs: Path | None, start: Path | None, unlabelled: Path | None
) -> dict[str, Artifact]:
    """Read every artifact that is given, and prove that they belong together.

    Raises:
        ArtifactError: not sealed, of another kind, changed.
        InputError: other labels, another tokenizer, or outputs of another teacher or of other tokens.
    """
    found = {"teacher": expect(teacher, CHECKPOINT), "tokens": expect(tokens, TOKENS)}
    same_labels(found["teacher"], found["tokens"])
    if start:
        found["start"] = expect(start, CHECKPOINT)
    if unlabelled:
        found["unlabelled"] = expect(unlabelled, TOKENS)
        same_tokenizer(found["unlabelled"], found["tokens"])
        if found["unlabelled"].digest == found["tokens"].digest:
            raise InputError(
                f"{unlabelled} is the token set itself, whose unlabelled rows are learned from; leave it out"
            )
    if teacher_outputs:
        found["teacher_outputs"] = expect(teacher_outputs, TEACHER_OUTPUTS)
        same_rows(found["teacher_outputs"], found["tokens"], found.get("unlabelled"))
        _same_teacher(found["teacher_outputs"], found["teacher"])
    return found


def _same_teacher(outputs: Artifact, teacher: Artifact) -> None:
    """The teacher must be among those that answered; an ensemble has several."""
    if teacher.digest not in [member["teacher"] for member in outputs.meaning["members"]]:
        raise InputError(f"{outputs.path} holds no answers of {teacher.path}; run teacher-cache with this teacher")


@contextmanager
def teacher_answers(inputs: dict[str, Artifact], config: DistillConfig) -> Iterator[TeacherOutputs]:
    """Open the teacher outputs that were given; without any, compute what the recipe reads in a temporary folder.

    Args:
        inputs: as `expect_inputs` returns them.
        config: distill's options.

    Raises:
        InputError: the outputs that were given lack what the recipe reads.
    """
    if "teacher_outputs" in inputs:
        opened = open_outputs(inputs["teacher_outputs"])
        _refuse_lacking(opened, inputs["teacher_outputs"], config)
        yield opened
        return
    further = inputs["unlabelled"].path if "unlabelled" in inputs else None
    with processes.folder_of_machine() as (folder, fills):
        cache = TeacherCacheConfig(
            keep=",".join(config.losses.keep),
            relation_layer=config.relation_layer,
            relation_heads=config.relation_heads,
            threads=config.threads,
            dtype=config.dtype,
        )
        made = folder / "outputs"
        if fills:
            cache_teacher(inputs["teacher"].path, inputs["tokens"].path, made, cache, further)
        processes.wait()
        yield open_outputs(expect(made, TEACHER_OUTPUTS))


def _refuse_lacking(opened: TeacherOutputs, artifact: Artifact, config: DistillConfig) -> None:
    lacking = [name for name in config.losses.keep if not opened.keeps(name)]
    if lacking:
        if len(artifact.meaning["members"]) > 1:
            raise InputError(
                f"{artifact.path} is an ensemble, which has answers alone, recipe {config.recipe} reads "
                f"{', '.join(lacking)}, too; choose recipe soft or tinybert"
            )
        raise InputError(
            f"{artifact.path} keeps {', '.join(artifact.meaning['keep'])}, recipe {config.recipe} reads "
            f"{', '.join(lacking)}, too; run teacher-cache with --keep {','.join(config.losses.keep)}"
        )
    for name in ("relation_layer", "relation_heads"):
        wanted = getattr(config, name)
        if wanted and opened.keeps("relations") and wanted != artifact.meaning[name]:
            raise InputError(
                f"{artifact.path} has {name} {artifact.meaning[name]}, distill is asked for {wanted}; "
                f"run teacher-cache with --{name.replace('_', '-')} {wanted}"
            )
