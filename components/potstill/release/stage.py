"""The stage: models, report, verdict and the whole lineage in, a release with its evidence out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from potstill.artifacts import RELEASE, Artifact, scan, seal
from potstill.evidence.card import with_banner
from potstill.evidence.index import Index, Listed
from potstill.evidence.layout import CARD, FIGURES, INDEX, PAGE, VERDICT
from potstill.evidence.lineage import Lineage
from potstill.evidence.papers import papers_of
from potstill.evidence.replacing import refuse_other_release
from potstill.evidence.shipped import refuse_other_files
from potstill.evidence.whole import evidence_of
from potstill.licences import strictest
from potstill.measure.measures import Measures
from potstill.output_folder import creating
from potstill.progress import tell
from potstill.provenance import maker
from potstill.release.config import ReleaseConfig
from potstill.release.copying import copy_artifacts, copy_manifests, refuse_strange_names, write_bytes
from potstill.release.inputs import Papers, expect_inputs, read_papers, shipped_artifacts
from potstill.release.judged_again import refuse_other_verdict


def release_model(
    report: Path,
    model: Path,
    judgement: Path,
    figures: Path,
    page: Path,
    card: Path,
    released: Path,
    config: ReleaseConfig,
    onnx: Path | None = None,
    package: Path | None = None,
    definition: Path | None = None,
    ancestors: tuple[Path, ...] = (),
) -> Measures:
    """Put a model into one folder with all evidence of how it was made, what it can do, and what it may be used for.

    Every artifact of the lineage is given, and read whole: an unknown ancestor is refused. The verdict is judged again
    from the figures.

    Args:
        report: `report/v1` of validate.
        model: `checkpoint/v1`, the last one, which the report judged.
        judgement: the verdict that validate wrote beside the report.
        figures: all figures that validate wrote beside it, JSON.
        page: the HTML page that validate wrote beside it.
        card: the model card that validate wrote beside it.
        released: where `release/v1` is written.
        config: the options.
        onnx: `onnx/v1` made from the model.
        package: `coreml/v1` made from the model.
        definition: `definition/v1`: compiled pipeline, parameters, lock, images.
        ancestors: every other artifact of the lineage: data, start, tokens, teachers and their outputs, students.

    Returns: artifacts of the lineage, files and bytes of the release, whether the verdict is a pass.

    Raises:
        ArtifactError: an input is not sealed, of another kind, changed, missing, or nobody's ancestor; or facts
            contradict one another.
        InputError: the verdict, the figures, page or card are not those of the report.
        OptionError: a verdict that is no pass and no override, an override of a pass, or a format that is not given.
    """
    config.require_names()
    inputs = expect_inputs(report, model, onnx, package, definition, ancestors)
    papers = read_papers(judgement, figures, page, card, inputs["report"])
    papers.require_pass_or(config.override)
    refuse_other_verdict(papers, report)
    ships = shipped_artifacts(inputs, config.asked(), papers.verdict["final"])
    index = _index(inputs, ships, papers, config)
    places = [each.path for each in inputs.values()]
    refuse_other_release(released, index)
    with creating(released, RELEASE, *places, judgement, figures, page, card):
        copy_artifacts(released, ships)
        copy_manifests(released, inputs.values())
        _write_papers(released, papers, index)
        evidence = evidence_of(released)
        for path, data in papers_of(evidence).items():
            write_bytes(released / path, data)
        files = scan(released)
        refuse_other_files(evidence, files)
        refuse_strange_names(files)
        sealed = seal(released, RELEASE, maker("release", config), inputs, _meaning(index))
    tell(f"{index.name} {index.version}: {index.verdict}, {index.licence.expression} ({index.licence.use})")
    return {
        "artifacts": float(len(index.artifacts)),
        "files": float(len(sealed.files)),
        "bytes": float(sealed.bytes),
        "passed": float(not index.override),
    }


def _index(
    inputs: Mapping[str, Artifact], ships: Mapping[str, Artifact], papers: Papers, config: ReleaseConfig
) -> Index:
    """Say what is released, and what is behind it."""
    every = {each.digest: each for each in inputs.values()}
    lineage = [every[digest] for digest in Lineage.of(every).order]
    return Index(
        name=config.release_name,
        version=config.version,
        verdict=papers.verdict["verdict"],
        override=config.override,
        licence=strictest(each.licence for each in lineage),
        artifacts=tuple(Listed(each.digest, each.kind, each.made_by["stage"]) for each in lineage),
        ships={folder: each.digest for folder, each in ships.items()},
    )


def _write_papers(released: Path, papers: Papers, index: Index) -> None:
    """Write what validate wrote, byte for byte; only the card gets the release's banner before it."""
    write_bytes(released / INDEX, index.to_bytes())
    write_bytes(released / VERDICT, papers.judgement)
    write_bytes(released / FIGURES, papers.figures)
    write_bytes(released / PAGE, papers.page)
    write_bytes(released / CARD, with_banner(papers.card, index, papers.verdict["limits"]).encode())


def _meaning(index: Index) -> dict[str, Any]:
    return {
        "name": index.name,
        "version": index.version,
        "verdict": index.verdict,
        "override": index.override,
        "ships": dict(index.ships),
    }
