"""The images: one per stage, of one recipe, over one slim base. `python -m images.build --help`."""
