"""A classifier whose hidden states lie as the Neural Engine likes them."""

from transformers import PreTrainedModel

from potstill.coreml_export.graphs.channels_first.surgery import to_channels_first
from potstill.coreml_export.graphs.classifier import TracedClassifier


class ChannelsFirstClassifier(TracedClassifier):
    """The classifier in the layout that Apple found fastest on the Neural Engine, with the same weights and answers.

    Hidden states are (batch, channels, 1, tokens), the last axis contiguous; linears are 1 × 1 convolutions; attention
    goes head by head; norms run over axis 1. Inputs and outputs are those of the standard layout.

    Attributes:
        model: the copy; its modules have the names that they have in the source. Each linear of the source is a
            `torch.nn.Conv2d` with the same weight as (out, in, 1, 1).

    Source: "Deploying Transformers on the Apple Neural Engine", machinelearning.apple.com, June 2022, and its code,
    apple/ml-ane-transformers.
    """

    def __init__(self, model: PreTrainedModel, longest: int) -> None:
        """Copy a classifier and lay it out anew.

        Args:
            model: loaded with attention="eager", in evaluation mode.
            longest: most tokens of a text, padding included.

        Raises:
            InputError: a family that is not known, or attention with relative positions.
        """
        super().__init__(model, longest)
        to_channels_first(self.model)
        self.eval()
