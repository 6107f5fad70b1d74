"""What sign may be asked. The key is no option: options stand in pipelines, manifests and logs."""

from typing import Annotated

from pydantic import field_validator

from potstill.evidence.manifest import DIGEST
from potstill.options import UNRECORDED, options


@options
class SignConfig:
    """Which release is signed."""

    release_digest: Annotated[str, UNRECORDED] = ""
    """Digest that the release must have, as somebody read and approved it; empty signs the release that is given."""

    @field_validator("release_digest")
    @classmethod
    def _is_digest(cls, value: str) -> str:
        if value and not DIGEST.fullmatch(value):
            raise ValueError(f"release_digest must be 64 hexadecimal digits in small letters, got {value!r}")
        return value
