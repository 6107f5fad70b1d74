"""Executes the neural networks of the years before mlprograms: a classifier's head, as an app may still train it."""
