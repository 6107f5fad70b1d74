"""Releases of a store, told to a person."""

from collections.abc import Iterator, Sequence

from potstill.artifacts import Artifact
from potstill.evidence.index import Index
from potstill.publish.pointer import Pointer
from potstill.sizes import in_units

SHORT = 12  # digits of a digest in a list


def list_in_words(pointers: Sequence[Pointer], broken: Sequence[str]) -> Iterator[str]:
    """Tell of all releases, a line each, and of what is none."""
    rows = [(each.name, each.version, _verdict(each), each.licence.use, each.bundle[:SHORT]) for each in pointers]
    table = [("name", "version", "verdict", "use", "bundle"), *rows] if rows else []
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    yield from broken


def release_in_words(pointer: Pointer, index: Index, bundle: Artifact) -> Iterator[str]:
    """Tell of one release what it says of itself."""
    yield f"{pointer.name} {pointer.version}"
    yield f"  verdict    {pointer.verdict}"
    if index.override:
        yield f"  override   {index.override}"
    yield f"  licence    {index.licence.use}: {index.licence.expression}"
    yield f"  bundle     {pointer.bundle}"
    yield f"  signature  {pointer.signature.sha256}"
    yield "made of, ancestors first:"
    for each in index.artifacts:
        shipped = ", ".join(folder for folder, digest in sorted(index.ships.items()) if digest == each.digest)
        yield f"  {each.digest[:SHORT]}  {each.stage}, {each.kind}{f' → {shipped}' if shipped else ''}"
    files = (*bundle.files, pointer.signature)
    yield f"files, {len(files)} of {in_units(sum(each.bytes for each in files))}:"
    yield from (f"  {each.bytes:>12,}  {each.path}" for each in files)
    yield "Nothing of this is proved yet; potstill releases fetch … --key does."


def _verdict(pointer: Pointer) -> str:
    return f"{pointer.verdict} (overridden)" if pointer.overridden else pointer.verdict
