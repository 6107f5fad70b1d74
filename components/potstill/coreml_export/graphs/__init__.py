"""From PyTorch to a Core ML program: masks, positions, layout, precision, and the conversion itself."""
