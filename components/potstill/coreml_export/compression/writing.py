"""Putting compressed weights into a converted program, in place of the constants that hold them densely.

coremltools compresses finished packages as well, with its own choice of scales and palettes, and only logs what it
leaves as it is. Here the program gets the very integers, scales and colours that were computed before, and what it has
no constant for is an error.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from potstill.coreml.quiet import quiet_coremltools
from potstill.coreml_export.compression.form import Array, Form, Place
from potstill.errors import ParityError

with quiet_coremltools():
    from coremltools.converters.mil.mil.passes.graph_pass import AbstractGraphPass


Key = tuple[int, tuple[int, ...], bytes]  # size of an entry, lengths of the axes, and the values


class WriteForms(AbstractGraphPass):  # type: ignore[misc]
    """A graph pass, as coremltools calls what changes a program."""

    def __init__(self, name: str, forms: Mapping[str, Form], modern: bool) -> None:
        """Take what is to be written.

        Args:
            name: of the format, for errors.
            forms: by module name; a constant is known by its values.
            modern: whether the program has the operators of iOS 18.
        """
        self._name, self._forms, self._modern = name, forms, modern

    def apply(self, prog: Any) -> None:
        """Replace the constants of the main function, in place.

        Raises:
            ParityError: naming the weights that the program has no constant for.
        """
        forms = self._forms
        wanted = {_key(form, dtype): name for name, form in forms.items() for dtype in (np.float16, np.float32)}
        found = set()
        main = prog.functions["main"]
        with main:
            for operation in list(main.operations):
                name = wanted.get(_constant_key(operation), "")
                if name:
                    _replace(operation, f"{name}.weight", forms[name], self._modern)
                    found.add(name)
        _require_all(self._name, forms, found, wanted)


def _replace(constant: Any, name: str, form: Form, modern: bool) -> None:
    old = constant.outputs[0]
    shape = tuple(old.val.shape)
    leading = 1 if len(shape) == 3 else 0
    place = Place(name, shape, leading, old.val.dtype, constant, modern)
    block = constant.enclosing_block
    block.replace_uses_of_var_after_op(
        anchor_op=constant, old_var=old, new_var=form.write(place), no_check_var_types=True, force_replace=True
    )
    block.remove_ops([constant])


def axes(shape: Sequence[int]) -> tuple[int, ...]:
    """Return the lengths of a weight's axes, without those of length 1, which a layout may add."""
    return tuple(length for length in shape if length != 1)


def _constant_key(operation: Any) -> Key:
    value = operation.outputs[0].val if operation.op_type == "const" else None
    if not isinstance(value, np.ndarray) or value.ndim < 2:
        return 0, (), b""
    return value.dtype.itemsize, axes(value.shape), value.tobytes()


def _key(form: Form, dtype: Any) -> Key:
    dense: Array = form.dense.numpy().astype(dtype)
    return dense.dtype.itemsize, axes(dense.shape), dense.tobytes()


def _require_all(name: str, forms: Mapping[str, Form], found: set[str], wanted: Mapping[Key, str]) -> None:
    # Of weights with the same values coremltools keeps one constant, which serves them all.
    served = {name for name, form in forms.items() if wanted[_key(form, np.float32)] in found}
    left = [name for name in forms if name not in served]
    if left:
        raise ParityError(
            f"{name}: the converted program has no constant with the values of {len(left)} of {len(forms)} weights, so "
            f"that they cannot be compressed: {', '.join(left)}; leave {name} out by --formats"
        )
