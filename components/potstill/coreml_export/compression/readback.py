"""Reading back which weights a package really holds in their compressed form.

A weight that was left dense makes a package larger than was asked, and nobody notices. So the finished file is read,
and every asked weight must be in it: decompressed by the operators of its form to the very values of that form.
"""

from torch import Tensor

from potstill.coreml import Program
from potstill.coreml_export.compression.plan import Plan
from potstill.coreml_export.compression.writing import axes
from potstill.errors import ParityError


def require_compressed(program: Program, forms: Plan, modern: bool) -> int:
    """Prove that every asked weight is in the package in its form, with its values unchanged.

    Args:
        program: the loaded package.
        forms: by module name.
        modern: whether the package has the operators of iOS 18.

    Returns: how many were asked, and are there.

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
    return len(forms)


def _key(operators: tuple[str, ...], dense: Tensor) -> tuple[tuple[str, ...], tuple[int, ...], bytes]:
    return operators, axes(dense.shape), dense.half().numpy().tobytes()
