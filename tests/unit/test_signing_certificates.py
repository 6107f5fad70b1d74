"""Signing under a certificate: whose key it is, said by an authority that the reader trusts."""

import json
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from potstill.errors import InputError
from potstill.signing.canonical import canonical
from potstill.signing.certificates import chain_of, der, load_der, read_authorities, read_chain, verify_chain
from potstill.signing.keys import new_key, public_path, read_private
from potstill.signing.model_signature import check_signature, sign_folder
from potstill.signing.trust import Signer, Trusted, read_signer, read_trusted
from tests.signed import DAY, NOW, Authority, certify, write_certificates

SERVER = ExtendedKeyUsageOID.SERVER_AUTH


@pytest.fixture(scope="module")
def root():
    return Authority.root()


@pytest.fixture(scope="module")
def between(root):
    return root.authority()


@pytest.fixture
def key(tmp_path):
    new_key(tmp_path / "signing.pem")
    return tmp_path / "signing.pem"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "model.onnx").write_bytes(b"weights")
    return tmp_path / "bundle"


def under(folder, key, chain):
    return sign_folder(folder, read_signer(key, chain), "headlines-1.0.0")


def trusting(*authorities):
    return Trusted(authorities=tuple(each.certificate for each in authorities))


def test_an_authority_vouches_for_the_signer(folder, key, root, between):
    made = under(folder, key, certify(key, between, between.certificate))
    signed = check_signature(folder, made, trusting(root))
    assert signed.signer == "CN=release.example"
    assert signed.key == read_private(key).public_key()


@pytest.mark.parametrize("curve", [ec.SECP256R1, ec.SECP384R1, ec.SECP521R1])
def test_every_curve_is_signed_with(curve, folder, root):
    private = ec.generate_private_key(curve())
    chain = (root.signer(private.public_key()),)
    made = sign_folder(folder, Signer(private, chain), "headlines-1.0.0")
    assert check_signature(folder, made, trusting(root)).key == private.public_key()


def test_a_root_in_the_file_is_left_to_the_reader(folder, key, root, between):
    whole = certify(key, between, between.certificate, root.certificate)
    made = under(folder, key, whole)
    chain = json.loads(made)["verificationMaterial"]["x509CertificateChain"]["certificates"]
    assert len(chain) == 2
    assert check_signature(folder, made, trusting(root))


def test_the_same_certificate_gives_the_same_bytes(folder, key, root):
    chain = certify(key, root)
    assert under(folder, key, chain) == under(folder, key, chain)


def test_whoever_trusts_the_key_itself_needs_no_authority(folder, key, root):
    made = under(folder, key, certify(key, root))
    assert check_signature(folder, made, read_trusted([public_path(key)])).key == read_private(key).public_key()


def test_several_authorities_may_be_trusted(folder, key, root, tmp_path):
    made = under(folder, key, certify(key, root))
    write_certificates(tmp_path / "roots.pem", Authority.root().certificate, root.certificate)
    assert check_signature(folder, made, read_trusted([], [tmp_path / "roots.pem"])).signer == "CN=release.example"


def test_an_issuing_authority_may_be_trusted_by_itself(folder, key, between):
    assert check_signature(folder, under(folder, key, certify(key, between)), trusting(between))


@pytest.mark.parametrize(
    ("trusted", "why"),
    [
        (lambda _: trusting(Authority.root()), "no trusted authority vouches for CN=release.example"),
        (lambda _: trusting(Authority.root("Another")), "no trusted authority vouches for CN=release.example"),
        (lambda _: Trusted(), "is signed under the certificate of CN=release.example; trusted: nobody"),
        (
            lambda _: Trusted(keys=(ec.generate_private_key(ec.SECP256R1()).public_key(),)),
            "is signed under the certificate of CN=release.example; trusted: the key",
        ),
    ],
    ids=["of the same name", "another", "nobody", "a key"],
)
def test_who_is_not_trusted_cannot_vouch(trusted, why, folder, key, root):
    with pytest.raises(InputError, match=why):
        check_signature(folder, under(folder, key, certify(key, root)), trusted(root))


