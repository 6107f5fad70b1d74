"""What somebody may do to a signed bundle: without a key, with a key of their own, or with the very key."""

import copy
import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from potstill.artifacts import MANIFEST, SIGNATURE, parse_manifest, sha256_of
from potstill.errors import PotstillError
from potstill.evidence.layout import (
    ATTESTATIONS,
    FIGURES,
    INDEX,
    MANIFESTS,
    STATEMENTS,
    SUMMARY,
    attestation_path,
    manifest_path,
)
from potstill.evidence.lineage import Lineage
from potstill.evidence.manifest import digest_of
from potstill.evidence.papers import papers_of
from potstill.evidence.reported import origin_of
from potstill.evidence.whole import evidence_of
from potstill.signing.canonical import canonical
from potstill.signing.dsse import envelope
from potstill.signing.keys import read_private
from potstill.signing.model_signature import sign_folder
from potstill.signing.trust import Signer, Trusted
from potstill.verify.policy import Policy
from potstill.verify.proof import Proof
from potstill.verify.proving import read_trusted, verify_bundle
from tests.signed import make_bundle

Change = Callable[["Bundle"], None]
JSON = (".json", SIGNATURE)


@dataclass(frozen=True)
class Forgery:
    """One thing done to a bundle."""

    name: str
    change: Change


class Bundle:
    """A bundle's folder, made of hard links: a file is replaced and never written to, so that the first one stays."""

    def __init__(self, folder: Path):
        self.folder = folder

    def files(self, *, suffix: tuple[str, ...] = ("",)) -> list[str]:
        """Paths of all files, sorted."""
        found = (each for each in self.folder.rglob("*") if each.is_file() and each.name.endswith(suffix))
        return sorted(each.relative_to(self.folder).as_posix() for each in found)

    def read(self, name: str) -> bytes:
        return (self.folder / name).read_bytes()

    def json(self, name: str) -> Any:
        return json.loads(self.read(name))

    def write(self, name: str, data: bytes) -> None:
        self.remove(name)
        place = self.folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)

    def write_json(self, name: str, value: Any) -> None:
        self.write(name, canonical(value))

    def remove(self, name: str) -> None:
        (self.folder / name).unlink(missing_ok=True)

    def rename(self, name: str, other: str) -> None:
        (self.folder / other).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).rename(self.folder / other)

    @property
    def release(self) -> str:
        """Path of the release's own manifest."""
        return manifest_path(self.json(MANIFEST)["inputs"]["release"])

    def manifest_of(self, stage: str) -> str:
        """Path of the manifest that a stage sealed."""
        manifests = self.files(suffix=(".json",))
        inside = [each for each in manifests if each.startswith("evidence/manifests/")]
        return next(each for each in inside if self.json(each)["made_by"]["stage"] == stage)


@dataclass(frozen=True)
class Forge:
    """A good bundle to forge from, another good one of the same signer, and two keys."""

    root: Path
    bundle: Path
    other: Path
    key: Path
    stranger: Path

    @classmethod
    def make(cls, root: Path, **options: Any) -> "Forge":
        """Make two good bundles of one signer, versions 1.0.0 and 2.0.0, and a stranger's key."""
        bundle, public = make_bundle(root / "one", **options)
        key = public.with_suffix(".pem")
        other, _ = make_bundle(root / "two", key=key, **{"variant": 1, "version": "2.0.0", **options})
        _, stranger = make_bundle(root / "three", variant=2)
        return cls(root, bundle, other, key, stranger.with_suffix(".pem"))

    @property
    def trusted(self) -> Trusted:
        return read_trusted([self.key.with_suffix(".pub")])

    def verify(self, folder: Path | None = None, policy: Policy | None = None) -> Proof:
        return verify_bundle(folder or self.bundle, self.trusted, policy)

    def forged(self, change: Change, policy: Policy | None = None) -> Proof:
        """Change a copy of the bundle, and verify it."""
        place = self.root / "forged"
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(self.bundle, place, copy_function=os.link)
        change(Bundle(place))
        return self.verify(place, policy)

    def accepted(self, forgeries: Iterator[Forgery], policy: Policy | None = None) -> tuple[int, list[str]]:
        """Try forgeries; → how many, and the names of those that were taken, or that broke the verifier."""
        tried, wrong = 0, []
        for each in forgeries:
            tried += 1
            proof = self.forged(each.change, policy)
            if proof.proved or any("a form that is not read" in line for line in proof.wrong):
                wrong.append(f"{each.name}: {proof.wrong}")
        return tried, wrong


