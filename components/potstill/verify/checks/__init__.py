"""The checks of a bundle, one claim a file."""
