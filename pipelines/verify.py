"""Prove a fetched run whole: every artifact against its manifest, and whatever they were made from is there.

python -m pipelines.verify result

The folder is a copy of a run's prefix in the store. KFP uploads files one by one and without checksums; here each is
held against the digest that the step sealed it with, and each digest that a manifest names as an input is looked for.
"""

from potstill.entry import begin

if __name__ == "__main__":
    begin()

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from potstill.arguments import parse
from potstill.artifacts import KINDS, MANIFEST, REPORT, TOKENS, UNSEALED, Artifact, expect
from potstill.errors import ArtifactError, PotstillError
from potstill.one_line import one_line

# Files of a run that no step seals: KFP's own, and validate's beside its report.
NOT_SEALED = {
    "executor-logs", "executor_output.json", "metrics", "confusion", "page", "markdown", "card", "figures", "judgement",
}  # fmt: skip


def verify(folder: Path) -> dict[Path, Artifact]:
    """Check every sealed folder below a folder, and that nothing is there or lacking beside them.

    Args:
        folder: a copy of the run's prefix.

    Returns: the artifacts by their folders, in the order of their paths.

    Raises:
        ArtifactError: there is none, one of them is not as it was sealed or was made from one that is not there, or a
            file belongs to none of them.
    """
    sealed = [manifest.parent for manifest in sorted(folder.rglob(MANIFEST))]
    if not sealed:
        raise ArtifactError(f"{folder} holds no {MANIFEST}; copy the run's prefix there, as docs/cluster.md has it")
    _refuse_strays(folder, set(sealed))
    found = {path: expect(path, *KINDS) for path in sealed}
    _refuse_gaps(folder, found)
    return found


def outside(found: Iterable[Artifact]) -> dict[str, str]:
    """Tell what a run was given from outside, by digest: what tokens were made from, the imported data and start."""
    return {digest: name for each in found if each.kind == TOKENS for name, digest in sorted(each.inputs.items())}


def _refuse_strays(folder: Path, sealed: set[Path]) -> None:
    files = [path for path in sorted(folder.rglob("*")) if path.is_symlink() or not path.is_dir()]
    strays = [
        str(path.relative_to(folder))
        for path in files
        if path.name == UNSEALED or not (sealed & set(path.parents) or path.name in NOT_SEALED)
    ]
    if strays:
        raise ArtifactError(
            f"{folder} holds {len(strays)} files of no sealed artifact, as {one_line(strays[0])}: its {MANIFEST} is "
            "not here, or its step did not end; copy the prefix again, or remove what is not of the run"
        )


def _refuse_gaps(folder: Path, found: Mapping[Path, Artifact]) -> None:
    known = {each.digest for each in found.values()} | outside(found.values()).keys()
    gaps = [
        f"{path.relative_to(folder)} was made from {name} {digest}"
        for path, each in found.items()
        for name, digest in each.inputs.items()
        if digest not in known
    ]
    if gaps:
        raise ArtifactError(
            f"{one_line(gaps[0])}, which is not in {folder}; copy that step's folder, too: a step that KFP took from "
            "its cache is under the prefix of the run that did it"
        )


def main(arguments: list[str] | None = None) -> int:
    """Verify from the command line; → 0, or 2 with one line on stderr.

    Args:
        arguments: as on the command line; None: those.
    """

    def command(folder: Path, /) -> None:
        """Prove a fetched run whole: every artifact against its manifest, and what they were made from is there.

        Args:
            folder: A copy of the run's prefix in the store.
        """
        found = verify(folder)
        for path, artifact in found.items():
            print(f"{artifact.digest}  {artifact.kind:<18} {path.relative_to(folder)}")
        here = {artifact.digest for artifact in found.values()}
        for digest, name in outside(found.values()).items():
            if digest not in here:
                print(f"{digest}  {'from outside':<18} {name}")
        if REPORT not in {artifact.kind for artifact in found.values()}:
            print("potstill: warning: no report is here; validate was not copied, or has not run", file=sys.stderr)

    try:
        parse(command, prog="python -m pipelines.verify", args=arguments)()
    except PotstillError as refused:
        print(f"potstill: error: {refused}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
