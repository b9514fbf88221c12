"""WebAuthn: a key pair that an authenticator keeps, and signs with for this site alone.

The same credential is a second factor, and where the tenant allows it a passkey that signs in by
itself. A ceremony takes two steps: a challenge is given out, and an answer to it comes back. A
challenge is good for one answer, right or wrong. The relying party is the server's public URL, so
what a phishing site relays was signed for that site and does not verify here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar
from urllib.parse import urlsplit

import msgspec
import webauthn
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, options_to_json_dict
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.second_factors import Credential, MfaFactor, NewCredential
from gatehouse.actors.verification import Record, Switch
from gatehouse.storage.mfa import MfaVerification, MfaVerifications

if TYPE_CHECKING:
    from gatehouse.actors.core import Core
    from gatehouse.storage.records import User
    from gatehouse.storage.transaction import Transaction

TIMEOUT_MS = 3 * 60 * 1000
"""How long a person may take with the authenticator; browsers are told."""
MAX_AGENT_LENGTH = 512
"""Characters kept of what a browser says about itself."""
MAX_CREDENTIAL_ID_BYTES = 1023
"""WebAuthn §7.1, step 25: no more is stored."""
MAX_PUBLIC_KEY_BYTES = 2048
"""Twice an RSA key of 8192 bits: whatever an authenticator makes fits."""
_ALGORITHMS = [
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]
_TRANSPORTS = frozenset(transport.value for transport in AuthenticatorTransport)

Json = Mapping[str, Any]


class Ceremony(Record, frozen=True, kw_only=True):
    """A challenge was given out; `passed` once it was answered.

    `account` is None until the answer to a discoverable credential says who it is.
    """

    shown: ClassVar[tuple[str, ...]] = ("id", "verified")

    account: str | None = None
    challenge: str | None = None
    passed: bool = False
    synced: bool = False

    @property
    def verified(self) -> bool:
        """Whether the challenge was answered rightly."""
        return self.passed

    @property
    def owner(self) -> str | None:
        """Whose credential it is."""
        return self.account

    @property
    def amr(self) -> tuple[str, ...]:
        """RFC 8176 §2: a key that cannot leave its device is one in hardware."""
        if not self.passed:
            return ()
        return ("swk",) if self.synced else ("hwk",)


class WebAuthnVerification(Ceremony, frozen=True, kw_only=True, tag="WebAuthn"):
    """A credential of the account, as a second factor; or a new one that is being registered."""

    registering: bool = False
    credential: Credential | None = None

    @property
    def second_factor(self) -> MfaFactor | None:
        """Who has just registered a credential has shown none that the account had."""
        return MfaFactor.WEBAUTHN if self.passed and not self.registering else None

    @property
    def amr(self) -> tuple[str, ...]:
        """Only what was there before says who somebody is."""
        return () if self.registering else super().amr

    def to_factor(self) -> NewCredential:
        """The credential to store. Raises `Refused`: `VERIFICATION_FAILED`, `MFA_NOT_PENDING`."""
        if not self.passed:
            raise Refused(Reason.VERIFICATION_FAILED)
        if self.credential is None:
            raise Refused(Reason.MFA_NOT_PENDING)
        return NewCredential(id=self.id, credential=self.credential)


class SignInPasskey(Ceremony, frozen=True, kw_only=True, tag="SignInPasskey"):
    """A passkey that signs in by itself: it is possession and the person's PIN or finger."""

    @property
    def user_id(self) -> str | None:
        """The account whose passkey it is."""
        return self.account if self.passed else None

    @property
    def sign_in_switch(self) -> Switch | None:
        """Passkeys are switched on for everybody."""
        return Switch.PASSKEY

    @property
    def vouched_for(self) -> bool:
        """Who has a passkey is no robot."""
        return self.passed

    @property
    def waives_mfa(self) -> bool:
        """There is a second factor in it."""
        return self.passed

    @property
    def amr(self) -> tuple[str, ...]:
        """Two factors in one (RFC 8176 §2)."""
        return (*super().amr, "mfa") if self.passed else ()


C = TypeVar("C", bound=Ceremony)


