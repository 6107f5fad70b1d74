"""The bundle in question: what lies in it, and what could be read of it so far.

Whoever asks first for what cannot be read is told why; whoever asks later, only that it could not be. So every failure
is said once, by the check that it belongs to, and a check without ground proves nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, cast

from potstill.artifacts import MANIFEST, SIGNATURE, Artifact
from potstill.errors import InputError, PotstillError
from potstill.evidence.evidence import Evidence
from potstill.evidence.index import Index, read_index
from potstill.evidence.layout import INDEX
from potstill.evidence.manifest import digest_of, read_evidence_manifest
from potstill.evidence.papers import papers_of
from potstill.evidence.whole import evidence_of
from potstill.os_failures import explain
from potstill.signing.model_signature import Signed, read_signature
from potstill.signing.strict_json import LARGEST
from potstill.signing.trust import Trusted
from potstill.verify.findings import UnseenError
from potstill.verify.listing import Listing, list_folder, read_plain
from potstill.verify.policy import Policy

Value = TypeVar("Value")
UNSIGNED = 4 * 2**20  # bytes of a JSON file that nobody vouches for; 64 MB of zeros would take minutes and 3 GB


@dataclass
class Case:
    """One bundle, whom the reader trusts, and what is asked of it."""

    folder: Path
    trusted: Trusted
    policy: Policy
    _told: set[str] = field(default_factory=set)
    _found: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def listing(self) -> Listing:
        """What lies in the folder."""
        return list_folder(self.folder)

    @property
    def signed(self) -> Signed:
        """What the signature says, when somebody trusted made it."""
        return self._once("the signature", self._signature)

    @property
    def seal(self) -> Artifact:
        """The bundle's own manifest."""
        return self._once("the bundle's seal", self._seal)

    @property
    def index(self) -> Index:
        """What release.json says."""
        return self._once(INDEX, lambda: read_index(self.read(INDEX), INDEX))

    @property
    def evidence(self) -> Evidence:
        """All evidence, consistent in itself."""
        return self._once("the evidence", self._evidence)

    @property
    def stands(self) -> bool:
        """Whether all evidence can be read and is consistent; why not, `evidence` tells."""
        return isinstance(self._peek("the evidence", self._evidence), Evidence)

    @property
    def papers(self) -> Mapping[str, bytes]:
        """All that follows from the evidence alone, made again: path in the bundle → bytes."""
        evidence = self.evidence
        return self._once("what follows from the evidence", lambda: papers_of(evidence))

    @property
    def release(self) -> Artifact:
        """The manifest of the release that was signed."""
        found = self.evidence.release
        if found is None:
            raise InputError("no manifest of the release lies among the others; sign puts it there")
        return found

    def read(self, name: str) -> bytes:
        """Read a small file of the bundle.

        Raises:
            InputError: it is not there, no plain file, or cannot be read.
        """
        if name not in self.listing.sizes:
            raise InputError(f"{name} is missing")
        try:
            return read_plain(self.folder, name, self._largest(name))
        except OSError as failed:
            raise InputError(f"{name} cannot be read: {failed.strerror}") from failed

    def _largest(self, name: str) -> int:
        """How much of a file is read at once: what nobody vouches for may be made to cost memory and hours."""
        if name == SIGNATURE:
            return UNSIGNED
        signed = self._peek("the signature", self._signature)
        found = self.listing.files.get(name)
        vouched = isinstance(signed, Signed) and found and signed.files.get(name) == found.sha256
        return LARGEST if vouched else UNSIGNED

    def _signature(self) -> Signed:
        return read_signature(self.read(SIGNATURE), self.trusted)

    def _seal(self) -> Artifact:
        return read_evidence_manifest(self.read(MANIFEST), MANIFEST, self.folder)

    def _evidence(self) -> Evidence:
        if self.listing.strange:
            raise UnseenError("the folder holds what is no plain file; evidence is not read out of it")
        for name, size in self.listing.sizes.items():
            if name.endswith(".json") and size > self._largest(name):
                raise UnseenError(f"{name} has {size} bytes, and nobody whom you trust signed it; it is not read")
        try:
            return evidence_of(self.folder)
        except PotstillError as refused:
            raise type(refused)(str(refused).replace(f"{self.folder}/", "")) from refused
        except OSError as failed:
            raise InputError(f"the evidence cannot be read: {explain(failed, 'evidence')}") from failed

    def _once(self, what: str, read: Callable[[], Value]) -> Value:
        """Read what was not read yet; why it cannot be is told once."""
        if what in self._told:
            raise UnseenError(f"not looked at: {what} could not be read, as is said above")
        found = self._peek(what, read)
        if isinstance(found, PotstillError):
            self._told.add(what)
            raise found
        return found

    def _peek(self, what: str, read: Callable[[], Value]) -> Value | PotstillError:
        """Read what was not read yet; why it cannot be is kept for whoever tells it."""
        if what not in self._found:
            try:
                self._found[what] = read()
            except PotstillError as refused:
                self._found[what] = refused
        return cast("Value | PotstillError", self._found[what])


def bundle_digest(case: Case) -> str:
    """Name the bundle: SHA-256 (hex) of its seal."""
    return digest_of(case.read(MANIFEST))
