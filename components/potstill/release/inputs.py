"""What release reads: every artifact of the lineage, whole, and the papers that validate wrote beside its report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from potstill.artifacts import BUNDLE, CHECKPOINT, COREML, DEFINITION, KINDS, ONNX, RELEASE, REPORT, Artifact, expect
from potstill.errors import InputError, OptionError
from potstill.evidence.index import PASSED
from potstill.evidence.layout import DEFINITION_FOLDER, FORMATS, JUDGED_AS, REPORT_FOLDER
from potstill.evidence.lineage import Lineage
from potstill.evidence.verdict import read_verdict
from potstill.signing.strict_json import read_strict

CARD_END = "<!-- written by potstill validate -->\n"  # of every card that validate writes
PAGE_TITLE = "potstill report</title>"  # of every page that it writes
SHOWN = 3  # failures in a line, of dozens that there may be
ANCESTORS = tuple(kind for kind in KINDS if kind not in (RELEASE, BUNDLE, DEFINITION))
PARAMETER = {name: JUDGED_AS[folder] for name, folder in FORMATS.items()}  # format → the parameter of validate and here


@dataclass(frozen=True)
class Papers:
    """What validate wrote beside its sealed report, byte for byte, and what two of the files say."""

    judgement: bytes
    verdict: Mapping[str, Any]
    figures: bytes
    every: Mapping[str, Any]
    page: bytes
    card: str

    def require_pass_or(self, override: str) -> None:
        """Let a passed model through, and one that somebody answers for in so many words.

        Raises:
            OptionError: no pass and no override, or a pass and an override.
        """
        verdict = self.verdict["verdict"]
        if verdict != PASSED and not override:
            failures = [str(each) for each in self.verdict["failures"]]
            more = f"; and {len(failures) - SHOWN} more, which the report names" if len(failures) > SHOWN else ""
            raise OptionError(
                f"the verdict is {verdict}, which is not released: {'; '.join(failures[:SHOWN])}{more}. Mend the "
                "model, or pass --override (release_override of a pipeline) with the reason; it stands first on the "
                "card, and the attestations say FAILED"
            )
        if verdict == PASSED and override:
            raise OptionError("the verdict is pass, and there is nothing to override; leave --override out")


def expect_inputs(
    report: Path,
    model: Path,
    onnx: Path | None,
    package: Path | None,
    definition: Path | None,
    ancestors: Sequence[Path],
) -> dict[str, Artifact]:
    """Read every artifact, and prove that each is whole and that none is missing between them.

    Returns: artifacts by the name of their parameter; further ancestors once each, as `ancestors[0]` and so on, in the
        order of their making, whatever order they were given in.

    Raises:
        ArtifactError: not sealed, of another kind, changed; or an input of any of them that is not given.
    """
    named = {
        "report": (report, REPORT),
        "model": (model, CHECKPOINT),
        "onnx": (onnx, ONNX),
        "package": (package, COREML),
        "definition": (definition, DEFINITION),
    }
    found = {name: expect(path, kind) for name, (path, kind) in named.items() if path is not None}
    others = {each.digest: each for each in (expect(path, *ANCESTORS) for path in ancestors)}
    every = {**others, **{each.digest: each for each in found.values()}}
    own = {each.digest for each in found.values()}
    further = [digest for digest in Lineage.of(every).order if digest not in own]
    return found | {f"ancestors[{place}]": every[digest] for place, digest in enumerate(further)}


def read_papers(judgement: Path, figures: Path, page: Path, card: Path, report: Artifact) -> Papers:
    """Read what validate wrote beside its report.

    Raises:
        InputError: a file that cannot be read, that tells of another report, or that validate did not write.
    """
    read = {"judgement": judgement, "figures": figures, "page": page, "card": card}
    data = {name: _bytes_of(path, name) for name, path in read.items()}
    strangers = [f"{name} {read[name]}" for name, each in data.items() if report.digest.encode() not in each]
    if strangers:
        raise InputError(
            f"{', '.join(strangers)}: of another report than {report.path}, whose digest is {report.digest}; "
            "pass what validate wrote beside this report"
        )
    _refuse_foreign(data, read)
    every = read_strict(data["figures"], f"{figures}")
    if not isinstance(every, dict):
        raise InputError(f"{figures} holds no figures of validate")
    return Papers(
        judgement=data["judgement"],
        verdict=read_verdict(data["judgement"], f"{judgement}"),
        figures=data["figures"],
        every=every,
        page=data["page"],
        card=_text_of(data["card"], card),
    )


def _refuse_foreign(data: Mapping[str, bytes], read: Mapping[str, Path]) -> None:
    """Refuse a card and a page without the marks by which validate itself knows them again."""
    foreign = [] if data["card"].endswith(CARD_END.encode()) else ["card"]
    foreign += [] if data["page"].count(PAGE_TITLE.encode()) == 1 else ["page"]
    if foreign:
        told = ", ".join(f"{name} {read[name]}" for name in foreign)
        raise InputError(f"{told}: not written by validate; pass what it wrote beside this report, as it is")


def shipped_artifacts(inputs: Mapping[str, Artifact], asked: Sequence[str], final: str) -> dict[str, Artifact]:
    """Choose what is shipped: folder of the release → artifact.

    Args:
        inputs: by the name of their parameter.
        asked: formats by name; none: each that is given.
        final: the model that the verdict says ships.

    Raises:
        OptionError: a format that is not given, or none that holds the final model.
    """
    given = [name for name in FORMATS if PARAMETER[name] in inputs]
    absent = [each for each in asked if each not in given]
    if absent:
        flags = ", ".join(f"--{PARAMETER[each]}" for each in absent)
        raise OptionError(f"formats asks for {', '.join(absent)}, which are not given; pass {flags}")
    chosen = list(asked) or given
    if format_of(final) not in chosen:
        raise OptionError(
            f"the verdict is about {final}, and formats {','.join(chosen)} leaves it out; "
            f"pass {format_of(final)} among --formats, and --{PARAMETER[format_of(final)]}"
        )
    models = {FORMATS[name]: inputs[PARAMETER[name]] for name in FORMATS if name in chosen}
    definition = {DEFINITION_FOLDER: inputs["definition"]} if "definition" in inputs else {}
    return {**models, REPORT_FOLDER: inputs["report"], **definition}


def format_of(model: str) -> str:
    """The format that a model of the report is of, by its key there."""
    return next((name for name in ("onnx", "coreml") if model.startswith(f"{name}_")), "pytorch")


def _bytes_of(path: Path, name: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as broken:
        raise InputError(f"{name} {path} cannot be read ({broken.strerror}); pass what validate wrote") from broken


def _text_of(data: bytes, path: Path) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as broken:
        raise InputError(f"card {path} is not UTF-8; pass the model card that validate wrote") from broken
