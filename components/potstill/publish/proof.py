"""The proof that nobody is given a bundle without: that of potstill verify."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from potstill.errors import ArtifactError, OptionError
from potstill.publish.config import PublishConfig
from potstill.signing.certificates import load_authorities
from potstill.signing.keys import load_public
from potstill.signing.shown_path import BEGIN
from potstill.signing.trust import Trusted, read_trusted
from potstill.verify.policy import Policy, make_policy, read_policy
from potstill.verify.proof import Proof
from potstill.verify.proving import verify_bundle

SHOWN = 3  # of all that is wrong, in a line


@dataclass(frozen=True)
class Asked:
    """Whom to trust, and what to ask of a bundle besides."""

    trusted: Trusted
    policy: Policy


def read_asked(config: PublishConfig) -> Asked:
    """Read what the options name, before anything large is read or fetched for it.

    Raises:
        OptionError: nobody to trust, a policy that is none, or a private key in place of a path.
        InputError: a key, a certificate or a policy that cannot be read.
    """
    if not config.public_key and not config.ca:
        raise OptionError("nothing says whom to trust; give --key with a public key, or --ca with certificates")
    return Asked(_trusted(config.public_key, config.ca), _policy(config.policy))


def require_proof(bundle: Path, asked: Asked, called: str = "") -> Proof:
    """Let a bundle through that is proved, whole, by a trusted signer, and what the policy asks.

    Args:
        bundle: its folder.
        asked: whom to trust and what to ask.
        called: how the message calls it; empty is by its path.

    Returns: the proof, with the digest of every file that it is about.

    Raises:
        ArtifactError: it is not proved.
    """
    proof = verify_bundle(bundle, asked.trusted, asked.policy)
    if not proof.proved:
        more = f"; and {len(proof.wrong) - SHOWN} more" if len(proof.wrong) > SHOWN else ""
        raise ArtifactError(
            f"{called or bundle} is not proved: {'; '.join(proof.wrong[:SHOWN])}{more}; potstill verify tells all of it"
        )
    return proof


def _trusted(key: str, ca: str) -> Trusted:
    """Read a key and authorities, each out of the file that an option names, or out of the text that it is."""
    named = read_trusted([Path(key)] if key and BEGIN not in key else [], [Path(ca)] if ca and BEGIN not in ca else [])
    keys = (load_public(key.encode(), "the public key"),) if BEGIN in key else ()
    authorities = load_authorities(ca.encode(), "the authority") if BEGIN in ca else ()
    return Trusted(named.keys + keys, named.authorities + authorities)


def _policy(given: str) -> Policy:
    if not given:
        return Policy()
    if BEGIN in given or "=" not in given:
        return read_policy(Path(given))
    try:
        return make_policy(tomllib.loads(given))
    except tomllib.TOMLDecodeError as broken:
        raise OptionError(f"policy is not TOML: {broken}") from None
