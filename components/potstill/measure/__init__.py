"""Measuring a model: accuracy, agreement, latency, size, and the rival it must beat."""
