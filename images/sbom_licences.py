"""Licences as packages declare them, in CycloneDX's words: SPDX where it is SPDX, else what was written."""

from collections.abc import Iterable
from email.message import Message
from typing import Any

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.license import DisjunctiveLicense, License, LicenseExpression

MACHINE_READABLE = "copyright-format/1.0"
MAKE = LicenseFactory()


def of_python(metadata: Any) -> list[License]:
    """Read a distribution's licence.

    The SPDX expression if there is one (PEP 639), also in the older field; else the classifiers; else the first line
    of the text. A classifier as "BSD License" is left as it stands: it does not say which.

    Args:
        metadata: the distribution's, as importlib.metadata reads it.
    """
    text = _first_line(metadata.get("License-Expression") or metadata.get("License") or "")
    found = MAKE.make_from_string(text) if text else None
    if isinstance(found, LicenseExpression) or (found and found.id):
        return [found]
    classifiers = [each for each in metadata.get_all("Classifier") or [] if each.startswith("License :: ")]
    if classifiers:
        return [DisjunctiveLicense(name=each.rpartition(" :: ")[2]) for each in classifiers]
    return [found] if found else []


def of_debian(copyright_file: Iterable[Message]) -> list[License]:
    """Read the licences of a Debian package's files: the short names of a machine-readable copyright file.

    Args:
        copyright_file: its paragraphs; prose gives no licence.
    """
    paragraphs = list(copyright_file)
    if not paragraphs or MACHINE_READABLE not in paragraphs[0].get("Format", ""):
        return []
    names = {_first_line(each.get("License", "")) for each in paragraphs} - {""}
    # Not expressions: Debian's names only look like them, and "and" joins files there, not terms.
    return [_named(each) for each in sorted(names)]


def _named(name: str) -> DisjunctiveLicense:
    found = MAKE.make_from_string(name)
    return found if isinstance(found, DisjunctiveLicense) else DisjunctiveLicense(name=name)


def _first_line(text: str) -> str:
    lines = [each.strip() for each in text.strip().splitlines() if each.strip(" =-*")]
    return "" if not lines or lines[0] == "UNKNOWN" else lines[0]
