"""BERT's tokenisation from cached pieces: exact, and several times faster than asking the tokenizer for every text.

BERT's normaliser puts a space on both sides of each Chinese character and its pre-tokenizer cuts at spaces, so what
stands between two of them is tokenised as if it stood alone. A text is cut there, and each part's ids are asked for
once. On headlines this does away with nine tenths of the work; what it gives is what the tokenizer gave for the parts.
"""

import json
import re

from tokenizers import Tokenizer

# Inside the ranges of CJK ideographs of BertNormalizer. The rarer ranges may stay within a part: that is exact, too.
_PARTS = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]|[^\u3400-\u4dbf\u4e00-\u9fff ]+")
MOST_PARTS = 1 << 18  # remembered at a time; some 50 MB


class Words(dict[str, list[int]]):
    """Token ids of parts of texts, asked for when first seen."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        super().__init__()
        self._tokenizer = tokenizer
        # A special token written out in a text is found before anything is cut.
        contents = [token.content for token in tokenizer.get_added_tokens_decoder().values()]
        self._special = re.compile("|".join(map(re.escape, contents)) or "(?!)")

    def ids(self, text: str) -> list[int]:
        """Tokenise a text, without special tokens around it."""
        if self._special.search(text):
            return self._ask(text)
        if len(self) > MOST_PARTS:
            self.clear()
        return [token for part in _PARTS.findall(text) for token in self[part]]

    def __missing__(self, part: str) -> list[int]:
        ids = self[part] = self._ask(part)
        return ids

    def _ask(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)


def can_be_cut(tokenizer: Tokenizer) -> bool:
    """Tell whether a tokenizer is BERT's own: cut at Chinese characters and spaces, and WordPiece after that."""
    body = json.loads(tokenizer.to_str())
    normalizer, pre = body["normalizer"] or {}, body["pre_tokenizer"] or {}
    return (
        body["model"].get("type") == "WordPiece"
        and normalizer.get("type") == "BertNormalizer"
        and bool(normalizer["handle_chinese_chars"])
        and pre.get("type") == "BertPreTokenizer"
        and all(token["special"] and not token["normalized"] for token in body["added_tokens"])
    )
