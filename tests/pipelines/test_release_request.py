"""What a run that ends with a release needs at its end is asked for before its first step, here and on a cluster."""

from functools import partial

import pytest
import yaml

from pipelines.command import main
from pipelines.compress import compress
from pipelines.parameters import with_defaults
from pipelines.release import release_pipeline
from pipelines.release_request import check_release, require_signer, with_texts
from potstill.errors import InputError, OptionError
from potstill.signing.keys import new_key
from tests.signed import Authority, certify

PLACE = "s3://models/releases"
NAMED = {"release_name": "headlines", "release_place": PLACE}


@pytest.fixture
def keys(tmp_path, monkeypatch):
    """Two keys, of which the first is to sign; → their public halves."""
    for name in ("mine", "other"):
        new_key(tmp_path / f"{name}.key")
    monkeypatch.setenv("POTSTILL_SIGNING_KEY", str(tmp_path / "mine.key"))
    monkeypatch.delenv("POTSTILL_SIGNING_CERTIFICATE", raising=False)
    return tmp_path / "mine.pub", tmp_path / "other.pub"


@pytest.fixture
def place(tmp_path):
    return (tmp_path / "store").as_uri()


def checked(pipeline=release_pipeline, **given):
    """Check a run's parameters as it is started with them; → all of them."""
    values = with_defaults(with_texts(given), pipeline.component_spec.inputs)
    check_release(values)
    return values


def test_files_are_handed_on_as_text(keys, tmp_path):
    policy = tmp_path / "policy.toml"
    policy.write_text('verdicts = ["pass"]\n')
    values = checked(**NAMED, release_public_key=str(keys[0]), release_policy=str(policy))
    assert values["release_public_key"] == keys[0].read_text()
    assert values["release_policy"] == 'verdicts = ["pass"]\n'
    assert checked(**values) == values


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"release_place": "models"}, "release_place: 'models' is no place"),
        ({"release_place": PLACE}, "release_place without release_public_key or release_ca"),
        ({"release_place": PLACE, "release_public_key": "absent.pub"}, "absent.pub cannot be read"),
        ({"release_place": PLACE, "release_public_key": "mine.key"}, "mine.key holds a private key"),
        ({"release_place": PLACE, "release_ca": "mine.pub"}, "mine.pub is not the certificate of an authority"),
        ({"release_public_key": "mine.pub"}, "release_public_key without release_place"),
        ({"release_policy": "a = 1"}, "release_policy without release_place"),
        ({"release_place": PLACE, "release_public_key": "mine.pub", "release_policy": "a = 1"}, "'a' is no field"),
        ({"release_place": PLACE, "release_public_key": "mine.pub", "release_policy": "a ="}, "is not TOML"),
        ({"release_place": PLACE, "release_public_key": "mine.pub", "release_policy": "none.toml"}, "cannot be read"),
        (
            {"release_place": PLACE, "release_public_key": "mine.pub", "release_override": "late"},
            "publish lets an override in by name only",
        ),
        (
            {"release_place": PLACE, "release_public_key": "mine.pub", "release_policy": 'name = "other"'},
            "release_policy asks for 'other', and release_name is 'headlines'",
        ),
    ],
)
def test_what_publish_would_refuse_at_the_end_is_refused_at_the_beginning(given, words, keys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((OptionError, InputError)) as refused:
        checked(release_name="headlines", **given)
    assert words in str(refused.value)
    assert "BEGIN" not in str(refused.value)


def test_an_override_that_its_policy_lets_in_is_asked_for(keys):
    policy = 'override = true\nverdicts = ["fail"]'
    checked(**NAMED, release_override="late", release_public_key=str(keys[0]), release_policy=policy)


def test_the_key_that_signs_is_the_one_that_readers_trust(keys, place):
    mine, other = keys
    require_signer(checked(release_name="headlines", release_place=place, release_public_key=str(mine)))
    with pytest.raises(OptionError, match="another key than the one whose public half"):
        require_signer(checked(release_name="headlines", release_place=place, release_public_key=str(other)))


def test_the_certificate_is_its_keys_and_its_authority_is_trusted(keys, place, tmp_path, monkeypatch):
    root, stranger = Authority.root(), Authority.root("Stranger")
    asked = partial(checked, release_name="headlines", release_place=place)
    trusted = asked(release_ca=str(root.write(tmp_path / "root.crt")))
    with pytest.raises(OptionError, match="another key"):
        require_signer(trusted)  # a bare key, and readers who ask for a certificate
    monkeypatch.setenv("POTSTILL_SIGNING_CERTIFICATE", str(certify(tmp_path / "other.key", root)))
    with pytest.raises(InputError, match="does not belong to the key"):
        require_signer(trusted)
    monkeypatch.setenv("POTSTILL_SIGNING_CERTIFICATE", str(certify(tmp_path / "mine.key", root)))
    require_signer(trusted)
    with pytest.raises(InputError, match="no trusted authority vouches"):
        require_signer(asked(release_ca=str(stranger.write(tmp_path / "stranger.crt"))))


def test_the_store_is_asked_before_the_work(keys, tmp_path):
    (tmp_path / "store").write_text("a file, and no folder")
    values = checked(
        release_name="headlines", release_place=(tmp_path / "store").as_uri(), release_public_key=str(keys[0])
    )
    with pytest.raises(InputError, match="store"):
        require_signer(values)


def test_a_run_on_a_cluster_is_handed_texts_and_warned_of_its_account(kfp_api, keys, capsys):
    sources = ["--data", "s3://bucket/data", "--start", "s3://bucket/start"]
    asked = ["release_name=headlines", f"release_place={PLACE}", f"release_public_key={keys[0]}"]
    given = ["--submit", kfp_api.url, *sources, "--set", *asked, "definition_uri=s3://bucket/definition"]
    assert main(compress, given) == 0
    (body,) = kfp_api.runs.values()
    assert body["runtime_config"]["parameters"]["release_public_key"] == keys[0].read_text()
    assert "the release is signed in this run, whose steps all have one service account" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("definition_uri=/tmp/definition", "definition_uri /tmp/definition is no folder in the store"),
        ("definition_uri=s3://bucket", "definition_uri s3://bucket is no folder in the store"),
        ("release_place=file:///releases", "release_place file:///releases is gone with the pod"),
        ("checkpoint_uri=file:///states", "checkpoint_uri file:///states is gone with the pod"),
    ],
)
def test_what_no_pod_can_reach_is_refused(given, words, kfp_api, keys, capsys):
    sources = ["--data", "s3://bucket/data", "--start", "s3://bucket/start"]
    asked = ["release_name=headlines", f"release_public_key={keys[0]}", f"release_place={PLACE}"]
    asked += ["definition_uri=s3://bucket/definition"]
    assert main(compress, ["--submit", kfp_api.url, *sources, "--set", *asked, given]) == 2
    (told,) = capsys.readouterr().err.splitlines()
    assert words in told


def test_a_finished_run_on_this_machine_is_none_on_a_cluster(kfp_api, tmp_path, capsys):
    (tmp_path / "params.yaml").write_text(yaml.safe_dump({"release_name": "headlines"}))
    run = ["--run", str(tmp_path), "--params", str(tmp_path / "params.yaml")]
    assert main(release_pipeline, ["--submit", kfp_api.url, *run]) == 2
    assert "give the URI of each artifact in the store" in capsys.readouterr().err
