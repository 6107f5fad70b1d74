"""What an organisation asks of a release: every field is checked, and versions are put in order as SemVer does."""

import pytest
from cryptography import x509

from potstill.errors import InputError, OptionError
from potstill.sign import SignConfig, sign_release
from potstill.signing.keys import key_id, new_key, read_public
from potstill.signing.trust import read_trusted
from potstill.verify.policy import FIELDS, RULES, Policy, read_policy
from potstill.verify.proving import verify_bundle
from potstill.verify.semantic_version import SemanticVersion
from tests.released import make_release
from tests.signed import Authority, certify

DIGEST = "ab" * 32
WHOLE = f"""
name = "headlines"
version = "1.4.0"
minimum_version = "1.2.0-rc.1"
digest = "{DIGEST}"
required_stages = ["teacher-train", "validate"]
verdicts = ["pass", "inconclusive"]
override = true
licence_uses = ["open", "research-only"]
builders = ["urn:potstill:builder:kubeflow-pipelines"]
pinned_images = true
definition = "{DIGEST}"
signers = ["{DIGEST}", "CN=release.example", "https://example.org/release"]

[budgets]
max_accuracy_loss = 2
min_agreement = 0.95
beat_tfidf = true
"""


@pytest.fixture
def policy_of(tmp_path):
    def read(text):
        path = tmp_path / "policy.toml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return read_policy(path)

    return read


def test_a_whole_policy_is_read(policy_of):
    assert policy_of(WHOLE) == Policy(
        name="headlines",
        version="1.4.0",
        minimum_version="1.2.0-rc.1",
        digest=DIGEST,
        required_stages=("teacher-train", "validate"),
        verdicts=("pass", "inconclusive"),
        override=True,
        licence_uses=("open", "research-only"),
        builders=("urn:potstill:builder:kubeflow-pipelines",),
        pinned_images=True,
        definition=DIGEST,
        signers=(DIGEST, "CN=release.example", "https://example.org/release"),
        budgets={"max_accuracy_loss": 2, "min_agreement": 0.95, "beat_tfidf": True},
    )


def test_every_field_has_a_rule():
    assert set(RULES) == set(FIELDS)


@pytest.mark.parametrize("text", ["", "\n", "# name = 'headlines'\n"])
def test_a_policy_that_asks_for_nothing_is_refused(policy_of, text):
    with pytest.raises(InputError, match="asks for nothing; write what is wanted into it, or leave the policy out"):
        policy_of(text)


def test_no_policy_asks_for_a_pass_that_nobody_overrode():
    assert Policy().verdicts == ("pass",)
    assert not Policy().override


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("name = 1", "name must be a text, got 1"),
        ('name = " "', "name must be a text"),
        ('version = "1.4"', "version must be a semantic version"),
        ('minimum_version = "v1.4.0"', "minimum_version must be a semantic version"),
        ("minimum_version = 1.4", "minimum_version must be a semantic version"),
        ('digest = "abc"', "digest must be a SHA-256"),
        (f'digest = "{DIGEST.upper()}"', "digest must be a SHA-256"),
        ('required_stages = "validate"', "required_stages must be a list"),
        ("required_stages = []", "required_stages must be a list of at least one text"),
        ("required_stages = [1]", "required_stages must be a list"),
        ('verdicts = ["passed"]', "verdicts must be a list out of pass, fail, inconclusive, got ['passed']"),
        ("verdicts = []", "verdicts must be a list"),
        ('override = "yes"', "override must be true or false, got 'yes'"),
        ("override = 1", "override must be true or false, got 1"),
        ('licence_uses = ["free"]', "licence_uses must be a list out of open"),
        ('builders = "local"', "builders must be a list"),
        ('pinned_images = "true"', "pinned_images must be true or false"),
        ("definition = true", "definition must be a SHA-256"),
        ('signers = "CN=x"', "signers must be a list"),
        ("signers = []", "signers must be a list"),
        ("budgets = 1", "budgets must be a table"),
        ("[budgets]", "budgets must be a table"),
        ("[budgets]\nmax_beauty = 1", "budgets must be a table"),
        ('[budgets]\nmax_size_mb = "1"', "budgets must be a table"),
        ("[budgets]\nmax_size_mb = true", "budgets must be a table"),
        ("[budgets]\nmax_size_mb = nan", "budgets must be a table"),
        ("[budgets]\nbeat_tfidf = 1", "budgets must be a table"),
        ('minimum-version = "1.0.0"', "did you mean minimum_version"),
        ('[policy]\nname = "x"', "'policy' is no field"),
    ],
)
def test_a_wrong_field_is_refused(policy_of, line, said):
    with pytest.raises(OptionError) as refused:
        policy_of(line)
    assert said in str(refused.value)


def test_all_wrong_fields_are_told_at_once(policy_of):
    with pytest.raises(OptionError) as refused:
        policy_of('name = 1\noverride = 2\nlicense = "MIT"')
    assert all(word in str(refused.value) for word in ("name must", "override must", "'license' is no field"))


