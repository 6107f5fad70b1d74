"""How each model in each format is opened and run."""
