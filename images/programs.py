"""Other people's programs, run to their end."""

import shutil
import subprocess

from potstill.errors import InputError

# buildah's: no time of day in a layer, and no label with its own version.
SAME_BYTES = ("--quiet", "--isolation=chroot", "--timestamp=0", "--identity-label=false", "--layers")
LOOPBACK = ("localhost:", "127.0.0.1:")


def require(program: str, *arguments: str) -> str:
    """Run a program that must succeed; return what it printed.

    Raises:
        InputError: it is not installed, or it fails; its own words are on stderr.
    """
    if not shutil.which(program):
        raise InputError(f"{program} is not installed; on Debian: apt-get install {program}")
    done = subprocess.run([program, *arguments], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise InputError(f"{program} {arguments[0]} failed with exit code {done.returncode}; its message is above")
    return done.stdout.strip()


def insecure(image: str) -> tuple[str, ...]:
    """Allow plain HTTP to a registry on this machine, and to no other."""
    return ("--tls-verify=false",) if image.startswith(LOOPBACK) else ()


def refusal_of(program: str, *arguments: str) -> str:
    """Run a program that may fail; return the last line of what it says then, or "" when it succeeds."""
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    return (done.stderr.strip().splitlines() or ["no word"])[-1] if done.returncode else ""


def succeeds(program: str, *arguments: str) -> bool:
    """Run a program that may fail, as a question; tell whether it succeeded."""
    if not shutil.which(program):
        return False
    return subprocess.run([program, *arguments], capture_output=True, check=False).returncode == 0