def test_a_chain_with_a_hole_leads_nowhere(folder, key, root, between):
    with pytest.raises(InputError, match="no trusted authority vouches"):
        check_signature(folder, under(folder, key, certify(key, between)), trusting(root))


def with_chain(made, *chain):
    parsed = json.loads(made)
    parsed["verificationMaterial"]["x509CertificateChain"] = chain_of(chain)
    return canonical(parsed)


def test_no_other_certificate_takes_the_place_of_the_signers(folder, key, root, between):
    """One key, two names: the second is as valid, and did not sign."""
    public = read_private(key).public_key()
    made = under(folder, key, certify(key, root))
    other = root.signer(public, "somebody.example")
    with pytest.raises(InputError, match="does not sign a folder as"):
        check_signature(folder, with_chain(made, other), trusting(root))


@pytest.mark.parametrize("extra", ["root", "between", "stranger"])
def test_no_certificate_can_be_added(extra, folder, key, root, between):
    chain = read_chain(certify(key, root), read_private(key).public_key())
    made = under(folder, key, key.with_suffix(".crt"))
    stranger = {"root": root, "between": between, "stranger": Authority.root("Stranger")}[extra].certificate
    with pytest.raises(InputError):
        check_signature(folder, with_chain(made, *chain, stranger), trusting(root))


def test_a_signature_of_a_bare_key_cannot_be_put_under_a_certificate(folder, key, root):
    bare = json.loads(sign_folder(folder, read_signer(key), "headlines-1.0.0"))
    leaf = root.signer(read_private(key).public_key())
    bare["verificationMaterial"] = {"tlogEntries": [], "x509CertificateChain": chain_of([leaf])}
    with pytest.raises(InputError, match="does not sign a folder as"):
        check_signature(folder, canonical(bare), trusting(root))


AT_SIGNING = {
    "expired": ({"begin": NOW - 40 * DAY, "end": NOW - 10 * DAY}, "and today is .*; sign under one that holds today"),
    "not begun": ({"begin": NOW + DAY, "end": NOW + 40 * DAY}, "sign under one that holds today"),
    "for web servers": ({"purpose": SERVER}, "is not for signing"),
    "without signatures": ({"signs": False}, "is not for signing"),
    "an authority's": ({"authority": True}, "is not for signing"),
}


@pytest.mark.parametrize("what", AT_SIGNING)
def test_a_certificate_that_is_not_for_signing_today_signs_nothing(what, key, root):
    options, why = AT_SIGNING[what]
    with pytest.raises(InputError, match=why) as refused:
        read_signer(key, certify(key, root, **options))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(("purpose", "good"), [(None, True), (ExtendedKeyUsageOID.CODE_SIGNING, True), (SERVER, False)])
def test_purposes_are_asked_by_the_reader_too(purpose, good, folder, key, root):
    leaf = root.signer(read_private(key).public_key(), purpose=purpose)
    made = sign_folder(folder, Signer(read_private(key), (leaf,)), "headlines-1.0.0")
    if good:
        assert check_signature(folder, made, trusting(root))
    else:
        with pytest.raises(InputError, match="is not for signing"):
            check_signature(folder, made, trusting(root))


def test_a_release_stays_verifiable_after_its_certificate_has_run_out(folder, key, root):
    leaf = root.signer(read_private(key).public_key(), begin=NOW - 20 * DAY, end=NOW - 10 * DAY)
    made = sign_folder(folder, Signer(read_private(key), (leaf,)), "headlines-1.0.0")
    assert check_signature(folder, made, trusting(root))


def test_a_certificate_that_has_not_begun_vouches_for_nothing(folder, key, root):
    leaf = root.signer(read_private(key).public_key(), begin=NOW + DAY)
    made = sign_folder(folder, Signer(read_private(key), (leaf,)), "headlines-1.0.0")
    with pytest.raises(InputError, match="only"):
        check_signature(folder, made, trusting(root))


