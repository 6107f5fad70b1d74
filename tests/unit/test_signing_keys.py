"""Keys: made for their owner alone, read in PEM, and refused in one line that holds nothing of them."""

import os
import re
import stat
import traceback
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_public_key,
)

from potstill.entry import main as entry
from potstill.errors import InputError, OptionError
from potstill.signing.command import main
from potstill.signing.keys import (
    CURVES,
    LARGEST,
    PASSPHRASE,
    curve_of,
    key_id,
    new_key,
    public_path,
    public_pem,
    read_private,
    read_public,
)

SECRET = "the canary in the coal mine"


@pytest.fixture
def key(tmp_path):
    new_key(tmp_path / "signing.pem")
    return tmp_path / "signing.pem"


def write(path, text, mode=0o600):
    path.write_bytes(text)
    path.chmod(mode)
    return path


def pem(key, *, encryption=None, style=PrivateFormat.PKCS8):
    return key.private_bytes(Encoding.PEM, style, encryption or NoEncryption())


def secrets_of(text):
    """What a reader could rebuild a key from: each line of its PEM, and its number."""
    return {line for line in text.decode().splitlines() if line and "-----" not in line}


@pytest.mark.parametrize("curve", CURVES)
def test_a_new_key_is_read_again(curve, tmp_path):
    public = new_key(tmp_path / "a.pem", curve)
    private = read_private(tmp_path / "a.pem")
    assert curve_of(public) == curve
    assert private.public_key() == public == read_public(tmp_path / "a.pub")
    assert public_path(tmp_path / "a.pem") == tmp_path / "a.pub"
    assert len(key_id(public)) == 64


def test_the_private_half_is_for_its_owner_alone(tmp_path):
    old = os.umask(0)
    try:
        new_key(tmp_path / "a.pem")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "a.pem").stat().st_mode) == 0o600
    assert b"PRIVATE" not in (tmp_path / "a.pub").read_bytes()


@pytest.mark.parametrize("there", ["a.pem", "a.pub"])
def test_a_key_is_never_overwritten(there, tmp_path):
    (tmp_path / there).write_bytes(b"mine")
    with pytest.raises(InputError, match=f"{there} exists, and a key is not overwritten"):
        new_key(tmp_path / "a.pem")
    assert [each.name for each in tmp_path.iterdir()] == [there]
    assert (tmp_path / there).read_bytes() == b"mine"


def test_both_halves_that_are_there_are_named(key):
    with pytest.raises(InputError, match=r"signing\.pem and \S+signing\.pub exist, and a key is not overwritten"):
        new_key(key)


def test_folders_that_are_not_there_are_made_for_their_owner_alone(tmp_path):
    (tmp_path / "there").mkdir(mode=0o755)
    old = os.umask(0)
    try:
        public = new_key(tmp_path / "there" / "a" / "b" / "c.key")
    finally:
        os.umask(old)
    assert read_private(tmp_path / "there" / "a" / "b" / "c.key").public_key() == public
    modes = [stat.S_IMODE((tmp_path / each).stat().st_mode) for each in ("there", "there/a", "there/a/b")]
    assert modes == [0o755, 0o700, 0o700]


@pytest.mark.parametrize("there", ["file", "link"])
def test_what_is_no_folder_holds_no_key(there, tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=rf"{there} cannot be made a folder \(File exists\); pass another file"):
        new_key(tmp_path / there / "a" / "c.key")
    assert {each.name for each in tmp_path.iterdir()} == {"file", "link"}


def test_a_link_to_nowhere_is_not_written_through(tmp_path):
    (tmp_path / "a.pem").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="exists"):
        new_key(tmp_path / "a.pem")
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(("name", "curve", "why"), [("a.pub", "P-256", "no name"), ("a.pem", "P-255", "P-256, P-384")])
def test_what_a_new_key_cannot_be(name, curve, why, tmp_path):
    with pytest.raises(OptionError, match=why):
        new_key(tmp_path / name, curve)
    assert list(tmp_path.iterdir()) == []


def test_a_passphrase_encrypts_and_opens(tmp_path, monkeypatch):
    monkeypatch.setenv(PASSPHRASE, SECRET)
    public = new_key(tmp_path / "a.pem")
    assert b"BEGIN ENCRYPTED PRIVATE KEY" in (tmp_path / "a.pem").read_bytes()
    assert read_private(tmp_path / "a.pem").public_key() == public


def test_a_passphrase_in_the_environment_does_not_matter_to_an_open_key(key, monkeypatch):
    monkeypatch.setenv(PASSPHRASE, SECRET)
    assert read_private(key).public_key() == read_public(public_path(key))


def test_keys_of_openssl_are_read(tmp_path):
    private = ec.generate_private_key(ec.SECP256R1())
    path = write(tmp_path / "sec1.pem", pem(private, style=PrivateFormat.TraditionalOpenSSL))
    assert b"BEGIN EC PRIVATE KEY" in path.read_bytes()
    assert read_private(path).public_key() == private.public_key()


