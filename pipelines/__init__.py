"""Pipelines made of potstill's components, and the commands that compile and run them."""
