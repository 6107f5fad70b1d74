"""Reading back which weights a package really holds in their compressed form.

A weight that was left dense makes a package larger than was asked, and nobody notices. So the finished file is read,
and every asked weight must be in it: decompressed by the operators of its form to the very values of that form.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from potstill.coreml import Program
from potstill.coreml_export.compression.plan import Plan
from potstill.coreml_export.compression.writing import axes
from potstill.errors import ParityError


@dataclass(frozen=True)
class Held:
    """What lies in a package.

    Attributes:
        compressed: how many weights lie in it in their form.
        dense_bytes: what these weights would take as float16.
        stored_bytes: what they take.
    """

    compressed: int
    dense_bytes: int
    stored_bytes: int


def require_compressed(program: Program, forms: Plan, modern: bool) -> Held:
    """Prove that every asked weight is in the package in its form, with its values unchanged.

    Args:
        program: the loaded package.
        forms: by module name.
        modern: whether the package has the operators of iOS 18.

    Raises:
        ParityError: naming every weight that is not.
    """
    compressed = [each for each in program.weights if each.operators]
    held = {_key(each.operators, each.value) for each in compressed}
    left_out = [name for name, form in forms.items() if _key(form.operators(modern), form.dense) not in held]
    if left_out:
        raise ParityError(
            f"{program.package.path.name}: {len(left_out)} of {len(forms)} weights are not compressed as asked: "
            f"{', '.join(left_out)}; export to another --target or leave the format out by --formats"
        )
    return Held(
        len(forms), _dense_bytes(each.shape for each in compressed), sum(each.stored_bytes for each in compressed)
    )


def _key(operators: tuple[str, ...], dense: Tensor) -> tuple[tuple[str, ...], tuple[int, ...], bytes]:
    return operators, axes(dense.shape), dense.half().numpy().tobytes()


def _dense_bytes(shapes: Iterable[tuple[int, ...]]) -> int:
    return sum(2 * int(torch.Size(shape).numel()) for shape in shapes)
