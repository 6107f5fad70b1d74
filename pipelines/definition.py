"""What a run was asked to do, as an artifact: the compiled pipeline, its parameters, the lock and the images.

A release carries it, so that whoever audits the model can see what was to happen, and make it happen again. A run on
this machine writes its own. For a run on a cluster it is written beforehand and copied to the store:

    python -m pipelines.definition --pipeline compress --params pipelines/params/demo.yaml --out definition
"""

from potstill.entry import begin

if __name__ == "__main__":
    begin()  # kfp takes seconds to load, and Ctrl-C may come before it has

import json
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import rfc8785
from kfp import compiler

from pipelines.parameters import Values, gather_settings, parse_settings, read_params
from pipelines.placement import placed
from pipelines.placement_file import read_placement
from pipelines.prepared import prepare
from potstill.arguments import parse
from potstill.artifacts import DEFINITION, Artifact, expect, seal
from potstill.commands import STAGES
from potstill.errors import OptionError, PotstillError
from potstill.evidence.layout import AFTER, IMAGES, JUDGE, PARAMETERS
from potstill.licences import Licence
from potstill.os_failures import explain
from potstill.output_folder import creating
from potstill.provenance import maker

REQUIREMENTS = Path(__file__).resolve().parents[1] / "requirements"
JUDGING = ("budgets", "robustness_rows")  # parameters that nothing but validate reads
KUBEFLOW, LOCAL = "kubeflow-pipelines", "local"
LICENCE = Licence("Apache-2.0", "open")  # as the pipelines' source, which it is compiled from
EXECUTOR = re.compile(r"exec-(?P<stage>.+?)(-\d+)?")  # KFP numbers a component that is used again


@dataclass(frozen=True)
class DefinitionConfig:
    """What is defined."""

    pipeline: str
    """The pipeline's name."""
    runs_on: str
    """kubeflow-pipelines, or local: KFP's own runner on somebody's machine."""


@dataclass(frozen=True)
class JudgedAnewConfig(DefinitionConfig):
    """What is defined, of a run that is judged again."""

    judged_on: str
    """What validate runs on now."""
    judged_anew: str
    """Digest of the definition that the run had when it made the models."""


def write_definition(pipeline: Any, arguments: Values, out: Path, *, in_images: bool, runs_on: str = LOCAL) -> Artifact:
    """Write what a run is asked to do; the same parameters give the same bytes, wherever they are given.

    Args:
        pipeline: the compiled pipeline object, placed where it runs.
        arguments: its parameters by name. URIs are left out: they name places, and digests name what lay there.
        out: where `definition/v1` is written: pipeline.yaml, parameters.json, requirements.txt, images.json.
        in_images: whether each step runs in its image. Else it runs in the Python of this machine, and images.json
            is empty.
        runs_on: KUBEFLOW or LOCAL. A release tells it as the builder; it is declared here, and proved by nobody.
    """
    with creating(out, DEFINITION):
        compiler.Compiler().compile(pipeline, package_path=str(out / "pipeline.yaml"))
        told = {name: each for name, each in arguments.items() if not name.endswith("_uri")}
        (out / PARAMETERS).write_bytes(rfc8785.dumps(told) + b"\n")
        (out / "requirements.txt").write_text(_locked(), encoding="utf-8")
        (out / IMAGES).write_bytes(rfc8785.dumps(images_of(pipeline) if in_images else {}) + b"\n")
        made_by = _made_by(DefinitionConfig(pipeline.name, runs_on))
        return seal(out, DEFINITION, made_by, {}, {"pipeline": pipeline.name}, LICENCE)


