"""What the reader asks besides: name, version, stages, verdict, licence, builders, images, signer, limits."""

import json
from collections.abc import Iterator

from potstill.artifacts import DEFINITION, Artifact
from potstill.evidence.layout import DEFINITION_FOLDER, IMPORTS, STATEMENTS, makes
from potstill.evidence.provenance import PROVENANCE
from potstill.evidence.sources import PINNED
from potstill.verify.case import Case, bundle_digest
from potstill.verify.findings import Check, Proved, gathered
from potstill.verify.judgements import asked_limits
from potstill.verify.policy import Policy
from potstill.verify.semantic_version import SemanticVersion
from potstill.verify.signers import names_of


def _prove(case: Case) -> Proved:
    return Proved(_said(case.policy), gathered(*(rule(case) for rule in RULES)))


def _said(policy: Policy) -> str:
    asked = [name for name, value in vars(policy).items() if value != getattr(Policy(), name)]
    if not asked:
        return "Nothing more was asked by a policy than a verdict that is a pass, and no override."
    return f"The policy is met: {', '.join(asked)}."


def _name(case: Case) -> Iterator[str]:
    if case.policy.name and case.index.name != case.policy.name:
        yield f"the release is called {case.index.name}; the policy wants {case.policy.name}"


def _version(case: Case) -> Iterator[str]:
    if case.policy.version and case.index.version != case.policy.version:
        yield f"the version is {case.index.version}; the policy wants {case.policy.version}"


def _minimum_version(case: Case) -> Iterator[str]:
    oldest = case.policy.minimum_version
    if oldest and SemanticVersion(case.index.version) < SemanticVersion(oldest):
        yield f"the version is {case.index.version}, an older release; the policy wants {oldest} at least"


def _digest(case: Case) -> Iterator[str]:
    if case.policy.digest and bundle_digest(case) != case.policy.digest:
        yield f"the bundle is {bundle_digest(case)}; the policy wants {case.policy.digest}"


def _required_stages(case: Case) -> Iterator[str]:
    if case.policy.required_stages:
        stages = {str(each.made_by["stage"]) for each in (*_lineage(case), case.release, case.seal)}
        for lost in sorted(set(case.policy.required_stages) - stages):
            yield f"no artifact was made by the stage {lost}, which the policy requires; stages are {_list(stages)}"


def _lineage(case: Case) -> Iterator[Artifact]:
    """What the stages made, each of its kind; a definition says what should run, and not what did."""
    for each in case.evidence.manifests.values():
        if each.kind != DEFINITION and makes(each.made_by["stage"], each.kind):
            yield each


def _verdicts(case: Case) -> Iterator[str]:
    if case.index.verdict not in case.policy.verdicts:
        yield f"the verdict is {case.index.verdict}; the policy lets in {_list(case.policy.verdicts)}"


def _override(case: Case) -> Iterator[str]:
    if case.index.override and not case.policy.override:
        yield (
            f"the release was made against its verdict, because: {case.index.override}; "
            "a policy with override = true would let it in"
        )


def _licence_uses(case: Case) -> Iterator[str]:
    if case.index.licence.use not in case.policy.licence_uses:
        yield f"the licence is {case.index.licence.use}; the policy lets in {_list(case.policy.licence_uses)}"


def _builders(case: Case) -> Iterator[str]:
    if case.policy.builders and not case.evidence.declares_runner:
        yield f"no definition declares a builder; the policy lets in {_list(case.policy.builders)}"
    elif case.policy.builders:
        statements = [json.loads(each) for name, each in case.papers.items() if name.startswith(f"{STATEMENTS}/")]
        made = [each["predicate"] for each in statements if each["predicateType"] == PROVENANCE]
        found = {each["runDetails"]["builder"]["id"] for each in made}
        for other in sorted(found - set(case.policy.builders)):
            yield f"stages were run by {other}; the policy lets in {_list(case.policy.builders)}"


def _pinned_images(case: Case) -> Iterator[str]:
    if not case.policy.pinned_images:
        return
    images = case.evidence.images
    for stage, image in sorted(images.items()):
        if not PINNED.fullmatch(image):
            yield f"{stage} ran in {image}, which names no digest; the policy wants images by digest"
    stages = {each.made_by["stage"] for each in case.evidence.manifests.values()}
    for stage in sorted(stages - set(images) - set(IMPORTS) - {_definer(case)}):
        yield f"nothing tells in which image {stage} ran; the policy wants images by digest"


def _definer(case: Case) -> str:
    """The stage that sealed the definition: it runs where the pipeline is compiled, in no image."""
    known = case.evidence.manifests.get(case.index.ships.get(DEFINITION_FOLDER, ""))
    return str(known.made_by["stage"]) if known else ""


def _definition(case: Case) -> Iterator[str]:
    found = case.index.ships.get(DEFINITION_FOLDER, "none")
    if case.policy.definition and found != case.policy.definition:
        yield f"the definition is {found}; the policy wants {case.policy.definition}"


def _signers(case: Case) -> Iterator[str]:
    if case.policy.signers:
        names = names_of(case.signed)
        if not set(names) & set(case.policy.signers):
            yield f"signed by {', '.join(names)}; the policy lets in {_list(case.policy.signers)}"


def _budgets(case: Case) -> Iterator[str]:
    """A limit that was asked for is as strict as the policy's, or stricter."""
    asked = asked_limits(case.evidence.verdict) if case.policy.budgets else {}
    for name, wanted in sorted(case.policy.budgets.items()):
        found = asked.get(name, False if wanted is False else None)
        if found is None:
            yield f"no {name} was asked for; the policy wants {_limit(wanted)}"
        elif not _as_strict(name, found, wanted):
            yield f"{name} was asked for as {_limit(found)}; the policy wants {_limit(wanted)}"


def _as_strict(name: str, found: float, wanted: float) -> bool:
    if isinstance(wanted, bool):
        return found is wanted
    return found <= wanted if name.startswith("max_") else found >= wanted


def _limit(limit: float) -> str:
    return str(limit).lower() if isinstance(limit, bool) else f"{limit:g}"


def _list(words: object) -> str:
    return ", ".join(sorted(words)) if isinstance(words, tuple | set) else str(words)


RULES = (
    _name,
    _version,
    _minimum_version,
    _digest,
    _required_stages,
    _verdicts,
    _override,
    _licence_uses,
    _builders,
    _pinned_images,
    _definition,
    _signers,
    _budgets,
)
CHECK = Check("policy", "the release is what you asked for", _prove)
