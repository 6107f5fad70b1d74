"""The seals of the bundle and of the release in it list these very files."""

from collections.abc import Iterator

from potstill.artifacts import BUNDLE, MANIFEST, SIGNATURE, Artifact, File
from potstill.evidence.index import Index
from potstill.evidence.layout import ATTESTATIONS, manifest_path
from potstill.verify.case import Case, bundle_digest
from potstill.verify.findings import Check, Proved, gathered


def _prove(case: Case) -> Proved:
    wrong = gathered(_of_bundle(case), _of_release(case))
    if wrong:
        return Proved("", wrong)
    digests = f"The bundle is {bundle_digest(case)}, the release in it {case.release.digest}"
    return Proved(f"{digests}; their seals list these same files.")


def _of_bundle(case: Case) -> Iterator[str]:
    seal = case.seal
    if seal.kind != BUNDLE:
        yield f"{MANIFEST} seals {seal.kind}; wanted is {BUNDLE}"
    if seal.made_by["stage"] != "sign":
        yield f"{MANIFEST} was sealed by {seal.made_by['stage']}; wanted is sign"
    if list(seal.inputs) != ["release"]:
        yield f"{MANIFEST} was made from {', '.join(seal.inputs) or 'nothing'}; wanted is a release alone"
    found = [file for name, file in case.listing.files.items() if name not in (MANIFEST, SIGNATURE)]
    yield from _differences("the bundle's seal", seal.files, found)


def _of_release(case: Case) -> Iterator[str]:
    release, evidence = case.release, case.evidence
    if case.seal.inputs.get("release") != release.digest:
        yield f"the bundle was made from {case.seal.inputs.get('release')}; the release here is {release.digest}"
    if release.made_by["stage"] != "release":
        yield f"the release was sealed by {release.made_by['stage']}; wanted is release"
    for digest in sorted(set(release.inputs.values()) ^ set(evidence.manifests)):
        yield f"{digest} is either read by the release and not of its lineage, or of its lineage and not read by it"
    yield from _named_otherwise("the release's seal", release, evidence.index)
    yield from _named_otherwise("the bundle's seal", case.seal, evidence.index)
    if case.signed.name != f"{evidence.index.name}-{evidence.index.version}":
        yield f"the signature calls the bundle {case.signed.name}"
    for name, seal in (("release", release), ("bundle", case.seal)):
        if seal.licence != evidence.index.licence:
            told = f"{seal.licence.expression} ({seal.licence.use})"
            yield f"the {name}'s seal has the licence {told}, which is not that of its index"
    own = manifest_path(release.digest)
    ours = [
        file
        for name, file in case.listing.files.items()
        if name not in (MANIFEST, SIGNATURE, own) and not name.startswith(f"{ATTESTATIONS}/")
    ]
    yield from _differences("the release's seal", release.files, ours)


def _named_otherwise(seal: str, artifact: Artifact, index: Index) -> Iterator[str]:
    """A seal and the index call the release alike."""
    told = {"name": index.name, "version": index.version, "verdict": index.verdict, "override": index.override}
    for name, value in {**told, "ships": dict(index.ships)}.items():
        if artifact.meaning.get(name) != value:
            yield f"{seal} has another {name} than the index"


def _differences(seal: str, wanted: tuple[File, ...], found: list[File]) -> Iterator[str]:
    want, have = ({file.path: file for file in each} for each in (wanted, found))
    yield from (f"{seal} lists {name}, which is not here" for name in sorted(want.keys() - have.keys()))
    yield from (f"{seal} does not list {name}" for name in sorted(have.keys() - want.keys()))
    yield from (
        f"{seal} lists another {name}" for name in sorted(want.keys() & have.keys()) if want[name] != have[name]
    )


CHECK = Check("seals", "the seals of the bundle and of the release hold", _prove)
