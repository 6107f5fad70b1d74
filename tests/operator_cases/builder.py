"""A small program of its own, as coremltools' builder writes it."""

from pathlib import Path

import numpy as np

from potstill.coreml.quiet import quiet_coremltools
from potstill.coreml_export.graphs.noise import without_noise
from tests.operator_cases.case import mb, types

with quiet_coremltools():
    import coremltools as ct


def save(build, folder: Path, inputs: dict[str, np.ndarray], target: str = "iOS16", precision: str = "FLOAT32") -> Path:
    """Save a program made by coremltools' builder as a package; a pass may only lower its precision."""
    kinds = {"f": types.fp32, "i": types.int32}
    specs = [mb.TensorSpec(array.shape, kinds[array.dtype.kind]) for array in inputs.values()]
    names = ", ".join(inputs)
    scope = {"build": build}
    exec(f"def main({names}): return build({names})", scope)  # the builder reads the names of the parameters
    with without_noise():
        program = mb.program(input_specs=specs, opset_version=ct.target[target])(scope["main"])
        empty = {"pass_pipeline": ct.PassPipeline.EMPTY} if precision == "FLOAT32" else {}
        model = ct.convert(
            program,
            convert_to="mlprogram",
            minimum_deployment_target=ct.target[target],
            compute_precision=ct.precision[precision],
            skip_model_load=True,
            **empty,
        )
        model.save(str(folder / "model.mlpackage"))
    return folder / "model.mlpackage"
