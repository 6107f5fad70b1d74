"""Graphs: traced from PyTorch, folded, fused, slimmed, their shapes fixed."""
