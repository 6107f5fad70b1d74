"""Writing packages: what they say about themselves, and the same bytes each time."""
