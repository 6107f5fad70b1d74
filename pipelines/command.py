"""`python -m pipelines.<name>`: run a pipeline on this machine, or send it to a cluster, and tell what came of it."""

import os
import shutil
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import tyro
from docker import from_env
from docker.errors import DockerException
from kfp import local

from pipelines.definition import judged_by, write_definition
from pipelines.finished_run import artifacts_of
from pipelines.parameters import Values, describe, gather_settings, parse_settings, read_params, with_defaults
from pipelines.prepared import prepare
from pipelines.release_request import require_signer
from pipelines.run_log import RunLog
from pipelines.sources import stage_input, stage_inputs
from pipelines.stable_paths import take_back
from pipelines.submit import Submission, send
from pipelines.summary import BUNDLE, bundle_of, figures_of, finish, newest, stages_of
from potstill.arguments import parse
from potstill.artifacts import DEFINITION, Artifact
from potstill.errors import InputError, OptionError, PotstillError
from potstill.exclusive import exclusive
from potstill.interrupts import STOPPED, stop_by_exception, stop_no_more
from potstill.os_failures import explain
from potstill.provenance import source_digest

LOG = "run.log"
CHECKPOINTS = "checkpoints"  # with them a run that is stopped goes on in the middle of a training
EXPERIMENT = "potstill"
ELSEWHERE = (
    "--run is a folder of this machine, which pods cannot read; give the URI of each artifact in the store instead: "
    "docs/pipelines/release.md shows how"
)


def main(pipeline: Any, arguments: list[str] | None = None) -> int:
    """Run a pipeline from the command line.

    Args:
        pipeline: the compiled pipeline object.
        arguments: as on the command line; None: those.

    Returns: 0 done, or sent; 1 the verdict is not a pass, or a step failed; 2 refused, with one line on stderr;
        130 stopped.
    """

    def command(
        params: Path | None = None,
        out: Path | None = None,
        data: str = "",
        start: str = "",
        run: Path | None = None,
        set: tuple[str, ...] = (),  # noqa: A002 — the option's name
        local: bool = False,
        docker: bool = False,
        fresh: bool = False,
        submit: str | None = None,
        placement: Path | None = None,
        experiment: str = EXPERIMENT,
        namespace: str = "",
        wait: bool = False,
    ) -> int:
        """Run the pipeline here, on KFP's own local runner; or on a cluster, with --submit.

        Args:
            params: YAML file of parameters; pipelines/params/ has examples.
            out: Folder of the run; the default is runs/<name of the params file>.
            data: Table of texts instead of the file's: a file, a folder, s3://…, or a known set. On a cluster:
                s3://bucket/folder, sealed by `potstill import-data` and copied there.
            start: Pretrained encoder instead of the file's: a folder, org/name@<40-digit commit>, or a known one. On a
                cluster: s3://bucket/folder, sealed by `potstill import-checkpoint` and copied there.
            run: Folder of a finished run whose artifacts the pipeline begins with: for the release pipeline.
            set: Further parameters, as name=value.
            local: Run every step in a process of this Python. This is the default.
            docker: Run every step in its own image instead; needs a Docker daemon and the images.
            fresh: Do not use results of earlier runs.
            submit: Run it on a cluster instead: address of Kubeflow Pipelines, as http://localhost:8080. Prints the
                run's URL. A token, where one is asked for, is read from the file that KF_PIPELINES_SA_TOKEN_PATH names.
            placement: With --submit: YAML file of where steps run (GPUs, memory, nodes, secrets);
                pipelines/params/placement/ has examples. The default suits the kind cluster of docs/cluster.md.
            experiment: With --submit: under what name KFP lists the run.
            namespace: With --submit: yours, where KFP serves several users.
            wait: With --submit: stay until the run has ended, and tell its steps; the exit code is then the run's.
        """
        places = {"--local": local, "--docker": docker, "--submit": submit is not None}
        chosen = [name for name, given in places.items() if given]
        if len(chosen) > 1:
            raise OptionError(f"{' and '.join(chosen)} exclude each other; choose one")
        if run and submit is not None:
            raise OptionError(ELSEWHERE)
        values = (read_params(params) if params else {}) | parse_settings(set)
        values = (artifacts_of(run, pipeline.component_spec.inputs) if run else {}) | values
        values |= {name: value for name, value in (("data", data), ("start", start)) if value}
        if submit is not None:  # an empty one, as of a variable that is not set, is refused and runs nothing here
            _refuse_unused("a run on a cluster", out=out)
            return send(pipeline, values, Submission(submit, experiment, namespace, placement, fresh, wait))
        _refuse_unused("a run without --submit", placement=placement, namespace=namespace, wait=wait)
        folder = out or Path("runs") / (params.stem if params else pipeline.name)
        return run_here(pipeline, values, folder, docker=docker, fresh=fresh)

    try:
        call = parse(
            command,
            prog=f"python -m pipelines.{pipeline.name.removeprefix('potstill-').replace('-', '_')}",
            description=describe(pipeline.component_spec.inputs),
            args=gather_settings(sys.argv[1:] if arguments is None else arguments),
            config=(tyro.conf.FlagCreatePairsOff,),
        )
        stop_by_exception()
        return int(call())
    except PotstillError as refused:
        return _refuse(refused)
    except OSError as failed:  # a full disk, a folder that may not be written
        return _refuse(InputError(explain(failed, pipeline.name)))
    except KeyboardInterrupt:
        stop_no_more()
        print("potstill: stopped; the same command goes on with the step that was stopped", file=sys.stderr)
        return STOPPED


