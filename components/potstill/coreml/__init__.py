"""Opens and executes Core ML packages on any operating system, as they declare themselves; no Mac is needed.

    model = load(Path("model.fp16.mlpackage"))
    logits = model.predict({"input_ids": ids, "attention_mask": mask, "token_type_ids": segments})["logits"]

What is executed is the package: its graph, its weights as they lie compressed in the file, and the type and shape that
it declares for every value. Programs of one function or several, pipelines, and neural networks of the years before
are all models here. What is not executed: the kernels of a phone's Neural Engine, nor its speed.
"""

from potstill.coreml.loading import load as load
from potstill.coreml.loading import load_program as load_program
from potstill.coreml.mlprogram.program import Program as Program
from potstill.coreml.model import Model as Model
