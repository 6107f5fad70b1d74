"""The classifier as it is traced: fixed length, a mask that float16 can hold, logits and probabilities as outputs."""

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from potstill.encoder.pruned import MODEL_TYPE
from potstill.encoder.pruned_mobilebert import MOBILE_MODEL_TYPE
from potstill.errors import InputError

FAMILIES = ("bert", "mobilebert", MODEL_TYPE, MOBILE_MODEL_TYPE)
MASKED = -1e4  # transformers masks with the least float32, which is −inf in float16, and 0 · −inf is NaN

INPUTS = ("input_ids", "attention_mask", "token_type_ids")
LOGITS, PROBABILITIES = "logits", "probabilities"


class FixedLengthClassifier(nn.Module):
    """A BERT-family classifier for one text of a fixed number of tokens.

    It calls the model's parts one by one, because the whole model makes its own mask. It shares their parameters.
    """

    def __init__(self, model: PreTrainedModel, length: int) -> None:
        """Take the parts of a classifier.

        Args:
            model: loaded with attention="eager", in evaluation mode.
            length: tokens of a text, padding included.

        Raises:
            InputError: a family whose parts are others.
        """
        super().__init__()
        family = model.config.model_type
        if family not in FAMILIES:
            raise InputError(
                f"models of family {family!r} cannot be exported to Core ML; families are: {', '.join(FAMILIES)}"
            )
        base = model.base_model
        self.embeddings, self.encoder, self.pooler = base.embeddings, base.encoder, base.pooler
        self.classifier = model.classifier
        self.length = length
        self.register_buffer("positions", torch.arange(length, dtype=torch.int32)[None], persistent=False)
        self.eval()

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> tuple[Tensor, Tensor]:
        """Inputs (1, length) int32, attention_mask 1 for a token, 0 for padding → logits, probabilities (1, labels)."""
        mask = (1.0 - attention_mask.float())[:, None, None, :] * MASKED
        hidden = self.embeddings(input_ids=input_ids, token_type_ids=token_type_ids, position_ids=self.positions)
        every_head = [None] * len(self.encoder.layer)
        hidden = self.encoder(hidden, attention_mask=mask, head_mask=every_head, return_dict=False)[0]
        logits = self.classifier(self.pooler(hidden))
        return logits, torch.softmax(logits, -1)
