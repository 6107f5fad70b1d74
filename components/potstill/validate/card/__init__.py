"""The model card: what a person, and the Hugging Face hub, must know of a release."""

from potstill.validate.card.writing import CARD_MARK, write_card

__all__ = ["CARD_MARK", "write_card"]
