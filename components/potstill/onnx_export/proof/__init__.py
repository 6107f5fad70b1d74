"""Proof: every file runs beside PyTorch, on the same rows."""
