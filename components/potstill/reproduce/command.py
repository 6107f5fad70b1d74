"""`potstill reproduce`: is the release what its evidence says? Every stage is run again, and digest meets digest."""

import shutil
import time
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from potstill.artifacts import scan, sha256_of
from potstill.errors import ArtifactError, InputError
from potstill.evidence.layout import INDEX
from potstill.evidence.shipped import refuse_other_files
from potstill.evidence.whole import evidence_of
from potstill.one_line import refused_in_one_line
from potstill.progress import tell
from potstill.reproduce.given import fetch_given, find_given
from potstill.reproduce.here import Machine, doubtful, look_at, unequal
from potstill.reproduce.originals import Originals
from potstill.reproduce.plan import Plan, plan_of
from potstill.reproduce.recipe import command_of
from potstill.reproduce.running import environment_of
from potstill.reproduce.table import lines_of, title_of
from potstill.reproduce.work import GOOD, Work
from potstill.reproduce.workplace import refuse_workplace, workplace
from potstill.told import DIFFERENT, SAME, Told

MEGABYTE = 1_000_000


@refused_in_one_line()
def reproduce_bundle(
    bundle: Annotated[Positional[Path], arg(metavar="BUNDLE")],
    artifacts: Path | None = None,
    out: Path | None = None,
    keep: bool = False,
    other_code: bool = False,
) -> Told:
    """Run every stage of a release again from its evidence alone, and compare digests, stage by stage.

      potstill reproduce runs/bundle --artifacts runs/demo --out runs/again

    Options and inputs come from the manifests in the release; nothing that the first run made is read, but for the data
    and the starting checkpoints, which no stage makes. It stops at the first stage that comes out another way, and says
    what differs inside. The exit code is 0 when all are equal, 1 when one is not, 2 when the work is refused.

    Before anything is looked for, the models, the report and the definition in the release are held to the manifests,
    file by file: so equal digests are those of the very files that ship.

    Args:
        bundle: a release or a signed bundle. Who signed it is not asked here: potstill verify proves that.
        artifacts: a folder with the data and the starting checkpoint, sealed, at any depth; known sets by name are
            imported again where they are not in it.
        out: the folder to work in, which is kept; run again, what it holds with the right digest counts as done.
            Without it a temporary folder is used.
        keep: keep the temporary folder, too.
        other_code: go on where other code, libraries or instructions than the first run's have every digest differ:
            then files, options and meaning are compared, and not who made them.

    Raises:
        InputError: no release, or evidence that cannot be read.
        ArtifactError: files that ship and are not those of the manifests, evidence that is no recipe, artifacts that
            are not at hand, digests that cannot come out equal here, or too little room.
    """
    if not bundle.is_dir():
        raise InputError(f"{bundle} is not a folder; wanted is a release or a bundle as potstill wrote it")
    started = time.monotonic()
    plan = plan_of(evidence_of(bundle))
    release = sha256_of(bundle / INDEX)
    refuse_workplace(out, release)
    refuse_other_files(plan.evidence, scan(bundle))  # whose digests are compared below
    originals = Originals(artifacts)
    found = find_given(plan, originals)
    machine = _look(plan, other_code=other_code)
    with workplace(out, release, keep=keep) as folder:
        _tell_room(plan, folder, fresh=out is None)
        given = [fetch_given(each, found[each.digest], plan.folder_of(each, folder), machine) for each in plan.given]
        work = Work(plan, folder, machine, originals, other_code)
        done = list(work.run({each.artifact.digest: each.path for each in given}))
    good = all(each.outcome in GOOD for each in done)
    lines = list(lines_of(plan, given, done, time.monotonic() - started))
    return Told([*lines, *_kept(folder, good=good)], SAME if good else DIFFERENT)


def _look(plan: Plan, *, other_code: bool) -> Machine:
    """Refuse what cannot be run or cannot come out equal, before anything is run."""
    tell(f"{title_of(plan.evidence)}: {len(plan.made)} stages to run, {len(plan.given)} artifacts given")
    anywhere = {digest: Path("inputs") / digest for digest in plan.evidence.lineage.order}
    for each in plan.made:
        command_of(each, anywhere, Path("out"))
    machine = look_at(plan)
    for each in (*plan.given, *plan.made):
        environment_of(each, machine)
    reasons = unequal(plan, machine)
    if reasons and not other_code:
        raise ArtifactError(
            f"the digests cannot come out equal here: {'; '.join(reasons)}. Or pass --other-code, and files and "
            "options are compared in place of digests"
        )
    for reason in reasons:
        tell(f"digests cannot come out equal: {reason}")
    for doubt in doubtful(plan, machine):
        tell(f"digests may differ: {doubt}")
    return machine


def _tell_room(plan: Plan, folder: Path, *, fresh: bool) -> None:
    """Say how much room the work takes, and refuse it where there is less."""
    left = [each for each in plan.made if fresh or not plan.folder_of(each, folder).exists()]
    needed, free = sum(each.bytes for each in left), shutil.disk_usage(folder).free
    tell(f"{needed / MEGABYTE:,.0f} MB are written below {folder}; {free / MEGABYTE:,.0f} MB are free")
    if needed > free:
        raise ArtifactError(f"{folder} has room for {free:,} bytes, {needed:,} are needed; pass --out on a larger disk")


def _kept(folder: Path, *, good: bool) -> list[str]:
    if folder.exists():
        return [f"all of it lies in {folder}"]
    return [] if good else ["run it again with --out FOLDER to keep what was made, and look into it"]
