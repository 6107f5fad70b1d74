"""What a run needs that ends with a release, asked for before hours of work are done: a key, readers, a store."""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pipelines.parameters import Values
from potstill.errors import MissingError, OptionError
from potstill.progress import tell
from potstill.publish.config import PublishConfig
from potstill.publish.pointer import load_pointer
from potstill.publish.proof import Asked, read_asked
from potstill.signing.certificates import CERTIFICATE, load_authorities, verify_chain
from potstill.signing.keys import KEY, load_public, read_pem
from potstill.signing.shown_path import BEGIN
from potstill.signing.trust import Signer, read_signer
from potstill.store.conditions import require_conditions
from potstill.store.places import check_place, open_place
from potstill.verify.policy import read_policy_text

NAME, PLACE, OVERRIDE = "release_name", "release_place", "release_override"
READERS = {"public_key": "release_public_key", "ca": "release_ca"}  # options of publish: the pipeline's names for them
POLICY = "release_policy"
OF_PUBLISH = (*READERS.values(), POLICY)


def with_texts(values: Values) -> Values:
    """Hand public keys, authorities and the policy on as text, whatever file is named: publish may run elsewhere.

    Raises:
        PotstillError: a file cannot be read, or holds something else.
    """
    named = {name: str(values[name]) for name in OF_PUBLISH if values.get(name)}
    files = {name: Path(given) for name, given in named.items() if not _is_text(name, given)}
    return values | {name: _text(name, path) for name, path in files.items()}


def check_release(values: Values) -> None:
    """Refuse what publish would refuse at the end of the run.

    Args:
        values: parameters of the pipeline, after `with_texts`.

    Raises:
        PotstillError: a place that is none, nobody to trust, or a policy that this release cannot meet.
    """
    if not values.get(NAME):
        return
    if not values.get(PLACE):
        unused = [name for name in OF_PUBLISH if values.get(name)]
        if unused:
            raise OptionError(f"{', '.join(unused)} without {PLACE} proves nothing; pass --set {PLACE}=s3://bucket/…")
        return
    try:
        check_place(str(values[PLACE]))
    except OptionError as refused:
        raise OptionError(f"{PLACE}: {refused}") from None
    _refuse_what_policy_refuses(values, _asked(values))


def require_signer(values: Values) -> None:
    """Refuse a run on this machine that could not sign its release at the end, or not for those who are to trust it.

    Args:
        values: parameters of the pipeline, after `with_texts`.

    Raises:
        OptionError: nothing names a key's file, or another key signs than publish is to trust.
        PotstillError: the file holds no key that signs, the certificate is not its own, or the store does not answer.
    """
    signer = _signer()
    if values.get(PLACE):
        _refuse_other_signer(signer, _asked(values))
        _require_store(values)


def _is_text(name: str, given: str) -> bool:
    return "=" in given if name == POLICY else BEGIN in given


def _text(name: str, path: Path) -> str:
    """Read a file that a parameter names, once it is what it is to be: a private key's text goes nowhere."""
    if name == POLICY:
        return read_policy_text(path)
    text = read_pem(path, name)
    (load_public if name == READERS["public_key"] else load_authorities)(text, path)
    return text.decode("ascii", "replace")


def _asked(values: Values) -> Asked:
    if not any(values.get(name) for name in READERS.values()):
        raise OptionError(
            f"{PLACE} without {' or '.join(READERS.values())}: nothing says who must have signed what is published; "
            f"pass --set {READERS['public_key']}=release.pub"
        )
    given = {option: str(values.get(name, "")) for option, name in READERS.items()}
    return read_asked(PublishConfig(**given, policy=str(values.get(POLICY, ""))))


def _refuse_what_policy_refuses(values: Values, asked: Asked) -> None:
    policy = asked.policy
    if values.get(OVERRIDE) and not policy.override:
        raise OptionError(
            f"{OVERRIDE} with {PLACE}: publish lets an override in by name only; pass --set {POLICY}='override = true' "
            "and the verdicts that may be overridden, or publish nothing"
        )
    for name, wanted in ((NAME, policy.name), ("release_version", policy.version)):
        if wanted and name in values and values[name] != wanted:
            raise OptionError(f"{POLICY} asks for {wanted!r}, and {name} is {values[name]!r}")


def _signer() -> Signer:
    named = {variable: os.environ.get(variable, "") for variable in (KEY, CERTIFICATE)}
    if not named[KEY]:
        raise OptionError(
            f"{NAME} asks for a signed bundle, and {KEY} names no key; "
            f"make one with `potstill keys new release.key`, and set {KEY}=release.key"
        )
    signer = read_signer(Path(named[KEY]), Path(named[CERTIFICATE]) if named[CERTIFICATE] else None)
    for variable, given in named.items():
        if given:
            os.environ[variable] = str(Path(given).resolve())  # steps may run in another folder
    return signer


def _refuse_other_signer(signer: Signer, asked: Asked) -> None:
    if signer.key.public_key() in asked.trusted.keys:
        return
    if not signer.chain or not asked.trusted.authorities:
        raise OptionError(
            f"{KEY} names another key than the one whose public half {READERS['public_key']} is; publish would refuse "
            "what it signs"
        )
    verify_chain(signer.chain, asked.trusted.authorities)


def _require_store(values: Mapping[str, Any]) -> None:
    """Refuse a store that takes no release; say where it has one of this name and version."""
    store, name, version = open_place(str(values[PLACE])), str(values[NAME]), str(values["release_version"])
    require_conditions(store)
    with suppress(MissingError):
        there = load_pointer(store, name, version).bundle
        tell(f"{store.uri} has {name} {version} already: publish refuses any other bundle than {there[:12]}…")