def judged_by(definition: Path, given: Values, out: Path) -> Artifact:
    """Write a definition anew for a run that is judged again here: what made the models stays, what judges is new.

    The compiled pipeline and the lock are those of the run. Of validate the parameters are those that it gets now, and
    no image is named: it runs in the Python of this machine, as all that comes after it. The definition says so, and
    names the first one by its digest.

    Args:
        definition: `definition/v1` of the run.
        given: parameters of the pipeline that judges; what it was not given stands at its default.
        out: where the new `definition/v1` is written.

    Raises:
        ArtifactError: the definition is not sealed, or not whole.
    """
    run = expect(definition, DEFINITION)
    kept = {name: each for name, each in parameters_of(definition).items() if name not in JUDGING}
    asked = {name: given[name] for name in JUDGING if given.get(name, "") != ""}
    images = json.loads((definition / IMAGES).read_bytes())
    ran = {stage: image for stage, image in images.items() if stage not in (JUDGE, *AFTER)}
    with creating(out, DEFINITION, definition):
        for each in run.files:
            shutil.copyfile(definition / each.path, out / each.path)
        (out / PARAMETERS).write_bytes(rfc8785.dumps(kept | asked) + b"\n")
        (out / IMAGES).write_bytes(rfc8785.dumps(ran) + b"\n")
        told = run.made_by["config"]
        config = JudgedAnewConfig(told["pipeline"], told["runs_on"], judged_on=LOCAL, judged_anew=run.digest)
        return seal(out, DEFINITION, _made_by(config), {}, run.meaning, LICENCE)


def parameters_of(definition: Path) -> Values:
    """Read the parameters of a sealed definition."""
    found: Values = json.loads((definition / PARAMETERS).read_bytes())
    return found


def images_of(pipeline: Any) -> dict[str, str]:
    """Name the image of every stage that a compiled pipeline runs; what only launches one elsewhere is no stage."""
    executors: Mapping[str, Any] = dict(pipeline.pipeline_spec.deployment_spec)["executors"]
    found = {}
    for name, each in executors.items():
        if (stage := EXECUTOR.fullmatch(name)) and stage["stage"] in STAGES:
            found[stage["stage"]] = str(each["container"]["image"])
    return found


def _made_by(config: DefinitionConfig) -> dict[str, Any]:
    own = {"libraries": {"kfp": version("kfp")}, "processor": {}}  # what else is loaded here shapes no byte of it
    return {**maker("definition", config), **own}


def _locked() -> str:
    """Every locked package, with the build of PyTorch that is installed here."""
    flavour = "cpu" if version("torch").endswith("+cpu") or sys.platform != "linux" else "cuda"
    return "".join((REQUIREMENTS / name).read_text(encoding="utf-8") for name in ("lock.txt", f"torch-{flavour}.txt"))


def main(arguments: list[str] | None = None) -> int:
    """Write a definition from the command line; → 0, or 2 after a refusal, with one line on stderr.

    Args:
        arguments: as on the command line; None: those.
    """

    def command(
        out: Path,
        pipeline: str = "compress",
        params: Path | None = None,
        set: tuple[str, ...] = (),  # noqa: A002 — the option's name
        placement: Path | None = None,
    ) -> None:
        """Write what a run on a cluster is asked to do, for its release.

        Args:
            out: Folder of the definition. Copy it to the store, and pass it as --set definition_uri=s3://….
            pipeline: Which pipeline: compress, assisted or export-only.
            params: YAML file of parameters, as the run gets it.
            set: Further parameters, as name=value.
            placement: YAML file of where steps run, as the run gets it.
        """
        chosen = _pipelines()
        if pipeline not in chosen:
            raise OptionError(f"pipeline must be one of {', '.join(chosen)}, got {pipeline!r}")
        values = (read_params(params) if params else {}) | parse_settings(set)
        there = placed(chosen[pipeline], read_placement(placement)) if placement else chosen[pipeline]
        given = prepare(there, {"data": "-", "start": "-"} | values)
        print(write_definition(there, given.arguments, out, in_images=True, runs_on=KUBEFLOW).digest)

    try:
        parse(
            command,
            prog="python -m pipelines.definition",
            args=gather_settings(sys.argv[1:] if arguments is None else arguments),
        )()
    except PotstillError as refused:
        print(f"potstill: error: {refused}", file=sys.stderr)
        return 2
    except OSError as failed:  # a full disk, a folder that may not be written
        print(f"potstill: error: {explain(failed, 'definition')}", file=sys.stderr)
        return 2
    return 0


def _pipelines() -> dict[str, Any]:
    """The pipelines that make a model; one that releases carries the definition of the run that made it."""
    from pipelines.assisted import assisted  # noqa: PLC0415 - pipelines import what runs them, and that this file
    from pipelines.compress import compress  # noqa: PLC0415 - likewise
    from pipelines.export_only import export_only  # noqa: PLC0415 - likewise

    return {"compress": compress, "assisted": assisted, "export-only": export_only}


if __name__ == "__main__":
    raise SystemExit(main())
