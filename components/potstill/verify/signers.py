"""By which names the signer of a bundle may be asked for: the key's id, and those that an authority vouches for."""

from cryptography import x509

from potstill.signing.certificates import Certificate, subject
from potstill.signing.keys import key_id
from potstill.signing.model_signature import Signed


def names_of(signed: Signed) -> tuple[str, ...]:
    """Return every name that a policy may know a signer by.

    Args:
        signed: a good signature by somebody trusted.

    Returns: the key's id; under a certificate that a trusted authority vouches for, also its subject (RFC 4514) and the
        URIs and e-mail addresses that it holds as alternative names.
    """
    return (key_id(signed.key), *(_of_certificate(signed.certificate) if signed.certificate else ()))


def _of_certificate(certificate: Certificate) -> tuple[str, ...]:
    """A subject alone is as good as the authority that wrote it: a public one writes many that look alike."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return (subject(certificate),)
    others = (*found.get_values_for_type(x509.UniformResourceIdentifier), *found.get_values_for_type(x509.RFC822Name))
    return (subject(certificate), *others)
