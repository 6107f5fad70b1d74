"""Stop a pod's Python from what no stage may do, and say so, by its audit events (PEP 578).

Python imports this file at its start from a folder on PYTHONPATH. From then on there is a line on file descriptor 2,
which a test looks for, and an error, for

    write       files outside the writable folders: made, opened for writing, renamed, removed, their rights changed
    connect     sockets to anywhere but the one endpoint, names looked up, ports opened
    unpickle    any class or function that a pickle names
    start       any process, but for the three that EXCUSED tells of

The line is there even where the error is caught. What C code does by itself makes no event, and some of Python's own
calls make none (listen without bind, mkfifo, _posixsubprocess, SQL's ATTACH, a path relative to an open folder); for
that the pod's own limits are. Four variables set it up: POTSTILL_AUDIT_WRITABLE (folders, colon-separated),
POTSTILL_AUDIT_ENDPOINT (host:port), PYTHONPATH (this file's folder), and PYTHONDONTWRITEBYTECODE, which images set:
Python's cache of compiled modules would be a write, too. A line at the start tells that the audit is there at all.
"""

# ruff: noqa: PTH100, PTH115, PTH117, PTH118, PTH119, PTH120 - a hook is called from anywhere; pathlib is more to call
import os
import sys

WATCHES = "potstill-audit: watches\n"
REFUSED = "potstill-audit: refused "
WRITABLE = tuple(filter(None, os.environ.get("POTSTILL_AUDIT_WRITABLE", "").split(os.pathsep)))
DEVICES = ("/dev/null", "/dev/tty", "/dev/shm")
ENDPOINT = os.environ.get("POTSTILL_AUDIT_ENDPOINT", "")
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

# Events of files: the places of paths in their arguments, and of the folders (dir_fd) that these are relative to.
CHANGES = {
    "os.mkdir": ((0, 2),),
    "os.remove": ((0, 1),),
    "os.rmdir": ((0, 1),),
    "os.rename": ((0, 2), (1, 3)),
    "os.link": ((1, 3),),
    "os.symlink": ((1, 2),),
    "os.chmod": ((0, 2),),
    "os.chown": ((0, 3),),
    "os.utime": ((0, 3),),
    "os.truncate": ((0, None),),
    "os.setxattr": ((0, None),),
    "sqlite3.connect": ((0, None),),
}
CONNECTIONS = {"socket.connect": 1, "socket.sendto": 1, "socket.sendmsg": 1, "socket.bind": 1}
LOOKUPS = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo")
PROCESSES = ("os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system", "pty.spawn")


class RefusedError(RuntimeError):
    """Something that no stage may do."""


def watch(event, arguments):
    """Refuse an event that is not allowed; Python calls it with each."""
    if event == "open":
        path, _, flags = arguments
        if flags & WRITING and not isinstance(path, int):
            _keep_within(event, path, None)
    elif event in CHANGES:
        for path, folder in CHANGES[event]:
            _keep_within(event, arguments[path], None if folder is None else arguments[folder])
    elif event in CONNECTIONS:
        _reach(event, arguments[CONNECTIONS[event]])
    elif event in LOOKUPS:
        _look_up(event, arguments)
    elif event == "pickle.find_class":
        _refuse("unpickle", f"{arguments[0]}.{arguments[1]}")
    elif event == "subprocess.Popen" or event in PROCESSES:
        _start(event, arguments)


def _keep_within(event, path, folder):
    if isinstance(path, int):  # a file that is open: what opened it was looked at
        return
    path = os.fsdecode(path)
    if event == "sqlite3.connect":
        path = path.removeprefix("file:").partition("?")[0]
    if isinstance(folder, int) and folder >= 0 and not os.path.isabs(path):
        path = os.path.join(os.readlink(f"/proc/self/fd/{folder}"), path)
    # A link is what its target is where it is written to, and itself where it is renamed or removed.
    follows = event in ("open", "os.truncate", "os.chmod", "os.chown", "os.utime", "os.setxattr")
    real = os.path.realpath(path if follows else os.path.dirname(os.path.abspath(path)))
    real = real if follows else os.path.join(real, os.path.basename(path.rstrip("/")))
    if path == ":memory:" or any(real == each or real.startswith(f"{each}/") for each in (*WRITABLE, *DEVICES)):
        return
    _refuse("write", f"{real} ({event})")


def _reach(event, address):
    if address is None:  # sendmsg on what is connected
        return
    place = f"{address[0]}:{address[1]}" if isinstance(address, tuple) else address
    if (event, address) in EXCUSED_ADDRESSES:
        return
    if event == "socket.bind" or place != ENDPOINT:
        _refuse("connect", f"{place!r} ({event})")


def _look_up(event, arguments):
    host = arguments[0][0] if isinstance(arguments[0], tuple) else arguments[0]
    if host != ENDPOINT.rpartition(":")[0]:
        _refuse("connect", f"{host!r} ({event})")


def _start(event, arguments):
    command = arguments[1] if event in ("subprocess.Popen", "os.exec") else ()
    words = [os.fsdecode(each) for each in command] if isinstance(command, list | tuple) else [str(command)]
    if any(words[: len(each)] == each for each in EXCUSED.get(event, ())):
        return
    _refuse("start", f"{' '.join(words)} ({event})" if words else event)


# urllib3 learns at its import whether there is IPv6, by a socket that nobody listens on (urllib3/util/connection.py).
EXCUSED_ADDRESSES = (("socket.bind", ("::1", 0)),)
EXCUSED = {
    # validate measures a model's memory and cold start in a Python of its own (potstill/measure/footprint.py);
    # matplotlib asks for the system's fonts by a program that no image has, and takes its own (its font_manager.py).
    "subprocess.Popen": ([sys.executable, "-m", "potstill.measure.footprint"], ["fc-list", "--help"]),
    # Under a locale that knows ASCII alone, Python starts itself again in UTF-8 mode: components/potstill/entry.py
    "os.exec": ([sys.executable, "-X", "utf8"],),
}


def _refuse(what, how):
    line = f"{REFUSED}{what}: {how}\n"
    os.write(2, line.encode("utf-8", "backslashreplace"))
    raise RefusedError(line.strip())


if "POTSTILL_AUDIT_WRITABLE" in os.environ:
    os.write(2, WATCHES.encode())
    sys.addaudithook(watch)
