"""Bundles as publish and releases see them, in small: sealed, indexed and with a signature's file.

Who signed is for verify to ask, so here nobody did; tests/signed.py makes bundles that are signed. These are made in a
few milliseconds, so that a test may race sixteen of them.
"""

import random
from collections.abc import Mapping
from pathlib import Path

from potstill.artifacts import BUNDLE, SIGNATURE, seal
from potstill.evidence.index import Index, Listed
from potstill.evidence.layout import INDEX
from potstill.licences import Licence
from potstill.output_folder import creating

MAKER = {
    "stage": "sign",
    "potstill": "0.1.0",
    "revision": "5d" * 20,
    "source": "f3" * 32,
    "libraries": {},
    "config": {},
    "processor": {},
}
SAME = b"the same in every release" * 100


def make_plain_bundle(
    folder: Path,
    version: str = "1.0.0",
    name: str = "headlines",
    variant: int = 0,
    size: int = 5000,
    files: Mapping[str, bytes] | None = None,
    **said: object,
) -> Path:
    """Make a bundle that nobody signed.

    Args:
        folder: where.
        version: of the release.
        name: of the release.
        variant: another number gives other bytes.
        size: bytes of its model.
        files: further files by their paths.
        said: what release.json says otherwise than most: verdict, override, licence.
    """
    chance = random.Random(f"{variant} {version} {name}")
    listed = Listed("ab" * 32, "onnx/v1", "onnx-export")
    told = {"verdict": "pass", "override": "", "licence": Licence("Apache-2.0", "open"), **said}
    index = Index(name, version, artifacts=(listed,), ships={"models/onnx": listed.digest}, **told)
    inside = {
        "README.md": f"# {name} {version}\n".encode(),
        "models/onnx/model.onnx": chance.randbytes(size),
        "models/onnx/labels.json": SAME,
        "report/labels.json": SAME,
        "evidence/empty": b"",
        "evidence/学生 a+b.json": b"{}",
        INDEX: index.to_bytes(),
        **(files or {}),
    }
    with creating(folder, BUNDLE):
        for path, data in inside.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
        seal(folder, BUNDLE, MAKER, {}, {}, told["licence"])
    (folder / SIGNATURE).write_bytes(chance.randbytes(300))
    return folder


def files_of(folder: Path) -> dict[str, bytes]:
    """All files below a folder, whatever their names begin with."""
    return {each.relative_to(folder).as_posix(): each.read_bytes() for each in folder.rglob("*") if each.is_file()}
