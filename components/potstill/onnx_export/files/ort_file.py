"""Files in onnxruntime's own format, for apps whose build of onnxruntime holds the needed operators only."""

import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path

import onnxruntime as ort

from potstill.measure.onnx_session import PROVIDER, writing_options
from potstill.onnx_export.files.ort_same_bytes import same_bytes
from potstill.onnx_export.graphs.noise import without_noise

with without_noise():  # importing it gives the whole process a log handler
    from onnxruntime.tools.ort_format_model import create_config_from_models


def write_ort(source: Path, target_file: Path) -> None:
    """Write a model in the ORT format, optimised once and for all, so that an app opens it without any optimiser.

    The file holds the metadata and the weights, external ones too, and computes what `source` computes. What is asked
    of onnxruntime is what its own `convert_onnx_models_to_ort` asks for, which would print and warn besides.

    Args:
        source: an ONNX file.
        target_file: where to write; its name ends with .ort, by which onnxruntime knows the format.

    Raises:
        ParityError: the file that onnxruntime wrote is of a structure that is not known here.

    Source: https://onnxruntime.ai/docs/performance/model-optimizations/ort-format-models.html (style Fixed).
    """
    with tempfile.TemporaryDirectory() as work:
        written = Path(work) / "written.ort"
        options = writing_options(written)
        options.add_session_config_entry("session.save_model_format", "ORT")
        # The one rewrite that asks which processor is at work; it is about convolutions, which no encoder here has.
        ort.InferenceSession(str(source), options, providers=[PROVIDER], disabled_optimizers=["NchwcTransformer"])
        target_file.write_bytes(same_bytes(written.read_bytes()))


def write_required_operators(files: Sequence[Path], path: Path) -> None:
    """Write the list of operators that these files need: a build of onnxruntime with no others is a few MB small.

    Args:
        files: ORT files, at least one.
        path: the list, for `--include_ops_by_config` of onnxruntime's build.

    Source: https://onnxruntime.ai/docs/reference/operators/reduced-operator-config-file.html.
    """
    with tempfile.TemporaryDirectory() as work, without_noise():
        warnings.filterwarnings("ignore", message="unclosed file", category=ResourceWarning)  # it leaves files open
        found = Path(work) / "found.config"
        create_config_from_models(files, found, enable_type_reduction=False)
        lines = found.read_text(encoding="utf-8").splitlines()
    operators = [line for line in lines if not line.startswith("#")]  # its comments name the folders of this machine
    made_for = f"# Operators of {', '.join(sorted(file.name for file in files))}"
    path.write_text("\n".join([made_for, *filter(None, operators)]) + "\n", encoding="utf-8")
