"""What was proved of a bundle, and what was not, for a reader and for a program."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from potstill.artifacts import File
from potstill.verify.findings import Finding

SCHEMA = "urn:potstill:verification:v1"
MOST_LINES = 50  # of one check, for a reader; a program is told all


@dataclass(frozen=True)
class Proof:
    """All findings on one bundle.

    Attributes:
        bundle: how the bundle was called.
        release: what the bundle says that it is: name, version, digest and so on; empty where that cannot be read.
        findings: in the order of the checks.
        files: every file that was digested, the seal and the signature included, by its path: what the proof is about.
    """

    bundle: str
    release: Mapping[str, Any]
    findings: tuple[Finding, ...]
    files: Mapping[str, File]

    @property
    def proved(self) -> bool:
        """Whether everything was proved."""
        return bool(self.findings) and all(each.proved for each in self.findings)

    @property
    def wrong(self) -> tuple[str, ...]:
        """All that is wrong, a line each."""
        return tuple(line for each in self.findings for line in each.wrong)


def in_words(proof: Proof) -> Iterator[str]:
    """Say it to a reader, line by line."""
    yield f"{_title(proof)}"
    for finding, following in zip_longest(proof.findings, proof.findings[1:]):
        yield f"{'✓' if finding.proved else '✗'} {finding.said}"
        yield from (f"    {line}" for line in finding.details)
        if following and finding.wrong == following.wrong:  # several checks lack the same ground: said below the last
            continue
        yield from (f"    {line}" for line in finding.wrong[:MOST_LINES])
        if len(finding.wrong) > MOST_LINES:
            yield f"    and {len(finding.wrong) - MOST_LINES} more; --json tells all"
    yield _end(proof)


def in_json(proof: Proof) -> str:
    """Say it to a program, as one JSON text in ASCII."""
    checks = [
        {"name": each.name, "proved": each.proved, "said": each.said, "wrong": each.wrong, "details": each.details}
        for each in proof.findings
    ]
    told = {
        "schema": SCHEMA,
        "proved": proof.proved,
        "bundle": proof.bundle,
        "release": proof.release,
        "checks": checks,
    }
    return json.dumps(told, indent=2)


def _title(proof: Proof) -> str:
    if not proof.release:
        return f"{proof.bundle} does not say what release it is"
    return "{name} {version}, bundle {digest}".format(**proof.release)


def _end(proof: Proof) -> str:
    if proof.proved:
        return f"PROVED: all {len(proof.findings)} checks hold."
    failed = sum(not each.proved for each in proof.findings)
    return f"NOT PROVED: {failed} of {len(proof.findings)} checks fail. Do not use this bundle."