@pytest.mark.parametrize(("begin", "end"), [(NOW - 90 * DAY, NOW - 60 * DAY), (NOW - 10 * DAY, NOW + DAY)])
def test_an_authority_out_of_its_time_vouches_for_nothing(begin, end, folder, key, root):
    """At the beginning of the signer's certificate, thirty days ago, its issuer must have held."""
    issuer = root.authority(begin=begin, end=end)
    made = under(folder, key, certify(key, issuer, issuer.certificate))
    with pytest.raises(InputError, match="no trusted authority vouches"):
        check_signature(folder, made, trusting(root))


def test_a_signer_cannot_issue_certificates(folder, key, root, tmp_path):
    """Who was given a certificate to sign code under is no authority."""
    new_key(tmp_path / "mine.pem")
    leaf = root.signer(read_private(tmp_path / "mine.pem").public_key(), "mine.example")
    issuer = Authority(read_private(tmp_path / "mine.pem"), leaf)
    made = under(folder, key, certify(key, issuer, leaf))
    with pytest.raises(InputError, match="no trusted authority vouches"):
        check_signature(folder, made, trusting(root))


SUBJECTS = [x509.DirectoryName(x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Example")]))]
PLACES = [x509.UniformResourceIdentifier("example.org")]
ISSUERS = {
    "that is no authority": ({"authority": False, "purpose": None}, "must be asserted in a CA certificate"),
    "that may not issue": ({"issues": False}, "may not issue certificates"),
    "below one that allows none": ({}, "path length"),
    "for web servers, which is critical": ({"further": x509.ExtendedKeyUsage([SERVER])}, "for code signing"),
    "for web servers": ({"remark": x509.ExtendedKeyUsage([SERVER])}, "for code signing"),
    "for other subjects, which is critical": (
        {"further": x509.NameConstraints(SUBJECTS, None)},
        "cannot be checked",
    ),
    "for other subjects": ({"remark": x509.NameConstraints(SUBJECTS, None)}, "cannot be checked"),
    "not for these subjects": ({"remark": x509.NameConstraints(None, SUBJECTS)}, "cannot be checked"),
    "for other places": ({"remark": x509.NameConstraints(PLACES, None)}, "cannot be checked"),
    "with a condition that nobody here knows": (
        {"further": x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")},
        "critical",
    ),
}


@pytest.mark.parametrize("what", ISSUERS)
def test_an_issuer_vouches_for_nothing(what, folder, key):
    options, why = ISSUERS[what]
    root = Authority.root(below=0) if "below" in what else Authority.root()
    private = ec.generate_private_key(ec.SECP256R1())
    options = {"authority": True, **options}
    issuer = Authority(private, root.signer(private.public_key(), "Example Issuing", **options))
    made = under(folder, key, certify(key, issuer, issuer.certificate))
    with pytest.raises(InputError, match=f"no trusted authority vouches.*{why}"):
        check_signature(folder, made, trusting(root))


@pytest.mark.parametrize("further", ["further", "remark"])
@pytest.mark.parametrize(
    "said",
    [
        x509.ExtendedKeyUsage([SERVER, ExtendedKeyUsageOID.CODE_SIGNING]),
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE]),
        x509.NameConstraints([x509.DNSName("example.org")], None),
        x509.NameConstraints([x509.RFC822Name("example.org")], None),
    ],
    ids=["code", "anything", "hosts", "mail"],
)
def test_an_issuer_may_say_what_it_is_for(said, further, folder, key, root):
    issuer = root.authority(**{further: said})
    assert check_signature(folder, under(folder, key, certify(key, issuer, issuer.certificate)), trusting(root))


@pytest.mark.parametrize("further", ["further", "remark"])
@pytest.mark.parametrize(
    "said", [x509.ExtendedKeyUsage([SERVER]), x509.NameConstraints(SUBJECTS, None)], ids=["servers", "subjects"]
)
def test_a_root_is_held_to_what_it_says_of_itself(said, further, folder, key):
    root = Authority.root(**{further: said})
    with pytest.raises(InputError, match="no trusted authority vouches"):
        check_signature(folder, under(folder, key, certify(key, root)), trusting(root))


def test_a_chain_longer_than_any_is_refused(folder, key, root):
    issuers = [root]
    for number in range(10):
        issuers.append(issuers[-1].authority(f"Issuing {number}"))
    made = under(folder, key, certify(key, issuers[-1], *(each.certificate for each in issuers[:0:-1])))
    with pytest.raises(InputError, match="no trusted authority vouches"):
        check_signature(folder, made, trusting(root))


def test_the_certificate_of_another_key_is_refused(key, root, tmp_path):
    new_key(tmp_path / "other.pem")
    with pytest.raises(InputError, match="does not belong to the key"):
        read_signer(key, certify(tmp_path / "other.pem", root))


def test_a_chain_out_of_order_is_refused(key, root, between):
    first = certify(key, between, root.authority("Other").certificate, between.certificate)
    with pytest.raises(InputError, match=r"CN=release\.example was not issued by CN=Other, which follows it"):
        read_signer(key, first)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "is not a certificate in PEM"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "is not a certificate in PEM"),
        (b"-----BEGIN PRIVATE KEY-----\n", "holds a private key"),
        (None, "cannot be read \\(No such file"),
    ],
)
def test_a_file_without_certificates_is_refused(text, why, key, tmp_path):
    path = tmp_path / "given.crt"
    if text is not None:
        path.write_bytes(text)
    with pytest.raises(InputError, match=why):
        read_signer(key, path)


