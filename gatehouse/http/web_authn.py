"""What browsers answer to WebAuthn ceremonies (WebAuthn §5.1, §5.5), in the API and in forms."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gatehouse.http.wire import JsonObject, Maybe, Wire

CredentialId = Annotated[str, Field(max_length=1400)]
"""At most 1023 bytes (WebAuthn §5.4.3), in base64url."""
Encoded = Annotated[str, Field(max_length=64 * 1024)]
"""Whatever an authenticator says fits, certificates too."""
Transport = Literal["usb", "nfc", "ble", "internal", "cable", "hybrid", "smart-card"]


class Attestation(Wire):
    """What an authenticator says of a new credential."""

    client_data_json: Encoded = Field(alias="clientDataJSON")
    attestation_object: Encoded
    authenticator_data: Maybe[Encoded] = None
    transports: Maybe[Annotated[list[Transport], Field(max_length=16)]] = None
    public_key_algorithm: Maybe[int] = None
    public_key: Maybe[Encoded] = None


class Assertion(Wire):
    """What an authenticator signed."""

    client_data_json: Encoded = Field(alias="clientDataJSON")
    authenticator_data: Encoded
    signature: Encoded
    user_handle: Maybe[Annotated[str, Field(max_length=128)]] = None


class _Credential(Wire):
    type: Literal["WebAuthn"]
    id: CredentialId
    raw_id: CredentialId
    authenticator_attachment: Maybe[Literal["cross-platform", "platform"]] = None
    client_extension_results: JsonObject


class RegistrationPayload(_Credential):
    """A new credential."""

    response: Attestation


class AuthenticationPayload(_Credential):
    """A signature with a credential."""

    response: Assertion
