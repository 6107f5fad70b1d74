"""What must agree in a release: index, manifests, verdict and report; every contradiction is named at once."""

from collections.abc import Iterator

from potstill.artifacts import BUNDLE, DATASET, RELEASE, TOKENS, Artifact
from potstill.errors import ArtifactError
from potstill.evidence.card import carries_banner, tells_limits
from potstill.evidence.defined import defined_otherwise
from potstill.evidence.evidence import Evidence
from potstill.evidence.layout import CARD, DEFINITION_FOLDER, IMPORTS, INDEX, JUDGED_AS, KIND_IN, REPORT_FOLDER, VERDICT
from potstill.evidence.making import made_otherwise
from potstill.evidence.reading import read_inside
from potstill.evidence.reported import reported_otherwise
from potstill.licences import USES, Licence, strictest, terms_of
from potstill.one_line import one_line


def refuse_contradictions(evidence: Evidence) -> None:
    """Prove that nothing in a release contradicts anything else in it.

    Raises:
        ArtifactError: every contradiction, in one line.
        InputError: a definition or a card that cannot be read as such.
    """
    found = [*_ships(evidence)]
    if not found:  # the rest speaks of the report, which must be there
        found = [*_listed(evidence), *made_otherwise(evidence), *_ancestry(evidence), *_judged(evidence)]
        found += [*reported_otherwise(evidence), *_licences(evidence), *defined_otherwise(evidence), *_card(evidence)]
    if found:
        raise ArtifactError(one_line(f"{evidence.folder} contradicts itself: {'; '.join(found)}"))


def _ships(evidence: Evidence) -> Iterator[str]:
    """Every shipped folder is of a manifest of its kind; a report and a model are there."""
    ships = evidence.index.ships
    for folder, digest in sorted(ships.items()):
        known = evidence.manifests.get(digest)
        if known is None:
            yield f"{INDEX} ships {digest} as {folder}, of which there is no manifest"
        elif known.kind != KIND_IN[folder]:
            yield f"{INDEX} ships {known.kind} {digest} as {folder}; wanted there is {KIND_IN[folder]}"
    if REPORT_FOLDER not in ships:
        yield f"{INDEX} ships no {REPORT_FOLDER}"
    if not any(folder in JUDGED_AS for folder in ships):
        yield f"{INDEX} ships no model; wanted is one of {', '.join(JUDGED_AS)}"


def _listed(evidence: Evidence) -> Iterator[str]:
    """The index lists the lineage, in its order."""
    listed = [(each.digest, each.kind, each.stage) for each in evidence.index.artifacts]
    known = [
        (digest, each.kind, each.made_by["stage"])
        for digest, each in ((digest, evidence.manifests[digest]) for digest in evidence.lineage.order)
    ]
    for digest, kind, stage in sorted(set(known) - set(listed)):
        yield f"{INDEX} does not list {kind} {digest} of {stage}"
    for digest, kind, stage in sorted(set(listed) - set(known)):
        yield f"{INDEX} lists {kind} {digest} of {stage}, of which there is no such manifest"
    if set(listed) == set(known) and listed != known:
        yield f"{INDEX} does not list each artifact once, after those that it was made from"


def _ancestry(evidence: Evidence) -> Iterator[str]:
    """All artifacts are behind the report, and begin with what was imported."""
    definition = evidence.index.ships.get(DEFINITION_FOLDER)
    behind = evidence.lineage.ancestors(evidence.report.digest) | {definition}
    for digest in evidence.lineage.order:
        artifact = evidence.manifests[digest]
        stage = artifact.made_by["stage"]
        if digest not in behind:
            yield f"nothing that is released was made from {artifact.kind} {digest} of {stage}"
        if artifact.kind in (RELEASE, BUNDLE):
            yield f"{artifact.kind} {digest} cannot be an ancestor"
        if artifact.kind == TOKENS and not _reads_data(evidence, artifact):
            yield f"{artifact.kind} {digest} of {stage} was made from a table that is not sealed; import the data first"
        if not artifact.inputs and stage not in IMPORTS and digest != definition:
            yield f"{artifact.kind} {digest} of {stage} was made from nothing; only {' and '.join(IMPORTS)} may be"


def _reads_data(evidence: Evidence, tokens: Artifact) -> bool:
    return any(evidence.manifests[each].kind == DATASET for each in tokens.inputs.values())


def _judged(evidence: Evidence) -> Iterator[str]:
    """The verdict is of this report, and the report is of these models."""
    report, verdict = evidence.report, evidence.verdict
    if verdict["report"] != report.digest:
        yield f"{VERDICT} is of report {verdict['report']}, released is {report.digest}"
    if verdict["verdict"] != evidence.index.verdict:
        yield f"{VERDICT} says {verdict['verdict']}, {INDEX} says {evidence.index.verdict}"
    for name in ("final", "reference", "rows"):
        if verdict[name] != report.meaning.get(name):
            yield f"{VERDICT} has {name} {verdict[name]}, the report has {report.meaning.get(name)}"
    if verdict["licence"] != {"expression": report.licence.expression, "use": report.licence.use}:
        yield f"{VERDICT} tells another licence than the report"
    for folder, artifact in evidence.models.items():
        judged = report.inputs.get(JUDGED_AS[folder])
        if judged != artifact.digest:
            yield f"{folder} is {artifact.digest}, the report judged {judged or 'none'}"


def _licences(evidence: Evidence) -> Iterator[str]:
    """No artifact is freer than what it was made from, and the release is as strict as the strictest."""
    for parent, name, child in evidence.lineage.edges:
        given, taken = evidence.manifests[parent].licence, evidence.manifests[child].licence
        freer = USES.index(taken.use) < USES.index(given.use)
        if freer or not terms_of(given) <= terms_of(taken):
            stage = evidence.manifests[child].made_by["stage"]
            yield f"{stage} has the licence {_words(taken)}, its {name} has {_words(given)}"
    wanted = strictest(each.licence for each in evidence.manifests.values())
    if evidence.index.licence != wanted:
        yield f"{INDEX} has the licence {_words(evidence.index.licence)}, its artifacts have {_words(wanted)}"


def _card(evidence: Evidence) -> Iterator[str]:
    """A card that begins as it must tells, next, under which limits the verdict is what it is."""
    card, limits = read_inside(evidence.folder, CARD).decode("utf-8", "replace"), evidence.verdict["limits"]
    if carries_banner(card, evidence.index) and not tells_limits(card, evidence.index, limits):
        yield f"{CARD} does not tell the limits of {VERDICT} after its licence"


def _words(licence: Licence) -> str:
    return f"{licence.expression} ({licence.use})"