@pytest.mark.parametrize("text", ["name =", b"name = '\xff'", "[" * 100_000, "name = 'a'\nname = 'b'", "#" * 2**21])
def test_what_is_no_toml_is_refused_in_a_line(policy_of, text):
    with pytest.raises(InputError) as refused:
        policy_of(text)
    assert "\n" not in str(refused.value)


def test_a_policy_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_policy(tmp_path / "none.toml")
    with pytest.raises(InputError, match="cannot be read"):
        read_policy(tmp_path)


BUDGETS = "max_size_mb: 10\nmin_accuracy: 0.8\nmax_ece: null"


@pytest.fixture(scope="module")
def signed(tmp_path_factory):
    """A bundle under a certificate with alternative names; → its folder, the key, the authority."""
    folder = tmp_path_factory.mktemp("policies")
    root = Authority.root()
    new_key(folder / "key.pem")
    others = [x509.UniformResourceIdentifier("https://example.org/release"), x509.RFC822Name("release@example.org")]
    chain = certify(folder / "key.pem", root, further=x509.SubjectAlternativeName(others))
    release = make_release(folder, budgets=BUDGETS)
    sign_release(release, folder / "bundle", SignConfig(), key=folder / "key.pem", certificate=chain)
    return folder / "bundle", folder / "key.pub", root.write(folder / "root.pem")


@pytest.mark.parametrize(
    ("budgets", "said"),
    [
        ({"max_size_mb": 10}, ""),
        ({"max_size_mb": 10.5, "min_accuracy": 0.8, "beat_tfidf": True, "confidence": 0.95}, ""),
        ({"max_size_mb": 9.99}, "max_size_mb was asked for as 10; the policy wants 9.99"),
        ({"min_accuracy": 0.81}, "min_accuracy was asked for as 0.8; the policy wants 0.81"),
        ({"max_ece": 1}, "no max_ece was asked for; the policy wants 1"),
        ({"beat_tfidf": False}, "beat_tfidf was asked for as true; the policy wants false"),
        ({"confidence": 0.99}, "confidence was asked for as 0.95; the policy wants 0.99"),
    ],
)
def test_limits_are_as_strict_as_the_policy_wants(signed, budgets, said):
    bundle, public, _ = signed
    wrong = verify_bundle(bundle, read_trusted([public]), Policy(budgets=budgets)).wrong
    assert (wrong[0] if wrong else "").startswith(said)
    assert bool(wrong) == bool(said)


def test_the_limits_are_told(signed):
    bundle, public, _ = signed
    proof = verify_bundle(bundle, read_trusted([public]))
    told = next(each.details[0] for each in proof.findings if each.name == "verdict")
    assert told.startswith("under the limits that its releaser chose: max_accuracy_loss 2, max_class_loss 5, min_accu")
    assert "max_ece" not in told


@pytest.mark.parametrize("name", ["CN=release.example", "https://example.org/release", "release@example.org"])
def test_a_signer_is_asked_for_by_what_an_authority_vouches_for(signed, name):
    bundle, public, root = signed
    assert verify_bundle(bundle, read_trusted([], [root]), Policy(signers=("CN=other", name))).wrong == ()
    by_key = verify_bundle(bundle, read_trusted([public]), Policy(signers=(name,))).wrong
    assert by_key[0].startswith("signed by "), "of whom only the key is trusted, the certificate says nothing"


def test_a_signer_is_asked_for_by_the_key(signed):
    bundle, public, root = signed
    named = key_id(read_public(public))
    for trusted in (read_trusted([public]), read_trusted([], [root])):
        assert verify_bundle(bundle, trusted, Policy(signers=(named,))).wrong == ()
        wrong = verify_bundle(bundle, trusted, Policy(signers=("CN=release.example.org", "0" * 64))).wrong
        assert len(wrong) == 1
        assert wrong[0].startswith(f"signed by {named}")


def test_a_definition_made_nothing_that_is_required(signed):
    bundle, public, _ = signed
    wrong = verify_bundle(bundle, read_trusted([public]), Policy(required_stages=("definition", "distill"))).wrong
    assert len(wrong) == 1
    assert wrong[0].startswith("no artifact was made by the stage definition")


def test_versions_are_put_in_order():
    told = [
        "0.9.0",
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0",
        "1.0.9",
        "1.0.10",
        "1.10.0",
        "2.0.0-0.3.7",
        "2.0.0",
        "10.0.0",
    ]
    for place, older in enumerate(told):
        assert SemanticVersion(older) == SemanticVersion(f"{older}+build.7")
        for newer in told[place + 1 :]:
            assert SemanticVersion(older) < SemanticVersion(newer)
            assert not SemanticVersion(newer) < SemanticVersion(older)


@pytest.mark.parametrize(
    "text", ["", "1", "1.2", "1.2.3.4", "01.2.3", "1.2.3-01", "1.2.3-", "1.2.3+", "v1.2.3", "１.2.3"]
)
def test_what_is_no_version_is_refused(text):
    with pytest.raises(OptionError, match="no semantic version"):
        SemanticVersion(text)


def test_a_version_of_any_length_is_refused_at_once():
    with pytest.raises(OptionError):
        SemanticVersion("1.0.0-" + "1a" * 10**6 + "!")
