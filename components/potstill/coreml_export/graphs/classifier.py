"""The classifier as it is traced: a mask that float16 can hold, logits and probabilities as outputs."""

from copy import deepcopy

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from potstill.coreml_export.graphs.families import additive_masks
from potstill.coreml_export.graphs.positions import only_reachable

INPUTS = ("input_ids", "attention_mask", "token_type_ids")
LOGITS, PROBABILITIES = "logits", "probabilities"
WITHOUT_SEGMENTS = "distilbert"


def input_names(model: PreTrainedModel) -> tuple[str, ...]:
    """Return the inputs of a model's packages: `token_type_ids` only where the family knows more than one segment."""
    kinds = 1 if model.config.model_type == WITHOUT_SEGMENTS else model.config.type_vocab_size
    return INPUTS if kinds > 1 else INPUTS[:2]


class TracedClassifier(nn.Module):
    """A BERT-family classifier for one text, in a form that Core ML computes as PyTorch does.

    It works on a copy of the model: positions are constants, and the mask is a small number that is added.

    Attributes:
        model: the copy; its modules have the names that they have in the source.
    """

    positions: Tensor

    def __init__(self, model: PreTrainedModel, longest: int) -> None:
        """Copy a classifier.

        Args:
            model: loaded with attention="eager", in evaluation mode.
            longest: most tokens of a text, padding included.

        Raises:
            InputError: a family whose mask is not known.
        """
        super().__init__()
        self.model = deepcopy(model)
        additive_masks(self.model)
        only_reachable(self.model, longest)
        self.register_buffer("positions", torch.arange(longest, dtype=torch.int32)[None], persistent=False)
        self._numbered = model.config.model_type != WITHOUT_SEGMENTS  # DistilBERT numbers positions by itself
        self.eval()

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Inputs (1, tokens) int32, attention_mask 1 for a token, 0 for padding → logits, probabilities (1, labels)."""
        given: dict[str, Tensor] = {"input_ids": input_ids, "attention_mask": attention_mask}
        if self._numbered:
            given["position_ids"] = self.positions[:, : input_ids.shape[1]]
            given["token_type_ids"] = torch.zeros_like(input_ids) if token_type_ids is None else token_type_ids
        logits = self.model(**given, return_dict=False)[0]
        return logits, torch.softmax(logits, -1)