def run_here(pipeline: Any, values: Values, folder: Path, *, docker: bool = False, fresh: bool = False) -> int:
    """Run a pipeline and write its summary.

    Args:
        pipeline: the compiled pipeline object.
        values: parameters by name, and the sources `data` and `start`.
        folder: of the run.
        docker: run each step in its own image.
        fresh: do not use results of earlier runs.

    Returns: 0 done; 1 the verdict is not a pass, or a step failed.

    Raises:
        PotstillError: a source or a parameter is refused, or another process is running in this folder.
    """
    given = prepare(pipeline, values)
    if given.arguments.get("release_name"):
        _refuse_docker(docker=docker)
        require_signer(with_defaults(given.arguments, pipeline.component_spec.inputs))
    runner = _docker() if docker else local.SubprocessRunner(use_venv=False)
    folder.mkdir(parents=True, exist_ok=True)
    with exclusive(folder / LOG, folder):
        return _run(pipeline, runner, given.arguments, given.sources, folder, fresh=fresh, docker=docker)


def _run(
    pipeline: Any, runner: Any, arguments: Values, sources: dict[str, str], folder: Path, *, fresh: bool, docker: bool
) -> int:
    types, root = pipeline.component_spec.inputs, folder.resolve() / "kfp"
    staged = stage_inputs(sources, types, root / "inputs")
    arguments |= {f"{name}_uri": str(artifact.path) for name, artifact in staged.items()}
    arguments |= {f"{name}_digest": artifact.digest for name, artifact in staged.items() if f"{name}_digest" in types}
    if "definition_uri" in types:
        staged["definition"] = _stage_definition(pipeline, arguments, root / "inputs", in_images=docker)
        arguments["definition_uri"] = str(staged["definition"].path)
    if "checkpoint_uri" in types and not docker:
        arguments.setdefault("checkpoint_uri", (root / CHECKPOINTS).as_uri())
    # A thread that spins while it waits starves the other when a core is busy with something else: measured 1.7 times
    # slower training beside one busy process. It must be set before a step's libraries start.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # The cache's key knows images by name only; with the code's digest in the path, changed code is never served stale.
    local.init(
        runner,
        pipeline_root=str(root),
        enable_caching=not fresh,
        cache_root=str(root / "cache" / source_digest()[:16]),
    )
    with _without_retries(pipeline.pipeline_spec):
        passed = _execute(pipeline, arguments, folder, {name: each.path for name, each in staged.items()})
    if passed == 0:  # every training has ended, and what it made is in the cache
        shutil.rmtree(root / CHECKPOINTS, ignore_errors=True)
    return passed


