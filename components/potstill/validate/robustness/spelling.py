"""The same text in another spelling, of which a person would say that nothing has changed."""

from functools import lru_cache

from opencc import OpenCC

FULL_WIDTH_SHIFT = 0xFEE0  # from "!" … "~" to "！" … "～"
VISIBLE_ASCII = range(0x21, 0x7F)
IDEOGRAPHIC_SPACE = 0x3000
TO_FULL_WIDTH = {ord(" "): IDEOGRAPHIC_SPACE} | {code: code + FULL_WIDTH_SHIFT for code in VISIBLE_ASCII}
# What a keyboard that is set to English gives for the keys of Chinese punctuation.
PUNCTUATION = str.maketrans(
    {"。": ".", "、": ",", "“": '"', "”": '"', "‘": "'", "’": "'", "《": "<", "》": ">", "〈": "<", "〉": ">"}
    | {"【": "[", "】": "]", "「": '"', "」": '"', "『": "'", "』": "'", "…": "...", "—": "-", "·": "."}
)
TO_HALF_WIDTH = {full: half for half, full in TO_FULL_WIDTH.items()} | PUNCTUATION


def full_width(text: str) -> str:
    """Write ASCII in full width, as Chinese and Japanese input methods do: `iPhone 5` → `ｉＰｈｏｎｅ　５`."""
    return text.translate(TO_FULL_WIDTH)


def half_width(text: str) -> str:
    """Write full-width ASCII and Chinese punctuation in half width: `“快讯”：５％` → `"快讯":5%`."""
    return text.translate(TO_HALF_WIDTH)


def traditional(text: str) -> str:
    """Write simplified Chinese in traditional characters, phrase by phrase: `头发`, `发现` → `頭髮`, `發現`."""
    return str(_converter("s2t").convert(text))


def simplified(text: str) -> str:
    """Write traditional Chinese in simplified characters: `乾杯` → `干杯`."""
    return str(_converter("t2s").convert(text))


@lru_cache
def _converter(config: str) -> OpenCC:
    """Open a converter once: its dictionaries take 0.1 s to load."""
    return OpenCC(config)