def resign(bundle: Bundle, key: Path) -> None:
    """Sign what lies there, whatever it is."""
    bundle.remove(SIGNATURE)
    try:
        name = "{name}-{version}".format(**bundle.json(INDEX))
    except (OSError, ValueError, RecursionError, TypeError, KeyError):  # an index that was forged, too
        name = "forged"
    bundle.write(SIGNATURE, sign_folder(bundle.folder, Signer(read_private(key)), name))


def reseal(bundle: Bundle, key: Path) -> None:
    """List in the bundle's seal what lies there, and sign it."""
    seal = bundle.json(MANIFEST)
    bundle.write_json(MANIFEST, {**seal, "files": _listed(bundle, lambda name: name not in (MANIFEST, SIGNATURE))})
    resign(bundle, key)


def remake(bundle: Bundle, key: Path) -> None:
    """Repair all that can be repaired: papers, the release's seal, attestations, the bundle's seal, the signature."""
    path = bundle.release
    own = bundle.json(path)
    bundle.remove(path)
    rewrite_papers(bundle)
    own["files"] = _listed(bundle, lambda name: name not in (MANIFEST, SIGNATURE) and not name.startswith(ATTESTATIONS))
    digest = digest_of(canonical(own))
    bundle.write_json(manifest_path(digest), own)
    attest(bundle, key)
    seal = bundle.json(MANIFEST)
    bundle.write_json(MANIFEST, {**seal, "inputs": {"release": digest}})
    reseal(bundle, key)


def rewrite_papers(bundle: Bundle) -> None:
    """Make again what follows from the evidence, where it can be read."""
    try:
        made = papers_of(evidence_of(bundle.folder))
    except PotstillError:
        return
    for name in bundle.files():
        if name.startswith(f"{STATEMENTS}/"):
            bundle.remove(name)
    for name, data in made.items():
        bundle.write(name, data)


def attest(bundle: Bundle, key: Path) -> None:
    """Sign each statement that lies there."""
    private = read_private(key)
    for name in bundle.files():
        if name.startswith(f"{ATTESTATIONS}/"):
            bundle.remove(name)
        if name.startswith(f"{STATEMENTS}/"):
            stem = Path(name).stem
            bundle.write(attestation_path(stem), envelope(bundle.read(name), private))


def rewrite(bundle: Bundle, change: Callable[[dict[str, Any]], bool]) -> None:
    """Change manifests of the lineage, and carry their new digests to all that names the old ones.

    Args:
        bundle: where.
        change: changes a manifest; false where it leaves it alone.
    """
    evidence = evidence_of(bundle.folder)
    renamed: dict[str, str] = {}
    for digest in evidence.lineage.order:
        body = json.loads(_renamed(bundle.read(manifest_path(digest)), renamed))
        if digest == evidence.report.digest:
            retell(bundle, body, lambda summary, own=body: summary.update(lineage=_origins(bundle, own["inputs"])))
        if change(body) or canonical(body) != bundle.read(manifest_path(digest)):
            data = canonical(body)
            renamed[digest] = digest_of(data)
            bundle.remove(manifest_path(digest))
            bundle.write(manifest_path(renamed[digest]), data)
    for name in (bundle.release, "release.json", "verdict.json", "figures.json", "report.html", "README.md", MANIFEST):
        bundle.write(name, _renamed(bundle.read(name), renamed))
    relist(bundle)