def _stage_definition(pipeline: Any, arguments: Values, root: Path, *, in_images: bool) -> Artifact:
    """Write what this run is asked to do; or, of a run that is judged again, what that was, and how it is judged."""
    given, earlier = dict(arguments), arguments.get("definition_uri", "")
    if earlier:
        return stage_input("", DEFINITION, lambda made: judged_by(Path(earlier), given, made), root)
    return stage_input("", DEFINITION, lambda made: write_definition(pipeline, given, made, in_images=in_images), root)


@contextmanager
def _without_retries(spec: Any) -> Iterator[None]:
    """Let a step that fails fail at once, while the block runs: retries are for machines that a cluster takes away."""
    compiled = type(spec).FromString(spec.SerializeToString())
    for dag in (spec.root.dag, *(each.dag for each in spec.components.values())):
        for task in dag.tasks.values():
            task.ClearField("retry_policy")
    try:
        yield
    finally:
        spec.CopyFrom(compiled)


def _docker() -> Any:
    """KFP's DockerRunner, once a daemon has answered."""
    try:
        from_env().ping()
    except DockerException as absent:
        raise InputError(f"no Docker daemon answers ({absent}); start one, or run without --docker") from absent
    return local.DockerRunner(user=f"{os.getuid()}:{os.getgid()}")  # what a step writes belongs to who asked for it


def _refuse_docker(*, docker: bool) -> None:
    """Refuse to sign under KFP's DockerRunner: it gives every step the same mounts, and so every step the key.

    Raises:
        OptionError: that is asked for.
    """
    if docker:
        raise OptionError(
            "--docker would hand the signing key to every step; run without release_name, and release the run with "
            "`python -m pipelines.release --run FOLDER`"
        )


def _execute(pipeline: Any, arguments: Values, folder: Path, staged: Mapping[str, Path]) -> int:
    take_back(folder / BUNDLE)
    log_path = folder / LOG
    outputs: dict[str, Any] = {}
    with warnings.catch_warnings(), RunLog(log_path) as log:
        # Our images are no stock Python images; under the subprocess runner that is meant.
        warnings.filterwarnings("ignore", message="You may be attemping to run a task", category=RuntimeWarning)
        # Requests for CPU and memory are for a cluster.
        warnings.filterwarnings("ignore", message="Task .* have no effect in the current local", category=UserWarning)
        try:
            with redirect_stdout(log):
                outputs = dict(pipeline(**arguments).outputs)
        except RuntimeError as failed:  # KFP's word for a step that did not succeed
            log.write(f"{failed}\n")
            print(f"the run did not pass; its whole log is {log_path}", file=sys.stderr)
    cached = [stage for stage in stages_of(outputs) if stage not in log.ran]
    if cached:
        print(f"▸ from the cache of earlier runs: {', '.join(cached)}", file=sys.stderr)
    made = {stage: newest(folder / "kfp", stage) for stage in ("validate", "sign") if stage in log.ran}
    if bundle := bundle_of(made.get("sign")):
        staged = {**staged, BUNDLE: bundle}
    return finish(folder, outputs, log.places or figures_of(made.get("validate")), staged)


def _refuse_unused(place: str, **options: object) -> None:
    """Refuse options that would change nothing where the run goes.

    Raises:
        OptionError: names all of them.
    """
    unused = [f"--{name}" for name, given in options.items() if given]
    if unused:
        raise OptionError(f"{', '.join(unused)} means nothing to {place}; leave it out")


def _refuse(why: PotstillError) -> int:
    print(f"potstill: error: {why}", file=sys.stderr)
    return 2