def bad_private_keys():
    p256 = ec.generate_private_key(ec.SECP256R1())
    whole = pem(p256)
    lines = whole.splitlines(keepends=True)
    encrypted = pem(p256, encryption=BestAvailableEncryption(SECRET.encode()))
    return {
        "no file": (None, "cannot be read (No such file or directory)"),
        "empty": (b"", "is not a private key in PEM"),
        "other text": (b"hello\n", "is not a private key in PEM"),
        "a public key": (public_pem(p256.public_key()), "holds a public key; pass the private key"),
        "a certificate": (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "holds a certificate"),
        "RSA": (pem(rsa.generate_private_key(65537, 2048)), "holds a key of the kind RSA; wanted is an elliptic"),
        "DSA": (pem(dsa.generate_private_key(1024)), "holds a key of the kind DSA; wanted is an elliptic"),
        "Ed25519": (pem(ed25519.Ed25519PrivateKey.generate()), "holds a key of the kind Ed25519; wanted"),
        "another curve": (pem(ec.generate_private_key(ec.SECP256K1())), "on the curve secp256k1; wanted is one of"),
        "cut off": (whole[: len(whole) // 2], "is not a whole private key in PEM: cut off, or damaged"),
        "without its end": (b"".join(lines[:-1]), "is not a whole private key in PEM"),
        "without its middle": (lines[0] + lines[-1], "is not a whole private key in PEM"),
        "damaged": (lines[0] + lines[1][::-1] + b"".join(lines[2:]), "is not a whole private key in PEM"),
        "encrypted": (encrypted, f"is encrypted; set {PASSPHRASE} to its passphrase"),
        "cosign's own": (
            b"-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n",
            f"is encrypted; set {PASSPHRASE}",
        ),
        "too large": (whole + b"\n" * LARGEST, f"is larger than {LARGEST} bytes"),
    }


BAD = bad_private_keys()


@pytest.mark.parametrize("what", BAD)
def test_a_bad_private_key_is_refused_in_one_line_that_tells_nothing_of_it(what, tmp_path, capsys, monkeypatch):
    monkeypatch.delenv(PASSPHRASE, raising=False)
    text, why = BAD[what]
    path = tmp_path / "signing.pem"
    if text is not None:
        write(path, text)
    with pytest.raises(InputError, match=re.escape(why)) as refused:
        read_private(path)
    assert_silent_about(text or b"", "".join(traceback.format_exception(refused.value)))
    assert str(refused.value).startswith(str(path))
    assert "\n" not in str(refused.value)
    if "PUBLIC" not in str(text) and text is not None:
        assert main(["show", str(path)]) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert re.fullmatch(r"potstill: error: [^\n]+\n", printed.err)
        assert_silent_about(text, printed.err)


def assert_silent_about(text, printed):
    assert [each for each in secrets_of(text) if len(each) > 8 and each in printed] == []
    assert SECRET not in printed


@pytest.mark.parametrize("damaged", [False, True])
def test_a_wrong_passphrase_is_refused_and_never_shown(damaged, tmp_path, monkeypatch):
    monkeypatch.setenv(PASSPHRASE, SECRET)
    new_key(tmp_path / "a.pem")
    if damaged:
        text = (tmp_path / "a.pem").read_bytes()
        write(tmp_path / "a.pem", text.replace(text[60:64], text[64:60:-1]))
    monkeypatch.setenv(PASSPHRASE, SECRET if damaged else f"not {SECRET}")
    with pytest.raises(
        InputError, match=f"does not open with the passphrase in {PASSPHRASE}, or is damaged"
    ) as refused:
        read_private(tmp_path / "a.pem")
    assert SECRET not in "".join(traceback.format_exception(refused.value))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o666])
def test_a_key_of_ones_own_that_others_may_read_is_refused(key, mode):
    key.chmod(mode)
    with pytest.raises(InputError, match=rf"may be read by others \(mode {mode:04o}\).*chmod 600"):
        read_private(key)


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_key_for_its_owner_is_read(key, mode):
    key.chmod(mode)
    assert read_private(key)


def owned(monkeypatch, path, owner, reader):
    """Let a file seem to be of one user and be read by another: only root may give files away."""
    stat = Path.stat

    def of_owner(self, **options):
        found = stat(self, **options)
        return os.stat_result((*found[:4], owner, *found[5:10])) if self == path else found

    monkeypatch.setattr(Path, "stat", of_owner)
    monkeypatch.setattr(os, "geteuid", lambda: reader)


@pytest.mark.parametrize("mode", [0o440, 0o444, 0o644])
def test_a_secret_that_belongs_to_root_is_read(key, mode, monkeypatch):
    """Kubernetes mounts secrets as root's, for the pod's group or for all in the pod to read."""
    key.chmod(mode)
    owned(monkeypatch, key, owner=0, reader=65532)
    assert read_private(key)


