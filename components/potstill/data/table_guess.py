"""What a file holds that has no ending: pipelines hand tables over as `…/texts`, whatever is in them."""

import zlib

from potstill.data.table_files import TableFile

HEAD_BYTES = 1 << 16
GZIP, PARQUET, BYTE_ORDER_MARK = b"\x1f\x8b", b"PAR1", b"\xef\xbb\xbf"
GZIP_WINDOW = 31  # zlib's word for a stream with gzip's header


def guessed_ending(file: TableFile) -> str:
    """Tell the ending that a file's name would have, by its first bytes.

    Parquet and gzip say themselves what they are; a line that begins with a brace is JSON; of the rest, a first line
    with a tabulator is tab-separated and any other comma-separated.
    """
    with file.open() as raw:
        head = raw.read(HEAD_BYTES) or b""
    if head.startswith(PARQUET):
        return ".parquet"
    if head.startswith(GZIP):
        return f"{_text_ending(_unpacked(head))}.gz"
    return _text_ending(head)


def _unpacked(head: bytes) -> bytes:
    try:
        return zlib.decompressobj(GZIP_WINDOW).decompress(head, HEAD_BYTES)
    except zlib.error:  # the reader that follows says what is wrong with it
        return b""


def _text_ending(head: bytes) -> str:
    text = head.removeprefix(BYTE_ORDER_MARK)
    if text.lstrip().startswith(b"{"):
        return ".jsonl"
    return ".tsv" if b"\t" in text.split(b"\n", 1)[0] else ".csv"
