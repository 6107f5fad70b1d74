"""What the audit in a pod stops and tells, each kind by a Python of its own; no image is needed."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.launcher.pod import AUDIT, Audit

FREE = """
import os, shutil, tempfile, pathlib, socket
place = pathlib.Path(tempfile.mkdtemp())
(place / "a").write_text("x")
(place / "a").rename(place / "b")
os.symlink("b", place / "link")
(place / "deep" / "er").mkdir(parents=True)
(place / "deep" / "er" / "c").touch()
os.chdir(place)
open("relative", "w").close()
shutil.rmtree(place)
open(os.devnull, "w").close()
open("/etc/hostname").read()
"""


def audited(code, writable, *, endpoint="", arguments=()):
    variables = Audit(endpoint).environment(str(AUDIT), [str(each) for each in writable])
    return subprocess.run(
        [sys.executable, *arguments, "-c", code],
        env={**variables, "TMPDIR": str(writable[0]), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def refusals(done):
    return [line for line in done.stderr.splitlines() if line.startswith("potstill-audit: refused ")]


@pytest.fixture
def inside(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "there").write_text("mine")
    return tmp_path / "in"


def test_what_a_stage_may_do_goes_on(inside):
    done = audited(FREE, [inside])
    assert (done.returncode, done.stderr) == (0, "potstill-audit: watches\n")


@pytest.mark.parametrize(
    "code",
    [
        "open('{out}/new', 'w')",
        "open('{out}/there', 'a')",
        "open('{out}/there', 'r+')",
        "os.open('{out}/new', os.O_WRONLY | os.O_CREAT)",
        "os.mkdir('{out}/new')",
        "os.makedirs('{out}/new/er')",
        "os.remove('{out}/there')",
        "os.rename('{out}/there', '{out}/elsewhere')",
        "os.rename('{out}/there', '{inside}/taken')",
        "os.rmdir('{out}')",
        "os.symlink('/etc', '{out}/link')",
        "os.link('{out}/there', '{out}/link')",
        "os.chmod('{out}/there', 0o777)",
        "os.utime('{out}/there')",
        "os.truncate('{out}/there', 0)",
        "shutil.rmtree('{out}')",
        "pathlib.Path('{inside}/../out/there').write_text('x')",
        "os.chdir('{out}'); open('relative', 'w')",
        "os.remove('there', dir_fd=os.open('{out}', os.O_RDONLY))",
        "os.symlink('{out}', '{inside}/way'); open('{inside}/way/there', 'w')",
        "pathlib.Path('{inside}-beside').mkdir()",
    ],
)
def test_a_write_elsewhere_is_refused(code, inside):
    out = inside.parent / "out"
    done = audited(f"import os, pathlib, shutil; {code.format(out=out, inside=inside)}", [inside])
    assert done.returncode == 1
    assert refusals(done)[0].startswith("potstill-audit: refused write: ")
    assert (out / "there").read_text() == "mine"
    assert [each.name for each in out.iterdir()] == ["there"]
    assert not inside.with_name("in-beside").exists()


def test_what_is_caught_is_told_all_the_same(inside):
    done = audited(f"try:\n open('{inside.parent}/x', 'w')\nexcept Exception:\n print('never mind')", [inside])
    assert (done.returncode, done.stdout) == (0, "never mind\n")
    assert refusals(done) == [f"potstill-audit: refused write: {inside.parent}/x (open)"]


@pytest.mark.parametrize(
    "code",
    [
        "socket.create_connection(('127.0.0.1', {port}))",
        "socket.socket().connect(('127.0.0.1', {port}))",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', {port}))",
        "socket.socket().bind(('127.0.0.1', 0))",
        "socket.socket(socket.AF_UNIX).connect('{inside}/none')",
        "socket.gethostbyname('example.org')",
        "socket.getaddrinfo('example.org', 80)",
        "urllib.request.urlopen('http://127.0.0.1:{port}')",
    ],
)
def test_a_connection_is_refused(code, inside):
    with socket.create_server(("127.0.0.1", 0)) as server:
        code = code.format(port=server.getsockname()[1], inside=inside)
        done = audited(f"import socket, urllib.request; {code}", [inside])
        server.settimeout(0)
        with pytest.raises(BlockingIOError):
            server.accept()
    assert done.returncode == 1
    assert refusals(done)[0].startswith("potstill-audit: refused connect: ")


def test_the_one_endpoint_is_reached(inside):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        done = audited(f"import socket; socket.create_connection(('127.0.0.1', {port}))", [inside],
                       endpoint=f"127.0.0.1:{port}")  # fmt: skip
        server.accept()[0].close()
    assert (done.returncode, refusals(done)) == (0, [])


def test_urllib3_may_ask_whether_there_is_ipv6_and_nothing_more(inside):
    ask = "import socket; socket.socket(socket.AF_INET6).bind(('::1', {port}))"
    assert refusals(audited(ask.format(port=0), [inside])) == []
    assert refusals(audited(ask.format(port=8765), [inside])) != []


def test_a_pickle_that_names_anything_is_refused(inside):
    done = audited("import pickle; pickle.loads(pickle.dumps(print))", [inside])
    assert done.returncode == 1
    assert refusals(done) == ["potstill-audit: refused unpickle: builtins.print"]


@pytest.mark.parametrize(
    "code",
    [
        "subprocess.run(['true'])",
        "subprocess.run('true', shell=True)",
        "subprocess.run([sys.executable, '-m', 'this'])",
        "os.system('true')",
        "os.fork()",
        "os.posix_spawn('/bin/true', ['true'], {{}})",
        "os.execv('/bin/true', ['true'])",
        "os.popen('true')",
        "multiprocessing.get_context('fork').Process(target=print).start()",
    ],
)
def test_a_process_is_refused(code, inside):
    done = audited(f"import multiprocessing, os, subprocess, sys; {code.format()}", [inside])
    assert done.returncode == 1
    assert refusals(done)[0].startswith("potstill-audit: refused start: ")


def test_the_excused_processes_start_and_are_audited(inside):
    measure = "import subprocess, sys; sys.exit(subprocess.run([sys.executable, '-m', {name!r}]).returncode)"
    done = audited(measure.format(name="potstill.measure.footprint"), [inside])
    assert refusals(done) == []
    assert done.stderr.count("potstill-audit: watches") == 2
    again = (
        "import os, sys; os.execv(sys.executable, [sys.executable, '-X', 'utf8', '-c', 'import os; os.mkdir(\"/x\")'])"
    )
    done = audited(again, [inside])
    assert refusals(done) == ["potstill-audit: refused write: /x (os.mkdir)"]


def test_without_its_variables_nothing_is_watched(inside):
    code = f"open({str(inside.parent / 'x')!r}, 'w').close()"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(AUDIT)}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert Path(inside.parent / "x").exists()
