"""The card as a file: `README.md` of a model repository."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from huggingface_hub import ModelCard

from potstill.output_files import write_whole
from potstill.validate.card import sections
from potstill.validate.card.escaping import plain
from potstill.validate.card.front_matter import front_matter
from potstill.validate.card.using import how_to_use

NAME = "Text classifier for phones"
CARD_MARK = "<!-- written by potstill validate -->\n"  # ends every card: by it the next run knows what it may replace


def write_card(path: Path, figures: Mapping[str, Any], name: str = NAME) -> None:
    """Write a model card in Hugging Face's form; the same figures give the same bytes, and nothing is looked up.

    Args:
        path: the file.
        figures: those of validate, complete: with `budgets`, `verdict`, `failures` and `report`.
        name: what the model is called.
    """
    write_whole(path, card_text(figures, name))


def card_text(figures: Mapping[str, Any], name: str = NAME) -> str:
    """The card: a YAML block for the hub, then Markdown for people; a restriction of the use stands first."""
    body = [
        sections.banner(figures),
        f"# {plain(name)}",
        sections.verdict(figures),
        sections.what_it_is(figures),
        f"## How to use it\n\n{how_to_use(figures)}",
        f"## Figures\n\n{sections.figures_table(figures)}",
        f"## Budgets\n\n{sections.budgets(figures)}",
        f"## Limits\n\n{sections.limits(figures)}",
        f"## Made from\n\n{sections.lineage(figures)}",
        f"## How it was measured\n\n{sections.how_measured(figures)}",
    ]
    text = "\n\n".join(part for part in body if part)
    front = front_matter(figures, name).to_yaml()
    return str(ModelCard(f"---\n{front}\n---\n\n{text}\n\n{CARD_MARK}"))
