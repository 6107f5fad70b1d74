"""Texts to token ids, and a vocabulary with only the pieces that the texts use: what tokenize and prune share."""
