"""What an organisation asks of a release: every field is checked, and versions are put in order as SemVer does."""

import pytest

from potstill.errors import InputError, OptionError
from potstill.verify.policy import FIELDS, RULES, Policy, read_policy
from potstill.verify.semantic_version import SemanticVersion

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
    )


def test_every_field_has_a_rule():
    assert set(RULES) == set(FIELDS)


def test_an_empty_policy_asks_for_a_pass_that_nobody_overrode(policy_of):
    assert policy_of("") == Policy()
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
