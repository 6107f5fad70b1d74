"""Int8 in a graph: weights folded or matched to their scales, and what onnxruntime makes of them."""
