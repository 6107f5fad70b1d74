"""A training stage on folders that lie in a store: what the pods of a TrainJob run, and what a person can run, too."""
