"""The page of a lineage: the licence that binds and what brought it, the bundle itself, and its signer."""

import json
from xml.etree import ElementTree as ET

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import load_pem_x509_certificate

from potstill.artifacts import SIGNATURE
from potstill.evidence.whole import evidence_of
from potstill.licences import Licence
from potstill.lineage.drawing import AMBER, NARROW, draw
from potstill.lineage.facts import nodes_of, origins_of
from potstill.lineage.page import page_of
from potstill.lineage.signer import UNREAD, signer_of
from potstill.sign import SignConfig, sign_release
from potstill.signing.keys import key_id, new_key, read_public
from tests.released import RESEARCH, make_release
from tests.signed import Authority, certify, make_bundle

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def signed(tmp_path_factory):
    """A research-only bundle, and its key."""
    return make_bundle(tmp_path_factory.mktemp("page"), start=RESEARCH)


@pytest.fixture(scope="module")
def page(signed):
    return page_of(evidence_of(signed[0]))


def by_stage(evidence, stage):
    return next(each for each in evidence.manifests.values() if each.made_by["stage"] == stage)


def test_the_artifact_that_brought_the_licence_is_marked_and_no_other(signed, page):
    evidence = evidence_of(signed[0])
    start = by_stage(evidence, "import-checkpoint")
    assert origins_of(evidence) == (start.digest,)
    assert page.count('class="origin"') == 1
    row = next(row for row in page.split("<tr>") if 'class="origin"' in row)
    assert f"<code>{start.digest}</code>" in row
    assert "research-only comes in here" in row
    assert [name for name, node in nodes_of(evidence).items() if node.mark] == [start.digest]


def test_the_licence_and_what_brought_it_stand_at_the_top(signed, page):
    start = by_stage(evidence_of(signed[0]), "import-checkpoint")
    top = page[page.index("</h1>") : page.index("<h2>")]
    assert 'class="bound"' in top
    assert "research-only" in top
    assert f"It comes in with start (import-checkpoint {start.digest[:12]})" in top


def test_where_all_is_open_nothing_is_marked(tmp_path):
    evidence = evidence_of(make_release(tmp_path))
    assert origins_of(evidence) == ()
    assert 'class="bound"' not in page_of(evidence)
    assert AMBER not in draw(nodes_of(evidence))


def test_an_undeclared_licence_is_marked_too(tmp_path):
    evidence = evidence_of(make_release(tmp_path, start=Licence("NOASSERTION", "undeclared")))
    assert origins_of(evidence) == (by_stage(evidence, "import-checkpoint").digest,)
    assert "undeclared comes in here" in page_of(evidence)


@pytest.mark.parametrize("form", ["across", "down"])
def test_the_picture_is_there_for_wide_and_for_narrow_windows_with_one_box_in_amber(page, form):
    drawing = page[page.index(f'<svg class="{form}"') :]
    tree = ET.fromstring(drawing[: drawing.index("</svg>") + 6])
    amber = [each for each in tree.iter(f"{SVG}g") for box in each.findall(f"{SVG}rect") if AMBER in box.get("style")]
    assert ["".join(each.find(f"{SVG}text").itertext()) for each in amber] == ["start"]
    assert "research-only comes in here" in tree.get("aria-label")


def test_the_narrow_picture_fits_on_a_phone_and_tells_stages_and_digests_in_full(signed):
    evidence = evidence_of(signed[0])
    tree = ET.fromstring(draw(nodes_of(evidence), NARROW))
    assert float(tree.get("viewBox").split()[2]) <= 320
    texts = {"".join(each.itertext()) for each in tree.iter(f"{SVG}text")}
    assert {each.digest[:12] for each in evidence.manifests.values()} <= texts
    assert not [each for each in texts if each.endswith("…")]


def test_the_first_row_is_the_bundle_with_its_digest_and_its_signer(signed, page):
    bundle, key = signed
    row = page.split("<tr>")[2]
    assert "headlines 1.0.0" in row
    assert "sign, bundle/v1" in row
    assert f"<code>{nodes_of(evidence_of(bundle))['release'].digest}</code>" in row
    assert f"signed by the key {key_id(read_public(key))}; made by potstill " in row


def test_a_release_is_told_as_not_signed(tmp_path):
    row = page_of(evidence_of(make_release(tmp_path))).split("<tr>")[2]
    assert "release, release/v1" in row
    assert "not signed; made by potstill " in row


def test_a_signer_under_a_certificate_is_told_by_its_digest(tmp_path):
    key = tmp_path / "k.key"
    new_key(key)
    chain = certify(key, Authority.root())
    sign_release(make_release(tmp_path), tmp_path / "bundle", SignConfig(), key=key, certificate=chain)
    first = load_pem_x509_certificate(chain.read_bytes())
    told = signer_of(tmp_path / "bundle")
    assert told == f"under the certificate of SHA-256 {first.fingerprint(hashes.SHA256()).hex()}"


@pytest.mark.parametrize(
    "changed",
    [b"", b"{", b"[]", b'{"verificationMaterial": 1}', b'{"verificationMaterial": {"publicKey": {"hint": 7}}}']
    + [json.dumps({"verificationMaterial": each}).encode() for each in (
        {"publicKey": {"hint": '"><script>alert(1)</script>'}},
        {"x509CertificateChain": {"certificates": []}},
        {"x509CertificateChain": {"certificates": [{"rawBytes": "???"}]}},
    )],
)  # fmt: skip
def test_a_signature_that_is_none_is_told_so(changed, tmp_path):
    (tmp_path / SIGNATURE).write_bytes(changed)
    assert signer_of(tmp_path) == UNREAD
