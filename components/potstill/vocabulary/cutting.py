"""Dropping the word pieces that texts do not use, and refusing it where too many words would become [UNK].

WordPiece takes the longest known piece first. Where all pieces of a text are kept, it is cut as before; a dropped piece
is replaced by shorter ones, or its word by [UNK]. So texts are tokenised anew with the tokenizer that is written.
Source: arXiv:2010.05609 (Load What You Need); WordPiece as in arXiv:1810.04805.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from potstill.errors import InputError
from potstill.vocabulary.choosing import coverage_of, kept_ids
from potstill.vocabulary.counting import Counted, count_pieces, unknown_rate
from potstill.vocabulary.cut_files import require_wordpiece, write_cut
from potstill.vocabulary.encoding import Encoder, load_encoder
from potstill.vocabulary.pieces import pieces_of
from potstill.vocabulary.rule import Rule

Texts = Callable[[], Iterable[Sequence[str]]]
"""Groups of texts; each call reads them from the beginning."""


@dataclass(frozen=True)
class CutVocabulary:
    """What became of a vocabulary.

    Attributes:
        kept: ids of the given tokenizer, rising; new id i is old id kept[i].
        before: pieces of the given tokenizer.
        after: pieces that are left.
        unknown_rate_before: share of [UNK] in all texts with the given tokenizer, in [0, 1].
        unknown_rate_after: the same with the tokenizer that was written.
        coverage: share of all counted pieces that the kept ones are, special tokens and [UNK] apart, in [0, 1].
    """

    kept: list[int]
    before: int
    after: int
    unknown_rate_before: float
    unknown_rate_after: float
    coverage: float

    def rates(self) -> dict[str, float]:
        """Give the two shares of [UNK] by name."""
        return {"unknown_rate_before": self.unknown_rate_before, "unknown_rate_after": self.unknown_rate_after}


def cut_vocabulary(
    source: Path, texts: Texts, rule: Rule, max_length: int, folder: Path, uncounted: Texts = list
) -> CutVocabulary:
    """Write a tokenizer with only the pieces that texts use; the embeddings shrink with it.

    Args:
        source: folder of a WordPiece tokenizer, its vocabulary cut before or not.
        texts: what pieces are counted in. Leave the test split out: a vocabulary that had seen its texts would make
            the test easier than the world.
        rule: which pieces stay, and how much more [UNK] is borne.
        max_length: most tokens of a text, special tokens included; what is beyond is not counted.
        folder: gets tokenizer.json, vocab.txt, tokenizer_config.json, special_tokens_map.json and vocabulary.json.
        uncounted: further texts, that only the two shares of [UNK] are told of.

    Returns: which ids are left, and what that costs.

    Raises:
        InputError: no WordPiece tokenizer, nothing was seen so often, or [UNK] rises by more than the rule allows.
    """
    encoder = load_encoder(source, max_length)
    require_wordpiece(source)
    counted, others = _count(encoder, texts, uncounted)
    pieces = pieces_of(encoder.tokenizer)
    kept = kept_ids(pieces, counted.ids, rule, source)
    write_cut(source, kept, folder)
    made = CutVocabulary(
        kept=kept,
        before=encoder.size,
        after=len(kept),
        unknown_rate_before=unknown_rate(counted, others),
        unknown_rate_after=unknown_rate(*_count(load_encoder(folder, max_length), texts, uncounted)),
        coverage=coverage_of(pieces, counted.ids, kept),
    )
    _refuse_unknown(made, rule)
    return made


def _count(encoder: Encoder, texts: Texts, uncounted: Texts) -> tuple[Counted, Counted]:
    return count_pieces(texts(), encoder), count_pieces(uncounted(), encoder)


def _refuse_unknown(made: CutVocabulary, rule: Rule) -> None:
    rise = made.unknown_rate_after - made.unknown_rate_before
    if rise <= rule.max_unknown_rise:
        return
    raise InputError(
        f"with {made.after} of {made.before} pieces the share of [UNK] would rise from "
        f"{made.unknown_rate_before:.2%} to {made.unknown_rate_after:.2%}; pass {_keeping_more(rule)}, or bear it with "
        f"--max-unknown-rise {ceil(rise * 10_000) / 10_000}"
    )


def _keeping_more(rule: Rule) -> str:
    if rule.min_count:
        return f"a smaller --vocabulary-min-count than {rule.min_count}"
    return f"a greater --vocabulary-coverage than {rule.coverage}" if rule.coverage < 1 else "--vocabulary-coverage 0"
