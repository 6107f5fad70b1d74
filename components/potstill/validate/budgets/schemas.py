"""JSON Schemas of the files that others read or write; `python -m potstill.validate.budgets.schemas` renews them.

`budgets.schema.json` is for editors (completion in the YAML), `verdict.schema.json` for whoever takes the verdict on,
`devices.schema.json` for whoever writes measurements.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from potstill.validate.budgets.limits import Budgets
from potstill.validate.budgets.verdict import Verdict
from potstill.validate.devices.own import OwnForm

DIALECT = "https://json-schema.org/draft/2020-12/schema"
FOLDER = Path(__file__).parents[1]
FORMS: Mapping[Path, tuple[type[BaseModel], Literal["validation", "serialization"]]] = {
    FOLDER / "budgets" / "budgets.schema.json": (Budgets, "validation"),
    FOLDER / "budgets" / "verdict.schema.json": (Verdict, "serialization"),
    FOLDER / "devices" / "devices.schema.json": (OwnForm, "validation"),
}


def schema_of(path: Path) -> dict[str, Any]:
    """Make the schema that belongs at a path; a URN names it, so that nobody looks for it on the network."""
    form, mode = FORMS[path]
    name = path.name.removesuffix(".schema.json")
    return {"$schema": DIALECT, "$id": f"urn:potstill:{name}:v1", **form.model_json_schema(mode=mode)}


def write_schemas() -> None:
    """Write all of them, the same bytes from the same models."""
    for path in FORMS:
        path.write_text(json.dumps(schema_of(path), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_schemas()