@dataclass(frozen=True, slots=True)
class SpendChallenge:
    """An answer has come: its challenge is given out to whoever checks it, and to nobody again."""

    kind: type[Ceremony]
    registering: bool = False

    def advance(self, record: Record, now: int) -> tuple[Record, str]:
        """Raises `Refused`: `VERIFICATION_NOT_FOUND`, `MFA_NOT_PENDING`, `PASSKEY_NOT_PENDING`."""
        if not isinstance(record, self.kind):
            raise Refused(Reason.VERIFICATION_NOT_FOUND)
        other = getattr(record, "registering", False) is not self.registering
        if record.challenge is None or other:
            passkey = self.kind is SignInPasskey
            raise Refused(Reason.PASSKEY_NOT_PENDING if passkey else Reason.MFA_NOT_PENDING)
        return msgspec.structs.replace(record, challenge=None), record.challenge


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Who credentials are for (WebAuthn §5.4.2)."""

    id: str
    origins: tuple[str, ...]


def relying_party(core: Core, related_origins: Iterable[str] = ()) -> RelyingParty:
    """This server; `related_origins` are others that may register credentials for it."""
    parts = urlsplit(core.public_url)
    return RelyingParty(
        parts.hostname or "", (f"{parts.scheme}://{parts.netloc}", *related_origins)
    )


def registration_options(
    party: RelyingParty, user: User, factors: Sequence[MfaVerification]
) -> dict[str, Any]:
    """What a browser is asked to make (WebAuthn §5.4), as JSON: a discoverable credential."""
    names = [name for name in (user.username, user.primary_email, user.primary_phone) if name]
    options = webauthn.generate_registration_options(
        rp_id=party.id,
        rp_name=party.id,
        user_id=user.id.encode(),
        user_name=next(iter(names), "Unnamed User"),
        user_display_name=user.name or next(iter(names), "Unnamed User"),
        timeout=TIMEOUT_MS,
        exclude_credentials=_descriptors(factors),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            require_resident_key=True,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        supported_pub_key_algs=_ALGORITHMS,
    )
    return options_to_json_dict(options)


def authentication_options(
    party: RelyingParty, factors: Sequence[MfaVerification] = ()
) -> dict[str, Any]:
    """What a browser is asked to sign (WebAuthn §5.5), as JSON; without factors, any passkey."""
    options = webauthn.generate_authentication_options(
        rp_id=party.id,
        timeout=TIMEOUT_MS,
        allow_credentials=_descriptors(factors),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json_dict(options)


def check_registration(
    party: RelyingParty, challenge: str, payload: Json, agent: str | None
) -> Credential:
    """The credential that a browser made (WebAuthn §7.1). Raises `Refused(WEBAUTHN_FAILED)`."""
    try:
        made = webauthn.verify_registration_response(
            credential={**payload, "type": "public-key"},
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=party.id,
            expected_origin=list(party.origins),
            require_user_verification=True,
            supported_pub_key_algs=_ALGORITHMS,
        )
    except Exception as error:  # Whatever a parser of hostile bytes stumbles over.
        raise Refused(Reason.WEBAUTHN_FAILED) from error
    too_long = len(made.credential_id) > MAX_CREDENTIAL_ID_BYTES
    if too_long or len(made.credential_public_key) > MAX_PUBLIC_KEY_BYTES:
        raise Refused(Reason.WEBAUTHN_FAILED)
    transports = payload["response"].get("transports") or ()
    return Credential(
        credential_id=bytes_to_base64url(made.credential_id),
        public_key=bytes_to_base64url(made.credential_public_key),
        rp_id=party.id,
        counter=made.sign_count,
        transports=tuple(name for name in transports if name in _TRANSPORTS),
        synced=made.credential_device_type is CredentialDeviceType.MULTI_DEVICE,
        agent=agent[:MAX_AGENT_LENGTH] if agent else None,
    )


async def use_credential(
    core: Core, challenge: str, payload: Json, *, user_id: str | None = None
) -> MfaVerification:
    """Check a signature (WebAuthn §7.2) and take its counter; the credential that made it.

    With a `user_id`, it has to be that user's. Raises `Refused`: `WEBAUTHN_FAILED`; without a
    `user_id` also `NOT_IDENTIFIED` for a credential that nobody has.
    """
    credential_id = str(payload["id"]).rstrip("=")
    known = await core.db.lookup(_find, core.tenant_id, credential_id)
    if known is None or (user_id is not None and known.user_id != user_id):
        raise Refused(Reason.NOT_IDENTIFIED if user_id is None else Reason.WEBAUTHN_FAILED)
    handle = payload["response"].get("userHandle")
    party = relying_party(core)
    try:
        if handle and base64url_to_bytes(handle) != known.user_id.encode():
            raise Refused(Reason.WEBAUTHN_FAILED)  # noqa: TRY301 - one answer for all of it
        shown = webauthn.verify_authentication_response(
            credential={**payload, "type": "public-key"},
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=party.id,
            expected_origin=list(party.origins),
            credential_public_key=base64url_to_bytes(str(known.detail["publicKey"])),
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except Exception as error:  # As above; the counter is compared where it is moved.
        raise Refused(Reason.WEBAUTHN_FAILED) from error
    if not await core.db.write(_take, core.tenant_id, known.id, shown.new_sign_count):
        raise Refused(Reason.WEBAUTHN_FAILED)
    return known


def passed(record: C, credential: MfaVerification) -> C:
    """The record, its challenge answered with this credential."""
    synced = credential.detail.get("synced") is True
    return msgspec.structs.replace(
        record, account=credential.user_id, challenge=None, passed=True, synced=synced
    )


def _descriptors(factors: Iterable[MfaVerification]) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(
            id=base64url_to_bytes(factor.credential_id),
            transports=[
                AuthenticatorTransport(name)
                for name in factor.detail.get("transports", ())
                if name in _TRANSPORTS
            ],
        )
        for factor in factors
        if factor.credential_id is not None
    ]


def _find(tx: Transaction, tenant: str, credential_id: str) -> MfaVerification | None:
    return MfaVerifications(tx, tenant).find_credential(credential_id)


def _take(tx: Transaction, tenant: str, verification_id: str, counter: int) -> bool:
    return MfaVerifications(tx, tenant).use_signature(verification_id, counter)