def retell(bundle: Bundle, report: dict[str, Any], change: Callable[[Any], object]) -> None:
    """Change the figures of the sealed report, and those beside it; the report's manifest seals them anew."""
    for name in (SUMMARY, FIGURES):
        edit(bundle, name, change)
    data = bundle.read(SUMMARY)
    sealed = next(each for each in report["files"] if SUMMARY.endswith(f"/{each['path']}"))
    sealed.update(bytes=len(data), sha256=digest_of(data))


def _origins(bundle: Bundle, inputs: dict[str, str]) -> dict[str, Any]:
    """The lineage as a report tells it, of the manifests that lie there."""
    places = {name: bundle.folder / manifest_path(digest) for name, digest in inputs.items()}
    return {name: origin_of(parse_manifest(each.read_bytes(), each, each)) for name, each in places.items()}


def relist(bundle: Bundle) -> None:
    """List in the index the manifests that lie there, in their order."""
    own = Path(bundle.release).name
    manifests = {}
    for path in sorted((bundle.folder / MANIFESTS).iterdir()):
        if path.name != own:
            manifests[path.stem] = parse_manifest(path.read_bytes(), path, path)
    order = [(digest, manifests[digest]) for digest in Lineage.of(manifests).order]
    listed = [{"digest": digest, "kind": each.kind, "stage": each.made_by["stage"]} for digest, each in order]
    edit(bundle, INDEX, lambda index: index.update(artifacts=listed))


def edit(bundle: Bundle, name: str, change: Callable[[Any], Any]) -> None:
    """Change a JSON file in place."""
    body = bundle.json(name)
    change(body)
    bundle.write_json(name, body)


def paths_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON value that holds no further one, and every object and list."""
    if path:
        yield path
    if isinstance(value, dict):
        for name, each in value.items():
            yield from paths_in(each, (*path, name))
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from paths_in(each, (*path, place))


def mutated(value: Any, path: tuple[Any, ...], dice: random.Random) -> Any:
    """Change one place of a JSON value: another value, another type, taken away, or one more."""
    body = copy.deepcopy(value)
    holder = body
    for each in path[:-1]:
        holder = holder[each]
    last, old = path[-1], holder[path[-1]]
    if isinstance(holder, dict) and dice.random() < 0.2:
        if dice.random() < 0.5:
            del holder[last]
        else:
            holder[f"{last}2"] = old
    else:
        holder[last] = _another(old, dice)
    return body


def _another(old: Any, dice: random.Random) -> Any:
    if dice.random() < 0.15:
        return [old]
    if isinstance(old, bool):
        return not old
    if isinstance(old, int | float):
        return old + 1
    if isinstance(old, str):
        return _other_text(old)
    if isinstance(old, list):
        return old[1:] if old else [0]
    return {**old, "more": 0} if isinstance(old, dict) else 0


def _other_text(old: str) -> str:
    return f"{'1' if old[0] != '1' else '2'}{old[1:]}" if len(old) == 64 else f"{old}x"


def sampled_fields(bundle: Bundle, each: int, seed: int, names: list[str] | None = None) -> Iterator[tuple[str, Any]]:
    """(file, its changed value) for some places of every JSON file."""
    dice = random.Random(seed)
    for name in names or bundle.files(suffix=JSON):
        value = bundle.json(name)
        places = list(paths_in(value))
        for path in dice.sample(places, min(each, len(places))):
            yield name, mutated(value, path, dice)


def _listed(bundle: Bundle, wanted: Callable[[str], bool]) -> list[dict[str, Any]]:
    return [
        {"path": name, "bytes": (bundle.folder / name).stat().st_size, "sha256": sha256_of(bundle.folder / name)}
        for name in bundle.files()
        if wanted(name)
    ]


def _renamed(text: bytes, renamed: dict[str, str]) -> bytes:
    for old, new in renamed.items():
        text = text.replace(old.encode(), new.encode())
    return text
