"""From cases to a package, and to what their oracles say.

One package holds all cases of an iOS version: inputs and outputs are named by the number of their case, and are
float32 or int32, since no other type is an input of every version. A scalar travels as a vector of one entry.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from potstill.coreml.quiet import quiet_coremltools
from potstill.coreml_export.graphs.noise import without_noise
from tests.operator_cases.case import GIVEN, Case, kind, mb, types

with quiet_coremltools():
    import coremltools as ct
    from coremltools.converters.mil.mil import Function

SPECS = {np.float32: types.fp32, np.int32: types.int32}


def given(cases: Sequence[Case]) -> dict[str, np.ndarray]:
    """What a package of these cases is given."""
    return {
        f"case_{number}_{name}": np.atleast_1d(array).astype(GIVEN[kind(array)])
        for number, case in enumerate(cases)
        for name, array in case.inputs.items()
    }


def save(cases: Sequence[Case], version: int, path: Path) -> Path:
    """Write the package of these cases. No pass of coremltools changes it."""
    inputs = given(cases)
    specs = {name: SPECS[array.dtype.type] for name, array in inputs.items()}
    scope = {"build": lambda **variables: _results(cases, variables)}
    names = ", ".join(inputs)  # the builder reads the names of the parameters
    exec(f"def main({names}): return build({', '.join(f'{name}={name}' for name in inputs)})", scope)
    with without_noise(), np.errstate(all="ignore"):
        program = mb.program(
            input_specs=[mb.TensorSpec(inputs[name].shape, spec) for name, spec in specs.items()],
            opset_version=ct.target[f"iOS{version}"],
        )(scope["main"])
        model = ct.convert(
            program,
            convert_to="mlprogram",
            minimum_deployment_target=ct.target[f"iOS{version}"],
            compute_precision=ct.precision.FLOAT32,
            pass_pipeline=ct.PassPipeline.EMPTY,
            skip_model_load=True,
        )
        model.save(str(path))
    return path


def _results(cases: Sequence[Case], variables: dict[str, Any]) -> tuple[Any, ...]:
    found = []
    for number, case in enumerate(cases):
        taken = {name: _typed(variables[f"case_{number}_{name}"], array) for name, array in case.inputs.items()}
        built = case.build(**taken) if set(taken) else case.build()
        for place, each in enumerate(built if isinstance(built, tuple | list) else (built,)):
            found.append(_plain(each, f"result_{number}_{place}"))
    return tuple(found)


def _typed(variable: Any, array: np.ndarray) -> Any:
    """An input of a package as the case wants it."""
    shaped = variable if array.ndim else mb.squeeze(x=variable, axes=[0])
    return shaped if GIVEN[kind(array)] == array.dtype else mb.cast(x=shaped, dtype=kind(array))


def _plain(variable: Any, name: str) -> Any:
    """A result as every version gives it: float32 or int32, at least one axis."""
    target = "fp32" if types.is_float(variable.dtype) else "int32"
    cast = variable if types.builtin_to_string(variable.dtype) == target else mb.cast(x=variable, dtype=target)
    return mb.identity(x=cast if cast.rank else mb.expand_dims(x=cast, axes=[0]), name=name)


def expected(case: Case, version: int) -> list[np.ndarray]:
    """What a case's oracle says, as the package gives it."""
    with np.errstate(all="ignore"):
        found = _by_pymil(case, version) if case.oracle is None else case.oracle(*_exact(case))
    results = found if isinstance(found, tuple | list) else (found,)
    return [np.atleast_1d(np.asarray(each)) for each in results]


def _exact(case: Case) -> list[np.ndarray]:
    return [each.astype(np.float32) if each.dtype == np.float16 else each for each in case.inputs.values()]


def _by_pymil(case: Case, version: int) -> Any:
    # each a copy: thresholded_relu of PyMIL writes into its input
    with without_noise(), Function({}, opset_version=ct.target[f"iOS{version}"]):
        built = case.build(**{name: mb.const(val=array.copy()) for name, array in case.inputs.items()})
        results = built if isinstance(built, tuple | list) else (built,)
        found = [each.val for each in results]
    if any(each is None for each in found):
        raise AssertionError(f"PyMIL has no value of {case.name}; the case needs an oracle of its own")
    return found
