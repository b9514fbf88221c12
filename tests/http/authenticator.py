"""An authenticator in software: makes credentials and signs with them (WebAuthn §6).

It does what it is told, also what a real one never would: sign for another site, count backwards.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import bytes_to_base64url, encode_cbor

USER_PRESENT, USER_VERIFIED = 0x01, 0x04
BACKUP_ELIGIBLE, BACKED_UP, ATTESTED = 0x08, 0x10, 0x40


@dataclass
class Authenticator:
    """One credential on one device, for one site."""

    origin: str = "https://gatehouse.example"
    rp_id: str = "gatehouse.example"
    counter: int = 0
    synced: bool = False
    verifies_user: bool = True
    user_id: str = ""
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def register(self, options: dict[str, Any]) -> dict[str, Any]:
        """The answer to registration options."""
        self.user_id = options["user"]["id"]
        client_data = self._client_data("webauthn.create", options["challenge"])
        attestation = {"fmt": "none", "attStmt": {}, "authData": self._data(attested=True)}
        response = {
            "clientDataJSON": bytes_to_base64url(client_data),
            "attestationObject": bytes_to_base64url(encode_cbor(attestation)),
            "transports": ["internal"],
        }
        return self._credential(response)

    def sign(self, options: dict[str, Any], **changes: Any) -> dict[str, Any]:
        """The answer to authentication options; `changes` replace parts of the response."""
        client_data = self._client_data("webauthn.get", options["challenge"])
        data = self._data()
        signed = data + hashlib.sha256(client_data).digest()
        signature = self.key.sign(signed, ec.ECDSA(hashes.SHA256()))
        response = {
            "clientDataJSON": bytes_to_base64url(client_data),
            "authenticatorData": bytes_to_base64url(data),
            "signature": bytes_to_base64url(signature),
            "userHandle": self.user_id,
        }
        return self._credential(response | changes)

    def _credential(self, response: dict[str, Any]) -> dict[str, Any]:
        credential_id = bytes_to_base64url(self.credential_id)
        return {
            "type": "WebAuthn",
            "id": credential_id,
            "rawId": credential_id,
            "clientExtensionResults": {},
            "response": response,
        }

    def _client_data(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _data(self, *, attested: bool = False) -> bytes:
        flags = USER_PRESENT | (USER_VERIFIED if self.verifies_user else 0)
        flags |= (BACKUP_ELIGIBLE | BACKED_UP) if self.synced else 0
        parts = [hashlib.sha256(self.rp_id.encode()).digest()]
        parts += [bytes([flags | (ATTESTED if attested else 0)]), self.counter.to_bytes(4, "big")]
        if attested:
            numbers = self.key.public_key().public_numbers()
            key = {1: 2, 3: -7, -1: 1}
            cose = encode_cbor(
                key | {-2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
            )
            parts += [bytes(16), len(self.credential_id).to_bytes(2, "big")]
            parts += [self.credential_id, cose]
        return b"".join(parts)