@pytest.mark.parametrize(("owner", "reader"), [(12345, 65532), (12345, 0), (0, 0), (65532, 65532)])
def test_a_key_of_anybody_else_that_others_may_read_is_refused(key, owner, reader, monkeypatch):
    key.chmod(0o644)
    owned(monkeypatch, key, owner, reader)
    with pytest.raises(InputError, match="may be read by others"):
        read_private(key)


@pytest.mark.parametrize("reader", [0, 65532])
def test_a_secret_on_a_mount_that_nobody_writes_to_is_read(key, reader, monkeypatch):
    key.chmod(0o644)
    owned(monkeypatch, key, 12345, reader)
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_flag=os.ST_RDONLY))
    assert read_private(key)


def test_a_folder_is_no_key(tmp_path):
    for read in (read_private, read_public):
        with pytest.raises(InputError, match="cannot be read \\(Is a directory\\)"):
            read(tmp_path)


@pytest.mark.parametrize("what", ["private", "rsa", "curve", "cut", "empty", "certificate", "none"])
def test_a_bad_public_key_is_refused(what, key, tmp_path):
    whole = public_path(key).read_bytes()
    text, why = {
        "private": (key.read_bytes(), "holds a private key; pass the public one"),
        "rsa": (public_pem(rsa.generate_private_key(65537, 2048).public_key()), "holds a key of the kind RSA"),
        "curve": (public_pem(ec.generate_private_key(ec.SECP256K1()).public_key()), "on the curve secp256k1"),
        "cut": (whole[:100], "is not a public key in PEM"),
        "empty": (b"", "is not a public key in PEM"),
        "certificate": (whole.replace(b"PUBLIC KEY", b"CERTIFICATE"), "is not a public key in PEM"),
        "none": (None, "No such file"),
    }[what]
    path = tmp_path / "given.pub"
    if text is not None:
        path.write_bytes(text)
    with pytest.raises(InputError, match=why) as refused:
        read_public(path)
    assert_silent_about(key.read_bytes(), "".join(traceback.format_exception(refused.value)))


def test_the_command_makes_and_shows(tmp_path, capsys):
    path = tmp_path / "signing.pem"
    assert main(["new", str(path), "--curve", "P-384"]) == 0
    made = capsys.readouterr().out
    assert main(["show", str(path)]) == 0
    shown = capsys.readouterr().out
    assert main(["show", str(path.with_suffix(".pub"))]) == 0
    assert capsys.readouterr().out == shown
    public = read_public(path.with_suffix(".pub"))
    assert f"id      {key_id(public)}\n" in made
    assert shown.startswith(f"P-384 {key_id(public)}\n")
    assert load_pem_public_key(shown.encode()) == public
    assert_silent_about(path.read_bytes(), made + shown)


def test_what_is_shown_is_a_public_keys_file(key, capsys, tmp_path):
    assert main(["show", str(key)]) == 0
    (tmp_path / "given.pub").write_text(capsys.readouterr().out)
    assert read_public(tmp_path / "given.pub") == read_public(public_path(key))


@pytest.mark.parametrize(
    "arguments", [["new"], ["make", "a"], ["new", "a", "--curve", "P-1"], ["show", "--bogus", "a"], ["show", "a", "b"]]
)
def test_a_wrong_command_line_is_refused_in_one_line(arguments, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert re.fullmatch(r"potstill: error: [^\n]+\n", printed.err)
    assert printed.out == ""
    assert list(tmp_path.iterdir()) == []


def test_potstill_keys_is_this_command(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["potstill", "keys", "new", str(tmp_path / "a.pem")])
    assert entry() == 0
    assert "give it to nobody" in capsys.readouterr().out
    assert read_private(tmp_path / "a.pem")


def test_help_is_taught(capsys):
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 0
    assert "make a key" in capsys.readouterr().out


@pytest.mark.parametrize("further", ["PUBLIC KEY", "CERTIFICATE"])
def test_a_public_key_among_others_is_not_taken_for_all_of_them(further, key, tmp_path):
    new_key(tmp_path / "b.pem")
    second = (tmp_path / "b.pub").read_text().replace("PUBLIC KEY", further)
    both = write(tmp_path / "both.pub", (public_path(key).read_text() + second).encode())
    with pytest.raises(InputError, match=r"both\.pub holds 2 keys or certificates; wanted is one key"):
        read_public(both)


def test_a_private_key_among_others_is_refused(key, tmp_path):
    new_key(tmp_path / "b.pem")
    both = write(tmp_path / "both.pem", key.read_bytes() + (tmp_path / "b.pem").read_bytes())
    with pytest.raises(InputError, match="holds 2 keys"):
        read_private(both)
