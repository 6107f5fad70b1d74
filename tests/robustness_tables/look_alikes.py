"""Writes look_alikes.tsv: python -m tests.robustness_tables.look_alikes [a font file]

Each character is drawn, blurred so that a stroke that lies a little aside still overlaps, and compared with all others
by the correlation of their pixels. Needs Pillow and Noto Sans CJK (Debian's fonts-noto-cjk); the font itself (SIL Open
Font License) is not in the table.
"""

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from potstill.validate.robustness.typos import LOOK_ALIKES
from tests.robustness_tables.level_one import level_one

FONT = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")
SIMPLIFIED = 2  # of the faces in that collection: Japan, Korea, mainland China, Taiwan, Hong Kong
SIZE, BLUR = 64, 2.5  # pixels
LEAST, MOST = 0.82, 4  # correlation; look-alikes of a character
HEAD = """\
# Characters that look alike: a character of GB 2312 level 1, and at most {most} others of it, the likest first. Drawn
# in Noto Sans CJK SC Regular 2.004 at {size} pixels, blurred by {blur}: their pixels correlate by {least:.2f} or more.
# Made by tests/robustness_tables/look_alikes.py.
"""


def table(font: Path) -> str:
    """The whole file."""
    characters = level_one()
    alike = correlations(np.stack([picture(character, font) for character in characters]))
    np.fill_diagonal(alike, 0)
    lines = []
    for character, row in zip(characters, alike, strict=True):
        likest = np.argsort(-row, kind="stable")[:MOST]
        others = "".join(characters[place] for place in likest if row[place] >= LEAST)
        lines += [f"{character}\t{others}\n"] if others else []
    return HEAD.format(most=MOST, size=SIZE, blur=BLUR, least=LEAST) + "".join(sorted(lines))


def picture(character: str, font: Path) -> npt.NDArray[np.float32]:
    """(pixels,) float32 in [0, 255]."""
    face = ImageFont.truetype(str(font), SIZE, index=SIMPLIFIED)
    image = Image.new("L", (SIZE + 8, SIZE + 8))
    ImageDraw.Draw(image).text((4 + SIZE / 2, 4 + SIZE / 2), character, fill=255, font=face, anchor="mm")
    return np.asarray(image.filter(ImageFilter.GaussianBlur(BLUR)), np.float32).ravel()


def correlations(pictures: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """(characters, characters) Pearson correlation, rounded, for processors add up in different orders."""
    centred = pictures - pictures.mean(axis=1, keepdims=True)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    return (unit @ unit.T).round(4)


if __name__ == "__main__":
    LOOK_ALIKES.write_text(table(Path(sys.argv[1]) if len(sys.argv) > 1 else FONT), encoding="utf-8")
