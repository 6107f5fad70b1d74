"""The 3,755 commonest characters of simplified Chinese: level 1 of GB 2312-1980, which Python's codec holds."""

ROWS, CELLS = range(0xB0, 0xD8), range(0xA1, 0xFF)
UNUSED = 5  # cells at the end of the last row


def level_one() -> list[str]:
    """The characters in the order of the standard, which is that of their pinyin."""
    codes = [bytes([row, cell]) for row in ROWS for cell in CELLS]
    return [code.decode("gb2312") for code in codes[:-UNUSED]]
