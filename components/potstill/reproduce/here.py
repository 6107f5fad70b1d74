"""What of a release cannot come out equal on this machine: told before hours are spent."""

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from potstill.artifacts import Artifact
from potstill.errors import ArtifactError, InputError
from potstill.lineage.shown import shown
from potstill.reproduce.plan import DIGITS, Plan, stage_of
from potstill.reproduce.recipe import inputs_of

# Instruction-set tiers of torch on x86, each with what holds torch, oneDNN and MKL down to it.
TIERS = {
    "DEFAULT": {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41", "MKL_ENABLE_INSTRUCTIONS": "SSE4_2"},
    "AVX2": {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"},
    "AVX512": {},
}
AUTO = "auto"


@dataclass(frozen=True)
class Machine:
    """What manifests made here would tell.

    Attributes:
        source: digest of potstill's own source.
        libraries: name → version, of those that are installed.
        isa: torch's instruction-set tier.
        auto: the dtype that `auto` stands for here.
    """

    source: str
    libraries: Mapping[str, str]
    isa: str
    auto: str


def look_at(plan: Plan) -> Machine:
    """Ask a process of its own what it would compute with, and whether each stage takes its recipe.

    Raises:
        ArtifactError: a stage that does not take its recipe; all of them are named.
        InputError: the process ended without an answer.
    """
    recipes = [
        {"stage": stage_of(each), "inputs": list(inputs_of(each)), "config": each.made_by["config"]}
        for each in plan.made
    ]
    command = [sys.executable, "-m", "potstill.reproduce.preflight"]
    done = subprocess.run(  # noqa: S603 - this very program
        command, input=json.dumps(recipes), capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no word"])[-1]
        raise InputError(f"this installation cannot run the stages: {last}; install potstill with all its extras")
    answer = json.loads(done.stdout)
    refused = answer.pop("refused")
    if refused:
        raise ArtifactError(f"{'; '.join(map(shown, refused))}: the evidence is no recipe for this potstill")
    return Machine(**answer)


def unequal(plan: Plan, machine: Machine) -> list[str]:
    """Say, a line each, what has the digests differ here whatever is computed; empty where nothing does."""
    made = plan.made
    return [
        *_of_code(made, machine),
        *_of_libraries(made, machine),
        *_of_tiers(made, machine),
        *_of_dtype(made, machine),
    ]


def doubtful(plan: Plan, machine: Machine) -> list[str]:
    """Say, a line each, what may have the digests differ here, and is tried all the same."""
    held = [each for each in plan.made if held_down(each, machine)]
    free = [each for each in held if "onnxruntime" in each.made_by["libraries"]]
    lines = (
        [f"{_stages(held)}: torch is held down to {_tiers(held)} instructions; here are {machine.isa}"] if held else []
    )
    return [*lines, f"{_stages(free)}: onnxruntime cannot be held down, and may differ"] if free else lines


def held_down(artifact: Artifact, machine: Machine) -> dict[str, str]:
    """Return the variables that have this machine compute with the instructions that the artifact was made with."""
    wanted = str(artifact.made_by["processor"].get("isa", machine.isa))
    return dict(TIERS[wanted]) if _is_lower(wanted, machine.isa) else {}


def _of_code(made: Sequence[Artifact], machine: Machine) -> Iterator[str]:
    for (version, source, revision), stages in _by(made, "potstill", "source", "revision").items():
        if source != machine.source:
            at = f", revision {shown(revision)[:DIGITS]}" if revision else ""
            yield (
                f"{stages} ran potstill {shown(version)} of source {source[:DIGITS]}{at}; "
                f"here is source {machine.source[:DIGITS]}: install that revision"
            )


def _of_libraries(made: Sequence[Artifact], machine: Machine) -> Iterator[str]:
    wanted: dict[tuple[str, str], list[Artifact]] = {}
    for each in made:
        for name, version in each.made_by["libraries"].items():
            wanted.setdefault((name, version), []).append(each)
    for (name, version), artifacts in sorted(wanted.items()):
        here = machine.libraries.get(name, "none")
        if here != version:
            stages = _stages(artifacts)
            yield f"{stages} computed with {shown(name)} {shown(version)}; here is {here}: install that version"


def _of_tiers(made: Sequence[Artifact], machine: Machine) -> Iterator[str]:
    tiers: dict[str, list[Artifact]] = {}
    for each in made:
        wanted = str(each.made_by["processor"].get("isa", machine.isa))
        if wanted != machine.isa and not _is_lower(wanted, machine.isa):
            tiers.setdefault(wanted, []).append(each)
    for wanted, artifacts in sorted(tiers.items()):
        yield (
            f"{_stages(artifacts)} computed with {shown(wanted)} instructions; this processor has {machine.isa}: "
            "take a machine that has them"
        )


def _of_dtype(made: Sequence[Artifact], machine: Machine) -> Iterator[str]:
    found = [
        each
        for each in made
        if each.made_by["config"].get("dtype") == AUTO and set(_dtypes(each.meaning)) - {machine.auto}
    ]
    if found:
        told = ", ".join(sorted({dtype for each in found for dtype in _dtypes(each.meaning)}))
        yield (
            f"{_stages(found)} took dtype auto for {shown(told)}; here it is {machine.auto}: "
            "take a machine with the same instructions"
        )


def _dtypes(meaning: Any) -> Iterator[str]:
    """Every dtype that a manifest's meaning tells, at any depth."""
    inside: Iterable[Any] = ()
    if isinstance(meaning, Mapping):
        if isinstance(meaning.get("dtype"), str):
            yield meaning["dtype"]
        inside = meaning.values()
    elif isinstance(meaning, list):
        inside = meaning
    for each in inside:
        yield from _dtypes(each)


def _tiers(artifacts: Sequence[Artifact]) -> str:
    return ", ".join(dict.fromkeys(str(each.made_by["processor"]["isa"]) for each in artifacts))


def _is_lower(wanted: str, here: str) -> bool:
    order = list(TIERS)
    return wanted in order and here in order and order.index(wanted) < order.index(here)


def _by(made: Sequence[Artifact], *names: str) -> dict[tuple[str, ...], str]:
    """Group artifacts by what their manifests say of the maker; → their stages, named."""
    groups: dict[tuple[str, ...], list[Artifact]] = {}
    for each in made:
        groups.setdefault(tuple(str(each.made_by[name]) for name in names), []).append(each)
    return {key: _stages(found) for key, found in groups.items()}


def _stages(artifacts: Sequence[Artifact]) -> str:
    return ", ".join(dict.fromkeys(stage_of(each) for each in artifacts))
