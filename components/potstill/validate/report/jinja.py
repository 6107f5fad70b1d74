"""How potstill's pages are laid out: templates that escape whatever data brings, in one style."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from potstill.validate.report import numbers, texts

HERE = Path(__file__).parent
# Nothing may be fetched, run or sent; a page says so itself, and a browser holds it to that.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


def environment(*folders: Path) -> Environment:
    """Make the templates' environment; what a page of another stage adds lies in folders of its own.

    Args:
        folders: looked through first; then this one, with `_macros.html` and what else pages share.

    Returns: with `style` and `policy` for the page's head, and the filters of `numbers` and `texts`.
    """
    loader = FileSystemLoader([*folders, HERE])
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.globals |= {"style": Markup((HERE / "style.css").read_text(encoding="utf-8")), "policy": POLICY}  # noqa: S704 - ours
    made.filters |= {name: getattr(numbers, name) for name in numbers.FILTERS}
    made.filters |= {name: getattr(texts, name) for name in texts.FILTERS}
    return made
