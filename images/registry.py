"""What an image registry holds, asked by skopeo.

skopeo and no library of ours: it is kept by the people of podman and buildah, stands in Debian, Homebrew and GitHub's
runners, needs no daemon, proves every manifest and configuration against its digest, and finds credentials where
`docker login`, `podman login` and credential helpers put them. (docker buildx imagetools gives no labels of a foreign
platform and is not in Debian 12; oras for Python is one more dependency that follows the same protocol; plain requests
would be our own code for tokens, helpers and digests.)
"""

import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from potstill.errors import InputError, MissingError, OptionError

PROGRAM = "skopeo"
SECONDS = 120  # for one answer; a registry that says nothing for longer is gone
HOST = r"(?P<host>localhost|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+|[A-Za-z0-9-]+(?=:))(?P<port>:\d+)?"
PART = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
REFERENCE = re.compile(rf"(?:{HOST}/)?(?P<path>{PART}(?:/{PART})*):(?P<tag>\w[\w.-]{{0,127}})", re.ASCII)
LOOPBACK = re.compile(r"(localhost|127(\.\d{1,3}){3})(:\d+)?/")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
SAID = re.compile(r'level=fatal msg="((?:[^"\\]|\\.)*)"')
FRAME = re.compile(r'^Error parsing image name "[^"]*": (?:Error )?')  # it names the image a second time
ABSENT = ("manifest unknown", "name unknown", "repository name not known", "was deleted or has expired")


@dataclass(frozen=True)
class Held:
    """An image that a registry holds.

    Attributes:
        name: registry and path, without tag or digest.
        digest: of its manifest, or of the list of its platforms' manifests.
        media_type: of that document.
        platforms: digest of each platform's manifest, by a name as linux/arm64.
    """

    name: str
    digest: str
    media_type: str
    platforms: Mapping[str, str]


def qualified(reference: str) -> tuple[str, str]:
    """Take apart name:tag as Docker understands it; return the full name and the tag.

    Raises:
        OptionError: it is something else; a name without a tag, too, because `latest` is nobody's release.
    """
    found = REFERENCE.fullmatch(reference)
    if found is None:
        raise OptionError(f"{reference!r} is no image; wanted is name:tag, as python:3.11-slim-bookworm")
    if found["host"]:
        return f"{found['host']}{found['port'] or ''}/{found['path']}", found["tag"]
    return f"docker.io/{found['path'] if '/' in found['path'] else 'library/' + found['path']}", found["tag"]


def resolve(name: str, which: str) -> Held:
    """Find an image by its tag or digest.

    Its digest is that of the bytes that came, whatever the registry's header says, and the registry must give the
    same bytes when it is asked by that digest.

    Args:
        name: the full name.
        which: `:tag` or `@digest`.

    Raises:
        MissingError: the registry has no such image.
        InputError: it cannot be reached, or does not answer as a registry.
    """
    document = _ask(f"{name}{which}", "--raw")
    digest = f"sha256:{hashlib.sha256(document).hexdigest()}"
    if _ask(f"{name}@{digest}", "--raw") != document:
        raise InputError(f"{name}{which} came as {digest}, and by that digest came other bytes; ask another registry")
    content = _object(document, f"{name}{which}")
    media_type = str(content.get("mediaType", ""))
    if "manifests" in content:
        return Held(name, digest, media_type, _platforms(content, f"{name}{which}"))
    return Held(name, digest, media_type, {_platform(_configuration(name, digest)): digest})


def labels(name: str, digest: str) -> dict[str, str]:
    """Read the labels of one platform's image.

    Args:
        name: the full name.
        digest: of that platform's manifest.
    """
    given = _configuration(name, digest).get("config") or {}
    return dict(given.get("Labels") or {})


def _configuration(name: str, digest: str) -> dict[str, Any]:
    return _object(_ask(f"{name}@{digest}", "--config", "--raw"), f"{name}@{digest}")


def _platforms(content: dict[str, Any], shown: str) -> dict[str, str]:
    """Read a list of manifests; those of platform unknown are attestations, and run nowhere."""
    found = {}
    try:
        for each in content["manifests"]:
            if (name := _platform(each["platform"])) != "unknown/unknown":
                found[name] = each["digest"]
    except (KeyError, TypeError, AttributeError) as broken:
        raise InputError(f"{shown} is no list of manifests with platforms; push the image again") from broken
    wrong = [f"{name} {digest!r}" for name, digest in found.items() if not DIGEST.fullmatch(str(digest))]
    if wrong or not found:
        raise InputError(f"{shown} lists {', '.join(wrong) or 'no platform'}; wanted is a sha256 for each")
    return dict(sorted(found.items()))


def _platform(described: Mapping[str, Any]) -> str:
    parts = (described.get("os"), described.get("architecture"), described.get("variant"))
    return "/".join(str(part) for part in parts if part)


def _object(document: bytes, shown: str) -> dict[str, Any]:
    try:
        content = json.loads(document)
    except ValueError as broken:
        raise InputError(f"{shown} is answered with no JSON ({broken}); is it an image registry?") from broken
    if not isinstance(content, dict):
        raise InputError(f"{shown} is answered with no manifest; is it an image registry?")
    return content


def _ask(image: str, *how: str) -> bytes:
    """Ask skopeo; HTTPS with proved certificates, except where the registry is on this machine."""
    program = shutil.which(PROGRAM)
    if program is None:
        raise InputError(f"{PROGRAM} is not installed, which asks registries; apt-get install {PROGRAM}")
    secure = "false" if LOOPBACK.match(image) else "true"
    command = (program, "--command-timeout", f"{SECONDS}s", "inspect", f"--tls-verify={secure}", *how)
    done = subprocess.run((*command, f"docker://{image}"), capture_output=True, check=False)
    if done.returncode:
        raise _refusal(image, done.stderr.decode(errors="replace").strip())
    return done.stdout


def _refusal(image: str, said: str) -> InputError:
    found = SAID.search(said)
    why = FRAME.sub("", found[1].replace('\\"', '"')) if found else said[-300:]
    if any(words in why for words in ABSENT):
        return MissingError(f"{image} is not there; push it first")
    return InputError(f"{image} cannot be read: {why}; is the registry up, and does `docker login` know it?")
