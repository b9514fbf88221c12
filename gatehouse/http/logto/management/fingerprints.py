"""The fingerprints by which people recognize the certificates of SAML keys."""

from __future__ import annotations

from gatehouse.actors.certificates import read_certificate, sha256_fingerprint
from gatehouse.http.wire import Wire


class Digest(Wire):
    """A digest, with and without colons."""

    formatted: str
    unformatted: str


class Fingerprints(Wire):
    """The fingerprints of a certificate."""

    sha256: Digest


def fingerprints(certificate: str) -> Fingerprints:
    """The fingerprints of a certificate that is PEM."""
    digits = sha256_fingerprint(read_certificate(certificate))
    pairs = (digits[at : at + 2] for at in range(0, len(digits), 2))
    return Fingerprints(sha256=Digest(formatted=":".join(pairs), unformatted=digits))
