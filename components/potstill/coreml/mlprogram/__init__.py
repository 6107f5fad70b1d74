"""Executes the mlprogram of a package: each operation as it is declared, in PyTorch."""
