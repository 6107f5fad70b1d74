"""The proof that nobody is given a bundle without: that of potstill verify."""

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from potstill.errors import ArtifactError, OptionError
from potstill.publish.config import PublishConfig
from potstill.signing.trust import Trusted, read_trusted
from potstill.verify.policy import Policy, make_policy, read_policy
from potstill.verify.proving import verify_bundle

SHOWN = 3  # of all that is wrong, in a line


def require_proof(bundle: Path, config: PublishConfig, called: str = "") -> None:
    """Let a bundle through that is proved, whole, by a trusted signer, and what the policy asks.

    Args:
        bundle: its folder.
        config: whom to trust and what to ask.
        called: how the message calls it; empty is by its path.

    Raises:
        ArtifactError: it is not proved.
        OptionError: nobody to trust, or a policy that is none.
        InputError: a key that cannot be read.
    """
    proof = verify_bundle(bundle, _trusted(config), _policy(config.policy))
    if not proof.proved:
        more = f"; and {len(proof.wrong) - SHOWN} more" if len(proof.wrong) > SHOWN else ""
        raise ArtifactError(
            f"{called or bundle} is not proved: {'; '.join(proof.wrong[:SHOWN])}{more}; potstill verify tells all of it"
        )


def _trusted(config: PublishConfig) -> Trusted:
    if not config.public_key and not config.ca:
        raise OptionError("nothing says whom to trust; give --key with a public key, or --ca with certificates")
    with _file(config.public_key) as keys, _file(config.ca) as authorities:
        return read_trusted(keys, authorities)


@contextmanager
def _file(pem: str) -> Iterator[tuple[Path, ...]]:
    """The file that an option names, or one of the text that it is."""
    if not pem.lstrip().startswith("-----BEGIN"):
        yield (Path(pem),) if pem else ()
        return
    with TemporaryDirectory() as folder:
        path = Path(folder) / "given.pem"
        path.write_text(pem, encoding="utf-8")
        yield (path,)


def _policy(given: str) -> Policy:
    if not given:
        return Policy()
    if "=" not in given:
        return read_policy(Path(given))
    try:
        return make_policy(tomllib.loads(given))
    except tomllib.TOMLDecodeError as broken:
        raise OptionError(f"policy is not TOML: {broken}") from None
