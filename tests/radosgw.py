"""A real S3 server for tests: Ceph's radosgw over one monitor and one store in memory, all on 127.0.0.1.

Four programs of Debian's own packages; no container, no root, nothing on the disk but a few megabytes of keys and
logs, which go with the folder. It is up in about 1.5 s and takes 150 MB, and what is put into it.
"""

import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from uuid import uuid4

PACKAGES = "radosgw ceph-mon ceph-osd ceph-common"
PROGRAMS = ("radosgw", "radosgw-admin", "ceph-mon", "monmaptool", "ceph-osd", "ceph", "ceph-authtool", "setpriv")
START_SECONDS = 90  # a busy machine; by itself it takes 1.5
# No manager: nothing here reads its figures, and it takes twice the memory of all the rest.
CONFIGURATION = """
[global]
fsid = {fsid}
mon host = [v2:127.0.0.1:{monitor}]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
# Without cephx, the gateway of Ceph 16 waits for ever.
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
keyring = {folder}/keyring
# A socket's path has room for 107 characters, and folders of tests are deep.
admin socket =
run dir = {folder}
crash dir = {folder}
log file = {folder}/$name.log
mon cluster log file = {folder}/cluster.log
mon data = {folder}/monitor
osd data = {folder}/store
rgw data = {folder}/gateway
# A monitor waits so long for more changes to write them together; with a second each, the start takes eleven.
paxos propose interval = 0.05
paxos min wait = 0.01
osd objectstore = memstore
memstore device bytes = 4294967296
osd crush chooseleaf type = 0
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pg autoscale mode = off
mon allow pool size one = true
rgw rados pool pg num min = 1
rgw frontends = beast endpoint=127.0.0.1:{gateway}
# What was deleted gives its memory back at once, not after two hours.
rgw gc obj min wait = 1
rgw gc processor period = 2
"""
KEYS = {
    "mon.": ("mon", "allow *"),
    "client.admin": ("mon", "allow *", "osd", "allow *"),
    "osd.0": ("mon", "allow profile osd", "osd", "allow *"),
}


@dataclass(frozen=True)
class Server:
    """An S3 server and its one user."""

    endpoint: str
    access_key: str
    secret_key: str


def missing_programs() -> list[str]:
    """Name the programs that are not installed."""
    return [program for program in PROGRAMS if not shutil.which(program)]


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """Run a server while the block runs.

    Args:
        folder: an empty folder for its files.

    Raises:
        RuntimeError: a program failed; the message ends with what it said.
    """
    gateway = _configure(folder)
    server = Server(f"http://127.0.0.1:{gateway}", token_hex(10), token_hex(20))
    with ExitStack() as running:
        _start(running, folder, "ceph-mon", "--id", "a")
        store = str(uuid4())
        _run(folder, "ceph", "osd", "new", store, "0")
        _run(folder, "ceph-osd", "--id", "0", "--mkfs", "--osd-uuid", store)
        _start(running, folder, "ceph-osd", "--id", "0")
        _wait_for(server, folder, _start(running, folder, "radosgw", "--id", "admin"))
        keys = ("--access-key", server.access_key, "--secret-key", server.secret_key)
        _run(folder, "radosgw-admin", "user", "create", "--uid", "test", "--display-name", "test", *keys)
        yield server


def _configure(folder: Path) -> int:
    """Write the configuration, the keys and the monitor's first state; return the gateway's port."""
    (monitor, gateway), fsid = _free_ports(2), str(uuid4())
    for name in ("monitor", "store", "gateway"):
        (folder / name).mkdir()
    text = CONFIGURATION.format(fsid=fsid, folder=folder, monitor=monitor, gateway=gateway)
    (folder / "ceph.conf").write_text(text)
    keyring, monmap = str(folder / "keyring"), str(folder / "monmap")
    _run(folder, "ceph-authtool", "--create-keyring", keyring)
    for name, rights in KEYS.items():
        given = [argument for pair in zip(rights[::2], rights[1::2], strict=True) for argument in ("--cap", *pair)]
        _run(folder, "ceph-authtool", keyring, "--gen-key", "--name", name, *given)
    address = f"[v2:127.0.0.1:{monitor}]"
    _run(folder, "monmaptool", "--create", "--addv", "a", address, "--fsid", fsid, monmap)
    _run(folder, "ceph-mon", "--id", "a", "--mkfs", "--monmap", monmap, "--keyring", keyring)
    return gateway


def _free_ports(count: int) -> list[int]:
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _run(folder: Path, program: str, *arguments: str) -> None:
    command = [program, "--conf", str(folder / "ceph.conf"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=START_SECONDS)
    if done.returncode:
        raise RuntimeError(f"{program} {arguments[0]}: {done.stdout}{done.stderr}")


def _start(running: ExitStack, folder: Path, program: str, *arguments: str) -> "subprocess.Popen[bytes]":
    """Start a daemon that ends with the block, and with this process, however that ends."""
    log = running.enter_context((folder / f"{program}.out").open("wb"))
    command = ["setpriv", "--pdeathsig", "KILL", program, "--conf", str(folder / "ceph.conf"), "--foreground"]
    daemon = subprocess.Popen([*command, *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    running.callback(daemon.wait)
    running.callback(daemon.kill)  # nothing in it is worth an orderly end of 5 s
    return daemon


def _wait_for(server: Server, folder: Path, gateway: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and gateway.poll() is None:
        try:
            with urllib.request.urlopen(server.endpoint, timeout=5):
                return
        except OSError:
            time.sleep(0.05)
    said = "".join(log.read_text(errors="replace")[-1000:] for log in sorted(folder.glob("*.out")))
    raise RuntimeError(f"radosgw did not come up in {START_SECONDS} s: {said}")
