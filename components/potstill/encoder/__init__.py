"""BERT-family classifiers on disk and in memory: checkpoints, student shapes, pruned layers, quantised linears."""
