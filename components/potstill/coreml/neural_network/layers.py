"""Every type of layer that is executed, by theme. A new one is one decorated function in the file of its theme.

Names and meaning are those of the format: mlmodel/format/NeuralNetwork.proto in apple/coremltools. Convolutions,
pooling, recurrent layers and loops, which no classifier's head has, are not among them.
"""

from potstill.coreml.neural_network import activations, dense, elementwise, normalising, reducing, shaping
from potstill.coreml.neural_network.table import LAYERS

__all__ = ["LAYERS", "activations", "dense", "elementwise", "normalising", "reducing", "shaping"]