def test_a_certificate_that_is_cut_off_is_refused(key, root):
    path = certify(key, root)
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(InputError, match="or is cut off"):
        read_signer(key, path)


def test_who_is_no_authority_is_not_trusted_as_one(key, root, tmp_path):
    with pytest.raises(InputError, match=r"CN=release\.example is no authority"):
        read_authorities(certify(key, root))


def test_a_certificate_of_an_rsa_key_is_refused(root):
    """Its authority vouches for it, but nothing here signs with it."""
    leaf = root.signer(rsa.generate_private_key(65537, 2048).public_key())
    with pytest.raises(InputError, match="holds no key on P-256, P-384 or P-521"):
        verify_chain([leaf], [root.certificate])


def test_an_authority_may_have_an_rsa_key(folder, key):
    private = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Old Root")])
    certificate = (
        x509.CertificateBuilder(name, name, private.public_key(), 5, NOW - 90 * DAY, NOW + timedelta(days=900))
        .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(private.public_key()), critical=False)
        .sign(private, hashes.SHA256())
    )
    old = Authority(private, certificate)
    assert check_signature(folder, under(folder, key, certify(key, old)), trusting(old))


def test_no_byte_of_a_chain_can_be_changed(folder, key, root, between):
    made = under(folder, key, certify(key, between, between.certificate))
    for place in range(0, len(made), 2):
        flipped = bytearray(made)
        flipped[place] ^= 1
        with pytest.raises(InputError):
            check_signature(folder, bytes(flipped), trusting(root))


def test_every_bit_of_a_certificate_counts(key, root, between):
    """Damage is refused in one line, wherever it is; nothing of what cryptography raises comes through."""
    leaf = between.signer(read_private(key).public_key())

    def verify_damaged(data, is_leaf):
        given = load_der(data, "it")
        verify_chain([given, between.certificate] if is_leaf else [leaf, given], [root.certificate])

    verify_chain([leaf, between.certificate], [root.certificate])
    for certificate in (leaf, between.certificate):
        whole = der(certificate)
        for place in range(8 * len(whole)):
            damaged = bytearray(whole)
            damaged[place // 8] ^= 1 << place % 8
            with pytest.raises(InputError):
                verify_damaged(bytes(damaged), certificate is leaf)
