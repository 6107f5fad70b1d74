"""What two reports were made of, where it differs."""

from collections.abc import Iterator
from dataclasses import dataclass

from potstill.validate.candidates import TITLES
from potstill.validate.compare.reading import Report


@dataclass(frozen=True)
class Difference:
    """Something that is not the same in both; "" where one has it not."""

    name: str
    before: str
    after: str


def origins(first: Report, second: Report) -> tuple[Difference, ...]:
    """Data, models, options, libraries, licence: what the two reports were made of, where it differs."""
    before, after = dict(_origins(first)), dict(_origins(second))
    return tuple(
        Difference(name, before.get(name, ""), after.get(name, ""))
        for name in {**before, **after}
        if before.get(name) != after.get(name)
    )


def _origins(report: Report) -> Iterator[tuple[str, str]]:
    summary, made_by = report.summary, report.artifact.made_by
    yield "rows", f"{summary['rows']:,}"
    yield "final model", TITLES.get(report.final, report.final)
    yield "licence", report.artifact.licence.expression
    for name, origin in summary.get("lineage", {}).items():
        yield f"{name}", f"{origin['kind']} {origin['digest'][:12]}"
        yield f"{name}: licence", str(origin.get("licence", ""))
    yield "potstill", f"{made_by.get('potstill', '')} {str(made_by.get('source', ''))[:12]}".strip()
    for part, title in (("config", "option"), ("libraries", "library"), ("processor", "processor")):
        for name, value in (made_by.get(part) or {}).items():
            yield f"{title} {name}", str(value)
