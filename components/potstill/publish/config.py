"""The options of publish: whom to trust, and what to ask of a bundle, before anybody is given it."""

from typing import Annotated

from tyro.conf import arg

from potstill.options import options


@options
class PublishConfig:
    """What a bundle is verified against before it is published.

    Each is a file, or what stands in it: a pipeline's parameter is no file.
    """

    public_key: Annotated[str, arg(aliases=["--key"])] = ""
    """The public key that must have signed: a PEM file, or its text."""
    ca: str = ""
    """The authority whose certificate must name the signer: a PEM file, or its text."""
    policy: str = ""
    """What is asked of the release besides: a TOML file of potstill verify, or its text; empty: a verdict of pass."""
