"""A run on a cluster: the pipeline goes to Kubeflow Pipelines, with parameters that were checked here first."""

import sys
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from kfp import compiler

from pipelines.definition import images_of
from pipelines.follow import follow
from pipelines.kfp_host import KfpHost
from pipelines.parameters import SOURCES, Values
from pipelines.placement import placed
from pipelines.placement_file import Placement, read_placement
from pipelines.prepared import Prepared, prepare
from potstill.errors import OptionError
from potstill.one_line import one_line
from potstill.store.s3 import SCHEME, is_s3, masked, split

STEPS = {
    "data": "potstill import-data --source {source} --out data",
    "start": "potstill import-checkpoint --source {source} --out start",
}


class Submission(NamedTuple):
    """How a run is sent.

    Attributes:
        host: address of KFP, as http://localhost:8080.
        experiment: under which the run is listed.
        namespace: of the user, where KFP has several; empty where it has one.
        placement: file of where steps run; None is as on the kind cluster.
        fresh: do not use results of earlier runs.
        wait: stay until the run has ended, and tell its steps.
    """

    host: str
    experiment: str
    namespace: str
    placement: Path | None
    fresh: bool
    wait: bool


def send(pipeline: Any, values: Values, how: Submission) -> int:
    """Send a pipeline to KFP; print the run's URL on stdout.

    Args:
        pipeline: the compiled pipeline object.
        values: parameters by name, and the sources `data` and `start`, both s3://… URIs.
        how: where to, and whether to wait.

    Returns: 0 sent, or done; 1 the run failed or was cancelled.

    Raises:
        PotstillError: a parameter, a source or the placement is refused, or KFP cannot be reached or refuses.
    """
    placement = read_placement(how.placement) if how.placement else Placement()
    arguments = _on_a_cluster(prepare(pipeline, values))
    there = placed(pipeline, placement) if how.placement else pipeline
    for line in _warnings(there, arguments):
        print(f"potstill: warning: {line}", file=sys.stderr)
    host = KfpHost(how.host, how.namespace)
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / f"{pipeline.name}.yaml"
        compiler.Compiler().compile(there, package_path=str(package))
        run = host.create_run(
            package,
            arguments,
            name=f"{pipeline.name} {datetime.now().astimezone():%Y-%m-%d %H-%M-%S}",
            experiment=how.experiment,
            service_account=placement.service_account,
            fresh=how.fresh,
        )
    print(host.url(run), flush=True)
    return follow(host, run, _names(there)) if how.wait else 0


def _on_a_cluster(given: Prepared) -> Values:
    """Return the arguments with the sources' URIs, when every place is one that pods can read.

    Raises:
        OptionError: names every place that is not in the store, and how it gets there.
    """
    wanted = {name: given.sources[name] for name in SOURCES if f"{name}_uri" in given.types}
    offences = [_not_there(name, source) for name, source in wanted.items() if not _in_store(source)]
    offences += _out_of_reach(given.arguments)
    if given.arguments.get("release_name") and not given.arguments.get("definition_uri"):
        offences.append(
            "release_name needs a definition in the store; run `python -m pipelines.definition --out definition` "
            f"with the same --params and --set, copy it there, and pass --set definition_uri={SCHEME}BUCKET/definition"
        )
    if offences:
        raise OptionError(one_line("; ".join(offences)))
    return given.arguments | {f"{name}_uri": uri.rstrip("/") for name, uri in wanted.items()}


def _out_of_reach(arguments: Values) -> list[str]:
    """Say of every place among the parameters why no pod can use it."""
    named = {name: str(arguments[name]) for name in arguments if name.endswith("_uri") and arguments[name]}
    checkpoints = named.pop("checkpoint_uri", "")
    offences = [
        f"{name} {masked(uri)} is no folder in the store, and pods read no other; pass --set {name}={SCHEME}BUCKET/…"
        for name, uri in named.items()
        if not _in_store(uri)
    ]
    if checkpoints and not is_s3(checkpoints):
        offences.append(f"checkpoint_uri {checkpoints} is gone with the pod; give {SCHEME}bucket/…")
    place = str(arguments.get("release_place", ""))
    if place and not is_s3(place):
        offences.append(f"release_place {place} is gone with the pod; give {SCHEME}bucket/…")
    return offences


def _in_store(source: str) -> bool:
    return is_s3(source) and bool(split(source)[1].strip("/"))


def _not_there(name: str, source: str) -> str:
    if is_s3(source):
        return f"--{name} {source} is a whole bucket; give the folder in it, as {SCHEME}bucket/{name}"
    known, _, revision = source.partition("@")
    seal = STEPS[name].format(source=known) + (f" --revision {revision}" if revision else "")
    there = f"{SCHEME}BUCKET/{name}"
    copy = f"aws s3 cp --recursive {name} {there}"
    return f"--{name} {masked(source)} is not in the store; run `{seal} && {copy}`, and pass --{name} {there}"


def _warnings(pipeline: Any, arguments: Values) -> list[str]:
    """What will run, and yet may surprise."""
    lines = []
    movable = sorted(image for image in _images(pipeline) if "@sha256:" not in image)
    if movable:
        lines.append(
            f"{len(movable)} images go by tag, as {movable[0]}; KFP's cache knows them by that name alone, and serves "
            "stale results when a tag moves. A release has digests; --fresh goes without the cache"
        )
    if arguments.get("release_name") and "teacher-train" in images_of(pipeline):
        lines.append(
            "the release is signed in this run, whose steps all have one service account; pipelines.release in a run "
            "of its own has that of the signer (docs/pipelines/release.md)"
        )
    inputs = pipeline.component_spec.inputs
    open_ends = [name for name in ("data_digest", "start_digest") if name in inputs and not arguments.get(name)]
    if open_ends:
        lines.append(
            f"no {' and no '.join(open_ends)}: KFP's cache goes by URI, and other bytes under it go unseen; "
            f"--set {open_ends[0]}=… is the sha256 of the folder's artifact.json"
        )
    return lines


def _images(pipeline: Any) -> set[str]:
    executors = dict(pipeline.pipeline_spec.deployment_spec)["executors"]
    return {str(each["container"]["image"]) for each in executors.values() if "container" in each}


def _names(pipeline: Any) -> set[str]:
    """The tasks that the pipeline names, loops' included; KFP lists drivers and executors beside them."""
    spec = pipeline.pipeline_spec
    dags = [spec.root.dag, *(each.dag for each in spec.components.values() if each.HasField("dag"))]
    return {name for dag in dags for name in dag.tasks}
