"""A vocabulary of made-up pieces, and the shape that benches give a random BERT: weights do not change the time."""

from pathlib import Path

VOCABULARY = 5_000
SHAPE = {"layers": 2, "hidden": 512, "num_attention_heads": 8, "intermediate_size": 2048}


def make_tokenizer(folder: Path, pieces: int = VOCABULARY) -> Path:
    """Write a BERT tokenizer of so many pieces."""
    from transformers import BertTokenizerFast

    folder.mkdir(parents=True)
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words = special + [chr(0x4E00 + index) for index in range(pieces - len(special))]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    BertTokenizerFast.from_pretrained(folder).save_pretrained(folder)
    return folder
