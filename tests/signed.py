"""A signed bundle in small, and the authority that a signer may have a certificate of."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from potstill.sign import SignConfig, sign_release
from potstill.signing.keys import new_key, public_path, read_private
from tests.released import make_release

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)


def make_bundle(folder: Path, *, key: Path | None = None, curve: str = "P-256", **options: Any) -> tuple[Path, Path]:
    """Make a lineage, a release of it, and sign it.

    Args:
        folder: all is made in it: `run`, `release`, `bundle`, and `signing.pem` where no key is given.
        key: file of the private key; its public half lies beside it.
        curve: of the key that is made.
        options: those of `make_release`.

    Returns: the bundle, and the file of the public key.
    """
    release = make_release(folder, **options)
    return folder / "bundle", sign(release, folder / "bundle", key=key, curve=curve)


def sign(release: Path, bundle: Path, *, key: Path | None = None, curve: str = "P-256") -> Path:
    """Sign a release; → the file of the public key."""
    key = key or bundle.parent / "signing.pem"
    if not key.exists():
        new_key(key, curve)
    sign_release(release, bundle, SignConfig(), key=key)
    return public_path(key)


@dataclass(frozen=True)
class Authority:
    """Someone who issues certificates: a root, or one that a root issued."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def root(cls, name: str = "Example Root", **options: Any) -> "Authority":
        key = ec.generate_private_key(ec.SECP256R1())
        return cls(key, _issue(name, key.public_key(), None, key, authority=True, **options))

    def authority(self, name: str = "Example Issuing", **options: Any) -> "Authority":
        key = ec.generate_private_key(ec.SECP256R1())
        return Authority(key, _issue(name, key.public_key(), self, self.key, authority=True, **options))

    def signer(self, public: Any, name: str = "release.example", **options: Any) -> x509.Certificate:
        """Issue a certificate to sign code under; options: those of `_issue`."""
        return _issue(name, public, self, self.key, **options)

    def write(self, path: Path) -> Path:
        return write_certificates(path, self.certificate)


def write_certificates(path: Path, *certificates: x509.Certificate) -> Path:
    path.write_bytes(b"".join(each.public_bytes(Encoding.PEM) for each in certificates))
    return path


def certify(key: Path, issuer: Authority, *between: x509.Certificate, **options: Any) -> Path:
    """Have a private key certified; → the file of the chain, beside it."""
    leaf = issuer.signer(read_private(key).public_key(), **options)
    return write_certificates(key.with_suffix(".crt"), leaf, *between)


def _issue(
    name: str,
    public: Any,
    issuer: Authority | None,
    issuing_key: Any,
    *,
    authority: bool = False,
    begin: datetime = NOW - 30 * DAY,
    end: datetime = NOW + 300 * DAY,
    signs: bool = True,
    purpose: x509.ObjectIdentifier | None = ExtendedKeyUsageOID.CODE_SIGNING,
    below: int | None = None,
    issues: bool = True,
    further: x509.ExtensionType | None = None,
    remark: x509.ExtensionType | None = None,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=below), critical=True)
        .add_extension(_usage(signs=signs and not authority, issues=issues and authority), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuing_key.public_key()), critical=False)
    )
    if purpose is not None and not authority:
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    if further is not None:
        builder = builder.add_extension(further, critical=True)
    if remark is not None:
        builder = builder.add_extension(remark, critical=False)
    return builder.sign(issuing_key, hashes.SHA256())


def _usage(*, signs: bool, issues: bool) -> x509.KeyUsage:
    none = dict.fromkeys(("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False)
    none |= dict.fromkeys(("encipher_only", "decipher_only"), False)
    return x509.KeyUsage(digital_signature=signs, key_cert_sign=issues, crl_sign=issues, **none)
