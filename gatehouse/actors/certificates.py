"""Certificates for XML signatures: ours are self-signed, other parties' are only read.

In SAML a certificate is a container for a key: nobody follows a chain of trust. What counts is
that the other side was told of exactly this certificate.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

RSA_BITS = 2048
PEM_BEGIN = "-----BEGIN CERTIFICATE-----"
PEM_END = "-----END CERTIFICATE-----"


@dataclass(frozen=True, slots=True)
class SelfSigned:
    """A new key with its certificate, as PEM. `expires_at` is in milliseconds since the epoch."""

    private_key: str
    certificate: str
    expires_at: int


def self_signed(common_name: str, now: int, days: int) -> SelfSigned:
    """A new RSA key, certified by itself for so many days from `now` (milliseconds).

    This takes some tenths of a second of processor time: not for the event loop.
    """
    key = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    start = datetime.datetime.fromtimestamp(now // 1000, datetime.UTC)
    end = start + datetime.timedelta(days=days)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .sign(key, hashes.SHA256())
    )
    private_key = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return SelfSigned(
        private_key=private_key.decode(),
        certificate=certificate.public_bytes(serialization.Encoding.PEM).decode(),
        expires_at=int(end.timestamp()) * 1000,
    )


def read_certificate(text: str) -> x509.Certificate:
    """A certificate written as PEM, or as the base64 inside of it. Raises ValueError."""
    body = "".join(text.replace(PEM_BEGIN, "").replace(PEM_END, "").split())
    lines = [body[at : at + 64] for at in range(0, len(body), 64)]
    return x509.load_pem_x509_certificate("\n".join([PEM_BEGIN, *lines, PEM_END, ""]).encode())


def pem(certificate: x509.Certificate) -> str:
    """A certificate as PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def expires_at(certificate: x509.Certificate) -> int:
    """When a certificate stops being valid, in milliseconds since the epoch."""
    return int(certificate.not_valid_after_utc.timestamp()) * 1000


def sha256_fingerprint(certificate: x509.Certificate) -> str:
    """The SHA-256 of a certificate, in upper-case hexadecimal digits."""
    return certificate.fingerprint(hashes.SHA256()).hex().upper()
