"""Opens and executes Core ML packages on any operating system, as they declare themselves; no Mac is needed.

    program = load(Path("model.fp16.mlpackage"))
    logits = program.predict({"input_ids": ids, "attention_mask": mask, "token_type_ids": segments})["logits"]

What is executed is the package: its graph, its weights as they lie compressed in the file, and the type and shape that
it declares for every value. What is not: the kernels of a phone's Neural Engine, nor its speed.
"""

from potstill.coreml.mlprogram.program import Program as Program
from potstill.coreml.mlprogram.program import load as load
