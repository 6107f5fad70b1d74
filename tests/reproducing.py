"""Parts of a reproduction, without a whole release around them."""

import json
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from potstill.artifacts import MANIFEST, Artifact, read_manifest
from potstill.evidence.evidence import Evidence
from potstill.evidence.index import Index
from potstill.evidence.lineage import Lineage
from potstill.licences import UNDECLARED
from potstill.reproduce.here import Machine, look_at
from potstill.reproduce.originals import Originals
from potstill.reproduce.plan import Plan
from potstill.reproduce.work import Done, Work

HERE = Machine(source="ab" * 32, libraries={"torch": "2.13.0"}, isa="AVX2", auto="float32")
OTHER = "99" * 32  # a digest of nothing that is here


def artifact(stage: str, kind: str = "checkpoint/v1", **changed: Any) -> Artifact:
    """A manifest as `stage` writes it, made by HERE; changed: fields of the artifact or of made_by."""
    made_by = {
        "stage": stage,
        "potstill": "0.1.0",
        "revision": "12" * 20,
        "source": HERE.source,
        "libraries": dict(HERE.libraries),
        "config": {},
        "processor": {"threads": 2, "processes": 1, "isa": HERE.isa},
    }
    told = {name: changed.pop(name) for name in list(changed) if name in made_by}
    plain = {
        "path": Path("manifest"),
        "digest": "cd" * 32,
        "files": (),
        "inputs": {},
        "licence": UNDECLARED,
        "meaning": {},
    }
    return Artifact(**{**plain, "kind": kind, "made_by": made_by | told, **changed})


def evidence_around(artifacts: Sequence[Artifact], folder: Path) -> Evidence:
    """Evidence that knows these artifacts, and nothing else."""
    index = Index("tiny", "1.0.0", "pass", "", UNDECLARED, (), {})
    manifests = {each.digest: each for each in artifacts}
    nothing: Any = dict.fromkeys(field.name for field in fields(Evidence))
    known = {"folder": folder, "index": index, "manifests": manifests, "lineage": Lineage.of(manifests)}
    return Evidence(**{**nothing, **known})


def plan_around(made: Sequence[Artifact], given: Sequence[Artifact], folder: Path) -> Plan:
    """A plan that makes some artifacts, from others that are there."""
    return Plan(evidence_around([*given, *made], folder), tuple(given), tuple(made), ())


def reproduce_alone(wanted: Artifact, parents: Sequence[Path], out: Path, **changed: Any) -> list[Done]:
    """Run one stage again, from folders that are there; changed: fields of Work."""
    given = [replace(read_manifest(each), inputs={}) for each in parents]
    out.mkdir(exist_ok=True)
    plan = plan_around([replace(wanted, path=wanted.path / MANIFEST)], given, out)
    machine = changed.pop("machine", None) or look_at(plan)
    work = Work(plan, out, machine, Originals(None), changed.pop("other_code", False))
    return list(work.run({each.digest: each.path for each in given}))


def seal_by_hand(folder: Path, found: Artifact) -> Artifact:
    """Write a manifest as it is told, whatever the files are."""
    body = {
        "kind": found.kind,
        "files": [{"path": each.path, "bytes": each.bytes, "sha256": each.sha256} for each in found.files],
        "made_by": found.made_by,
        "inputs": found.inputs,
        "licence": {"expression": found.licence.expression, "use": found.licence.use},
        "meaning": found.meaning,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).write_text(json.dumps(body), encoding="utf-8")
    return read_manifest(folder)
