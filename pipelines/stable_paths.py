"""Stable paths in the folder of a run: KFP's own folders below it are named by the time of the run."""

import shutil
import tempfile
from pathlib import Path

from potstill.artifacts import BUNDLE
from potstill.output_folder import discard


def link(output: Path, place: Path) -> None:
    """Point a stable path at an output; where it lies below, the folder of the run can be moved."""
    if place.is_symlink():
        place.unlink()
    target, folder = output.resolve(), place.parent.resolve()
    place.symlink_to(target.relative_to(folder) if target.is_relative_to(folder) else target)


def hand_over(bundle: Path, place: Path) -> None:
    """Copy the signed bundle to a stable path, which it has only when it is whole.

    It is what others are given. A link would lead them nowhere, and one who tries the proof by changing a byte would
    change the original.
    """
    with tempfile.TemporaryDirectory(dir=place.parent) as temporary:
        whole = shutil.copytree(bundle, Path(temporary) / place.name, copy_function=shutil.copyfile)
        whole.rename(place)


def take_back(place: Path) -> None:
    """Delete the bundle of an earlier run: it may be of another model.

    Raises:
        ArtifactError: something else lies there, or files in it that potstill did not write.
    """
    if place.is_symlink():  # as earlier versions left it
        place.unlink()
    discard(place, BUNDLE)
