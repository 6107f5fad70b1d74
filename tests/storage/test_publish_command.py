"""From a signed bundle to a proved folder, as people and pipelines do it: over a real server, by the command line."""

import json
import shutil

import pytest
from kfp.dsl import Metrics, Model

from potstill.cli import main
from potstill.errors import ArtifactError, InputError, OptionError
from potstill.publish import PublishConfig, publish_bundle
from potstill.publish.component import publish
from potstill.signing.keys import new_key, public_path
from potstill.store.places import open_place
from potstill.verify.command import main as verify
from tests.published import files_of, make_plain_bundle
from tests.released import TOO_STRICT
from tests.signed import Authority, certify, make_bundle

pytestmark = pytest.mark.s3


@pytest.fixture(scope="module")
def signed(tmp_path_factory):
    """A signed bundle, and the file of the public key."""
    return make_bundle(tmp_path_factory.mktemp("signed"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    """The public key of somebody else."""
    path = tmp_path_factory.mktemp("stranger") / "key.pem"
    new_key(path)
    return public_path(path)


@pytest.fixture
def place(tmp_path):
    return (tmp_path / "store").as_uri()


def said(capsys, *arguments, code=0):
    """Run a command; → what it said on stdout, or the one line on stderr where it is refused."""
    capsys.readouterr()
    assert main([str(each) for each in arguments]) == code
    told = capsys.readouterr()
    if code == 2:
        assert told.err.count("\n") == 1
        assert told.out == ""
        return told.err
    return told.out


def test_the_whole_way(signed, s3_bucket, tmp_path, capsys):
    (bundle, key), place = signed, f"{s3_bucket}/releases of us"
    first = said(capsys, "publish", bundle, place, "--key", key)
    again = said(capsys, "publish", bundle, place, "--key", key)
    uploaded = [float(each.split()[-1]) for each in (first, again)]
    assert uploaded[0] > 100_000
    assert uploaded[1] == 0
    listed = said(capsys, "releases", "list", place).splitlines()
    assert listed[0].split() == ["name", "version", "verdict", "use", "bundle"]
    assert listed[1].split()[:4] == ["headlines", "1.0.0", "pass", "open"]
    shown = said(capsys, "releases", "show", place, "headlines", "1.0.0")
    assert "evidence/statements/" in shown
    assert "tokenize, tokens/v1" in shown
    got = said(capsys, "releases", "fetch", place, "headlines", "1.0.0", "--out", tmp_path / "got", "--key", key)
    assert got == f"headlines 1.0.0 in {tmp_path / 'got'}: {len(files_of(bundle))} files, 0.3 MB, proved\n"
    assert files_of(tmp_path / "got") == files_of(bundle)


def test_a_store_without_releases_is_told_from_a_folder_that_is_not_there(place, tmp_path, s3_bucket, capsys):
    assert "store does not exist or is not a folder" in said(capsys, "releases", "list", place, code=2)
    (tmp_path / "store").mkdir()
    for there in (place, f"{s3_bucket}/nothing"):
        assert main(["releases", "list", there]) == 0
        assert capsys.readouterr() == ("", f"▸ no releases at {there}\n")
    assert main(["releases", "list", place, "--name", "headlines"]) == 0
    assert capsys.readouterr().err == f"▸ no releases of headlines at {place}\n"
    assert json.loads(said(capsys, "releases", "list", place, "--json")) == {"releases": [], "broken": []}


def test_without_a_key_the_fetch_says_that_nothing_is_proved(signed, place, tmp_path, capsys):
    bundle, key = signed
    said(capsys, "publish", bundle, place, "--key", key)
    got = said(capsys, "releases", "fetch", place, "headlines", "1.0.0", "--out", tmp_path / "got")
    assert "not proved: run potstill verify" in got


@pytest.mark.parametrize("arguments", [[], ["--policy", 'name = "headlines"']])
def test_nobody_to_trust_is_refused(signed, place, capsys, arguments):
    assert "nothing says whom to trust" in said(capsys, "publish", signed[0], place, *arguments, code=2)


def test_what_is_not_proved_is_not_published(signed, place, tmp_path, capsys, stranger):
    bundle, key = signed
    shutil.copytree(bundle, tmp_path / "changed")
    (tmp_path / "changed" / "README.md").write_text("trust me")
    plain = make_plain_bundle(tmp_path / "plain")
    asked = ["--key", key, "--policy", 'minimum_version = "1.0.1"']
    for given in (
        [tmp_path / "changed", "--key", key],
        [plain, "--key", key],
        [bundle, "--key", stranger],
        [bundle, *asked],
    ):
        refusal = said(capsys, "publish", given[0], place, *given[1:], code=2)
        assert "is not proved: " in refusal or "is not what was sealed: changed README.md" in refusal
    assert open_place(place).keys() == []


def test_a_link_is_told_as_verify_tells_it(signed, place, tmp_path, capsys):
    shutil.copytree(signed[0], tmp_path / "linked")
    (tmp_path / "linked" / "README.md").unlink()
    (tmp_path / "linked" / "README.md").symlink_to(signed[0] / "README.md")
    verify(["--key", str(signed[1]), str(tmp_path / "linked")])
    told = "README.md is a symbolic link; a bundle holds plain files only"
    assert told in capsys.readouterr().out
    assert told in said(capsys, "publish", tmp_path / "linked", place, "--key", signed[1], code=2)


@pytest.mark.parametrize("joined", [False, True])
def test_a_public_key_may_be_given_as_its_text(joined, signed, place, capsys):
    text = signed[1].read_text()
    said(capsys, "publish", signed[0], place, *([f"--key={text}"] if joined else ["--key", text]))
    assert said(capsys, "releases", "list", place).count("headlines") == 1


def test_what_is_asked_is_read_before_anything_is_fetched(signed, place, tmp_path, capsys):
    said(capsys, "publish", signed[0], place, "--key", signed[1])
    fetch = ("releases", "fetch", place, "headlines", "1.0.0", "--out", tmp_path / "got")
    assert "nothing.pub cannot be read" in said(capsys, *fetch, "--key", "nothing.pub", code=2)
    assert not (tmp_path / ".got.fetching").exists()


def test_what_is_not_proved_is_not_fetched(signed, place, tmp_path, capsys, stranger):
    bundle, key = signed
    said(capsys, "publish", bundle, place, "--key", key)
    out = tmp_path / "got"
    fetch = ("releases", "fetch", place, "headlines", "1.0.0", "--out", out)
    refusal = said(capsys, *fetch, "--key", stranger, code=2)
    assert refusal.startswith(f"potstill: error: headlines 1.0.0 of {place} is not proved: ")
    assert not out.exists()
    assert "is not proved: " in said(capsys, *fetch, "--key", key, "--policy", 'minimum_version = "1.0.1"', code=2)
    assert not out.exists()
    said(capsys, *fetch, "--key", key)
    assert files_of(out) == files_of(bundle)
    assert "is not proved: " in said(capsys, *fetch, "--key", stranger, code=2)  # it is there already, and asked again


def test_a_release_against_its_verdict_takes_a_policy_that_says_so(tmp_path, place, capsys):
    bundle, key = make_bundle(tmp_path, budgets=TOO_STRICT, override="the shop opens today")
    assert "is not proved: " in said(capsys, "publish", bundle, place, "--key", key, code=2)
    (tmp_path / "policy.toml").write_text('override = true\nverdicts = ["fail"]\n')
    said(capsys, "publish", bundle, place, "--key", key, "--policy", tmp_path / "policy.toml")
    assert said(capsys, "releases", "list", place).splitlines()[1].split()[2:4] == ["fail", "(overridden)"]
    assert "override   the shop opens today" in said(capsys, "releases", "show", place, "headlines", "1.0.0")


def test_a_certificate_is_enough(tmp_path, place):
    from potstill.sign import SignConfig, sign_release

    bundle, _ = make_bundle(tmp_path)
    authority = Authority.root()
    chain = certify(tmp_path / "signing.pem", authority)
    shutil.rmtree(bundle)
    sign_release(tmp_path / "release", bundle, SignConfig(), key=tmp_path / "signing.pem", certificate=chain)
    root = authority.write(tmp_path / "root.pem")
    assert publish_bundle(bundle, place, PublishConfig(ca=root.read_text()))["files"] > 50
    with pytest.raises(ArtifactError, match="is not proved"):
        publish_bundle(bundle, place, PublishConfig(ca=str(Authority.root("Another").write(tmp_path / "other.pem"))))


@pytest.mark.parametrize(
    ("config", "kind", "why"),
    [
        ({"public_key": "/nowhere/key.pub"}, InputError, "/nowhere/key.pub"),
        ({"public_key": "-----BEGIN PUBLIC KEY-----\nno\n-----END PUBLIC KEY-----"}, InputError, "public key"),
        ({"policy": "minimum = "}, OptionError, "policy is not TOML"),
        ({"policy": 'minimum_verison = "1.0.0"'}, OptionError, "did you mean minimum_version"),
        ({"policy": "/nowhere/policy.toml"}, InputError, "/nowhere/policy.toml cannot be read"),
    ],
)
def test_options_that_cannot_be_used_are_one_line(signed, place, config, kind, why):
    bundle, key = signed
    with pytest.raises(kind, match=why) as refused:
        publish_bundle(bundle, place, PublishConfig(**{"public_key": str(key), **config}))
    assert str(refused.value).isprintable()


def test_as_a_step_of_a_pipeline(signed, s3_bucket, tmp_path):
    bundle, key = signed
    metrics = Metrics(uri=str(tmp_path / "metrics"))
    uri = publish.python_func(Model(uri=str(bundle)), metrics, s3_bucket, key.read_text())
    assert uri == f"{s3_bucket}/releases/headlines/1.0.0.json"
    assert open_place(s3_bucket).keys("releases") == ["releases/headlines/1.0.0.json"]
    assert metrics.metadata["files"] == len(files_of(bundle)) - 1
    assert metrics.metadata["bytes"] >= metrics.metadata["uploaded_bytes"] > 0


def test_a_step_that_is_refused_ends_with_one_line(signed, s3_bucket, tmp_path, capsys, stranger):
    with pytest.raises(SystemExit) as ended:
        publish.python_func(
            Model(uri=str(signed[0])), Metrics(uri=str(tmp_path / "m")), s3_bucket, stranger.read_text()
        )
    assert ended.value.code == 2
    told = capsys.readouterr().err.splitlines()
    assert told[-1].startswith("potstill: error: ")
    assert "is not proved" in told[-1]
    assert open_place(s3_bucket).keys() == []


def test_releases_are_listed_by_name_and_by_age(place, tmp_path, capsys):
    from potstill.publish.storing import store_bundle

    store = open_place(place)
    versions = ["1.10.0", "1.9.0", "1.0.0-rc.10", "1.0.0-rc.2", "1.0.0", "1.0.0+b", "1.0.0+a"]
    for number, version in enumerate(versions):
        store_bundle(store, make_plain_bundle(tmp_path / f"{number}", version, files={}))
    store_bundle(store, make_plain_bundle(tmp_path / "other", "0.1.0", "aardvark"))
    rows = [line.split()[:2] for line in said(capsys, "releases", "list", place).splitlines()[1:]]
    wanted = ["1.0.0-rc.2", "1.0.0-rc.10", "1.0.0", "1.0.0+a", "1.0.0+b", "1.9.0", "1.10.0"]
    assert rows == [["aardvark", "0.1.0"], *(["headlines", version] for version in wanted)]
    told = json.loads(said(capsys, "releases", "list", place, "--name", "headlines", "--json"))
    assert [each["version"] for each in told["releases"]] == wanted
    assert told["broken"] == []
    shown = json.loads(said(capsys, "releases", "show", place, "aardvark", "0.1.0", "--json"))
    assert shown["release"]["name"] == "aardvark"
    assert {each["path"] for each in shown["files"]} >= {"model.sig", "release.json"}
    assert "--name must be like" in said(capsys, "releases", "list", place, "--name", "../x", code=2)
