"""The definition of a run against the run: its files, where it ran, its images, its lock and its limits."""

from collections.abc import Iterator

from potstill.artifacts import Artifact
from potstill.evidence.compiled import images_in
from potstill.evidence.evidence import Evidence
from potstill.evidence.layout import (
    AFTER,
    DEFINED,
    DEFINER,
    DEFINITION_FOLDER,
    IMAGES,
    IMPORTS,
    JUDGE,
    LOCK,
    PIPELINE,
    RUNNERS,
    STAGES,
)
from potstill.evidence.libraries import locked_libraries, normal
from potstill.evidence.limits import limited_otherwise
from potstill.evidence.reading import read_inside
from potstill.evidence.shape import shown

KUBEFLOW = RUNNERS[0]
JOB = "-job"  # of a stage that trains as a job of its own
Versions = dict[str, set[str]]


def defined_otherwise(evidence: Evidence) -> Iterator[str]:
    """Name everything in which the definition and what was made disagree.

    Parameters other than the budgets are not held against the options of the stages: a pipeline may compute one from
    the other.

    Args:
        evidence: of a release or a bundle; without a definition there is nothing to say.

    Raises:
        InputError: a file of the definition that cannot be read as such.
    """
    definition = evidence.definer
    if definition is None:
        return
    wrong = {each.path for each in definition.files} ^ set(DEFINED)
    if wrong:
        yield f"a definition holds {', '.join(DEFINED)}; missing or extra: {', '.join(sorted(wrong))}"
        return
    yield from _run_elsewhere(evidence)
    yield from _images(evidence)
    yield from _libraries(evidence)
    yield from limited_otherwise(evidence)


def _run_elsewhere(evidence: Evidence) -> Iterator[str]:
    for runner in dict.fromkeys((evidence.runs_on, evidence.runner_of(JUDGE))):
        if runner not in RUNNERS:
            yield f"the definition runs on {shown(runner)}; known are {', '.join(RUNNERS)}"
    if evidence.runs_on == KUBEFLOW and not evidence.images:
        yield f"the definition runs on {KUBEFLOW}, and {IMAGES} names no image"


def _images(evidence: Evidence) -> Iterator[str]:
    """Every image is of a stage, and the one that the pipeline runs it in."""
    if not evidence.images:  # the stages ran in the Python of a machine, whatever the pipeline names for a cluster
        return
    known = images_in(read_inside(evidence.folder, f"{DEFINITION_FOLDER}/{PIPELINE}"))
    for step, image in sorted(evidence.images.items()):
        if step.removesuffix(JOB) not in (*STAGES, *AFTER):
            yield f"{IMAGES} names an image of {shown(step)}, which is no stage"
        elif step not in known:
            yield f"{IMAGES} says that {step} runs in {shown(image)}, of which {PIPELINE} knows nothing"
        elif known[step] != {image}:
            found = shown(", ".join(sorted(known[step])))
            yield f"{IMAGES} says that {step} runs in {shown(image)}, {PIPELINE} says in {found}"


def _libraries(evidence: Evidence) -> Iterator[str]:
    """What the stages loaded is what the lock installs; what was imported came before the run, and without its lock."""
    locked: Versions = {}
    for name, version in locked_libraries(evidence):
        locked.setdefault(name, set()).add(_public(version))
    for digest in evidence.lineage.order:
        artifact = evidence.manifests[digest]
        if artifact.made_by["stage"] not in (*IMPORTS, DEFINER):
            yield from _loaded_otherwise(artifact, locked)


def _loaded_otherwise(artifact: Artifact, locked: Versions) -> Iterator[str]:
    for name, version in sorted(artifact.made_by["libraries"].items()):
        known = locked.get(normal(name), set())
        if _public(version) not in known:
            told = shown(", ".join(sorted(known))) if known else "none"
            ran = f"{artifact.made_by['stage']} ran with {shown(name)} {shown(version)}"
            yield f"{ran}, {LOCK} of the definition has {told}"


def _public(version: str) -> str:
    """A version without its build: 2.13.0 of 2.13.0+cpu."""
    return version.partition("+")[0]
