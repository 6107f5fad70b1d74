"""A hundred good bundles, none refused: names, versions, formats, licences, overrides, keys, curves, certificates."""

import itertools

import pytest

from potstill.licences import UNDECLARED, Licence
from potstill.sign import SignConfig, sign_release
from potstill.signing.keys import CURVES, new_key
from potstill.signing.trust import read_trusted
from potstill.verify.policy import Policy
from potstill.verify.proving import verify_bundle
from tests.released import RESEARCH, TOO_STRICT, UNDECIDED, make_release
from tests.signed import Authority, certify

ALL = Policy(verdicts=("pass", "fail", "inconclusive"), override=True)
RELEASES = {
    "plain": {},
    "of one letter": {"name": "a", "version": "0.0.0"},
    "of a long name": {"name": "a" * 100, "version": "999999.0.1-rc.1.x-y.7+build.0017.sha"},
    "onnx alone": {"formats": "onnx"},
    "onnx and pytorch, of a choice": {"formats": "pytorch, onnx", "start": Licence("MIT OR Apache-2.0", "open")},
    "research": {"start": RESEARCH},
    "undeclared": {"start": UNDECLARED},
    "undefined": {"definition": False},
    "without images": {"images": False},
    "failed": {"budgets": TOO_STRICT, "override": "the pilot on 20 phones needs it; 12 % larger *than* <wanted>"},
    "undecided": {"budgets": UNDECIDED, "override": "数据不足，仅供试点"},
    "large": {"size": 100_000},
}
EACH = 9  # signatures of every release: 108 bundles


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """Keys of each curve: (key, certificate or none, whom the reader trusts)."""
    folder = tmp_path_factory.mktemp("keys")
    root = Authority.root()
    between = root.authority()
    found = []
    for curve, number in itertools.product(CURVES, range(2)):
        path = folder / f"{curve}-{number}.pem"
        new_key(path, curve)
        found.append((path, None, read_trusted([path.with_suffix(".pub")])))
    for curve in CURVES:
        path = folder / f"{curve}-certified.pem"
        new_key(path, curve)
        chain = certify(path, between, between.certificate)
        found.append((path, chain, read_trusted([], [root.write(folder / "root.pem")])))
    return found


@pytest.mark.parametrize("kind", RELEASES)
def test_a_good_bundle_is_accepted(kind, keys, tmp_path):
    release = make_release(tmp_path, variant=sum(kind.encode()), **RELEASES[kind])
    assert len(keys) == EACH
    for number, (key, certificate, trusted) in enumerate(keys):
        bundle = tmp_path / f"bundle-{number}"
        sign_release(release, bundle, SignConfig(), key=key, certificate=certificate)
        assert verify_bundle(bundle, trusted, ALL).wrong == ()


def test_they_are_a_hundred():
    assert len(RELEASES) * EACH >= 100


@pytest.mark.parametrize("kind", ["failed", "undecided"])
def test_an_override_is_refused_unless_the_policy_lets_it_in_and_is_said_loudly(kind, keys, tmp_path):
    release = make_release(tmp_path, **RELEASES[kind])
    key, _, trusted = keys[0]
    sign_release(release, tmp_path / "bundle", SignConfig(), key=key)
    wrong = verify_bundle(tmp_path / "bundle", trusted).wrong
    assert len(wrong) == 2
    assert "the verdict is" in wrong[0]
    assert "a policy with override = true" in wrong[1]
    assert len(verify_bundle(tmp_path / "bundle", trusted, Policy(override=True)).wrong) == 1
    proof = verify_bundle(tmp_path / "bundle", trusted, ALL)
    said = next(each.said for each in proof.findings if each.name == "verdict")
    assert said.startswith("OVERRIDE! RELEASED AGAINST ITS VERDICT, because: ")
    assert RELEASES[kind]["override"] in said


def test_builders_are_those_of_a_definition_and_without_one_there_is_none(keys, tmp_path):
    """The Statements of a release without a definition say `local`, which nobody declared."""
    key, _, trusted = keys[0]
    local = Policy(builders=("urn:potstill:builder:local",))
    sign_release(make_release(tmp_path / "a", images=False), tmp_path / "declared", SignConfig(), key=key)
    assert verify_bundle(tmp_path / "declared", trusted, local).wrong == ()
    sign_release(make_release(tmp_path / "b", definition=False), tmp_path / "undefined", SignConfig(), key=key)
    assert verify_bundle(tmp_path / "undefined", trusted, local).wrong == (
        "no definition declares a builder; the policy lets in urn:potstill:builder:local",
    )


def test_a_licence_that_is_not_open_is_said_loudly_and_can_be_refused(keys, tmp_path):
    release = make_release(tmp_path, start=RESEARCH)
    key, _, trusted = keys[0]
    sign_release(release, tmp_path / "bundle", SignConfig(), key=key)
    proof = verify_bundle(tmp_path / "bundle", trusted)
    assert "RESEARCH ONLY" in next(each.said for each in proof.findings if each.name == "licence")
    assert verify_bundle(tmp_path / "bundle", trusted, Policy(licence_uses=("open",))).wrong == (
        "the licence is research-only; the policy lets in open",
    )
