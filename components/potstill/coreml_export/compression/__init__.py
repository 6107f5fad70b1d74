"""How weights lie in a package: int8, int4 in blocks, palettes, sparse, and these joined."""
