"""The packages that a checkpoint can become: names, files, titles, and the systems that can hold them."""

FP32, FP16, INT8, INT4, W8A8, SPARSE = "fp32", "fp16", "int8", "int4", "w8a8", "sparse"
FLOAT = (FP32, FP16)
PALETTES = {f"palette{bits}": bits for bits in (8, 6, 4, 2)}
JOINT = ("sparse_int8", *(f"sparse_{name}" for name in PALETTES), *(f"{name}_int8" for name in PALETTES))
TITLES = {
    FP32: "fp32",
    FP16: "fp16",
    INT8: "int8",
    INT4: "int4 blocks",
    **{name: f"{bits}-bit palette" for name, bits in PALETTES.items()},
    SPARSE: "sparse",
    "sparse_int8": "sparse int8",
    **{f"sparse_{name}": f"sparse {bits}-bit palette" for name, bits in PALETTES.items()},
    **{f"{name}_int8": f"{bits}-bit palette of int8" for name, bits in PALETTES.items()},
    W8A8: "int8 with int8 activations",
}
FORMATS = tuple(TITLES)
FILES = {name: f"model.{name}.mlpackage" for name in FORMATS}

TARGETS = ("iOS15", "iOS16", "iOS17", "iOS18")


def first_target(name: str) -> str:
    """Return the oldest system whose operators can hold a format."""
    if name in FLOAT:
        return "iOS15"
    if name == W8A8:
        return "iOS17"
    return "iOS18" if name == INT4 or name in JOINT else "iOS16"
