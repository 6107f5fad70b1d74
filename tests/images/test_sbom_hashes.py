"""The hashes of what is in an image: only where it is known which file was installed."""

import hashlib
from importlib.metadata import distribution
from pathlib import Path

from tests import image_roots
from tests.image_roots import SITE, components, facts, written

root = image_roots.root  # pytest looks for fixtures in the module that asks


def lock_of(root: Path, **hashes: tuple[str, ...]) -> Path:
    path = root.parent / "lock.txt"
    lines = ["# Made by `make lock`; do not edit."]
    for name, given in hashes.items():
        lines += [f"{name}=={distribution(name).version} \\", *(f"    --hash=sha256:{each} \\" for each in given)]
        lines[-1] = lines[-1].removesuffix(" \\")
    path.write_text("\n".join(lines) + "\n")
    return path


def hash_of(sbom: dict, name: str) -> list[str]:
    return [each["content"] for each in components(sbom)[name].get("hashes", []) if each["alg"] == "SHA-256"]


def test_hashes_are_the_lock_s_where_it_admits_one_file(root):
    path = lock_of(root, numpy=("a" * 64,), six=("b" * 64, "c" * 64))
    sbom = written(root, facts(locks=(path,)))
    assert hash_of(sbom, "numpy") == ["a" * 64]
    assert hash_of(sbom, "six") == []  # which of the two it was, nobody knows
    assert hash_of(sbom, "boto3") == []


def test_hashes_are_those_of_the_wheels_where_they_are_known(root, tmp_path):
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    version = distribution("six").version
    (wheels / f"six-{version}-py2.py3-none-any.whl").write_bytes(b"a wheel")
    (wheels / "six-0.1-py2.py3-none-any.whl").write_bytes(b"an old wheel")
    admitted = hashlib.sha256(b"a wheel").hexdigest()
    path = lock_of(root, six=("b" * 64, admitted), numpy=("c" * 64, "d" * 64))
    sbom = written(root, facts(locks=(path,), wheels=wheels))
    assert hash_of(sbom, "six") == [admitted]
    assert hash_of(sbom, "numpy") == []


def test_of_a_lock_for_several_pythons_the_lines_count_that_hold_in_the_image(root):
    path, version = root.parent / "lock.txt", distribution("numpy").version
    path.write_text(
        f"numpy=={version} ; python_full_version < '3.12' \\\n    --hash=sha256:{'a' * 64}\n"
        f"numpy==9.9 ; python_full_version >= '3.12' \\\n    --hash=sha256:{'b' * 64}\n"
    )
    assert hash_of(written(root, facts(locks=(path,))), "numpy") == ["a" * 64]


def test_a_local_version_is_the_one_that_is_pinned(root):
    torch = next((root / SITE).glob("torch-*")) / "METADATA"
    version = distribution("torch").version.partition("+")[0]
    torch.write_text(
        torch.read_text().replace(f"\nVersion: {distribution('torch').version}", f"\nVersion: {version}+x")
    )
    path = root.parent / "lock.txt"
    path.write_text(f"torch=={version} \\\n    --hash=sha256:{'a' * 64}\n")
    assert hash_of(written(root, facts(locks=(path,))), "torch") == ["a" * 64]
