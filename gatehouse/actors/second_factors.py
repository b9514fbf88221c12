"""Second factors as the core names them, and what is collected of them until it is stored.

What a person enrols while signing in waits in the interaction and is stored on submission, under
an id that is chosen when it is collected: whoever submits twice stores it once.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from gatehouse.storage.mfa import BackupCode, MfaVerification, backup_codes_json


class MfaFactor(StrEnum):
    """The kinds of second factor."""

    TOTP = "Totp"
    WEBAUTHN = "WebAuthn"
    BACKUP_CODE = "BackupCode"
    EMAIL = "EmailVerificationCode"
    PHONE = "PhoneVerificationCode"


class Credential(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A WebAuthn credential that was registered. Ids and keys are base64url without padding.

    `synced`: it may be on several devices (WebAuthn §6.1.3, the flag BE). `agent` is the browser.
    """

    credential_id: str
    public_key: str
    rp_id: str
    counter: int = 0
    transports: tuple[str, ...] = ()
    synced: bool = False
    agent: str | None = None


class NewTotp(msgspec.Struct, frozen=True, kw_only=True, tag="Totp"):
    """A TOTP key (base32) that a code was shown for; `step` is the time step of that code."""

    id: str
    key: str
    step: int = 0

    def to_record(self, user_id: str) -> MfaVerification:
        """The factor as it is stored."""
        return MfaVerification(
            id=self.id, user_id=user_id, type="Totp", secret=self.key, counter=self.step
        )


class NewCredential(msgspec.Struct, frozen=True, kw_only=True, tag="WebAuthn"):
    """A credential that waits to be stored."""

    id: str
    credential: Credential
    name: str | None = None

    def to_record(self, user_id: str) -> MfaVerification:
        """The factor as it is stored."""
        credential = self.credential
        return MfaVerification(
            id=self.id,
            user_id=user_id,
            type="WebAuthn",
            name=self.name,
            agent=credential.agent,
            credential_id=credential.credential_id,
            counter=credential.counter,
            detail={
                "publicKey": credential.public_key,
                "rpId": credential.rp_id,
                "transports": list(credential.transports),
                "synced": credential.synced,
            },
        )


class NewBackupCodes(msgspec.Struct, frozen=True, kw_only=True, tag="BackupCode"):
    """Backup codes that the person has seen."""

    id: str
    codes: tuple[str, ...]

    def to_record(self, user_id: str) -> MfaVerification:
        """The factor as it is stored."""
        secret = backup_codes_json([BackupCode(code) for code in self.codes])
        return MfaVerification(id=self.id, user_id=user_id, type="BackupCode", secret=secret)


NewFactor = NewTotp | NewCredential | NewBackupCodes


class MfaChoices(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a person decided about second factors within one interaction."""

    enabled: bool | None = None
    skipped: bool = False
    suggestion_skipped: bool = False
    passkey_skipped: bool = False
    factors: tuple[NewFactor, ...] = ()

    def merged(self, newer: MfaChoices) -> MfaChoices:
        """These choices with the newer ones. There is one TOTP and one set of backup codes."""
        alone = {type(factor) for factor in newer.factors} - {NewCredential}
        added = {factor.id for factor in newer.factors}
        kept = tuple(
            factor
            for factor in self.factors
            if type(factor) not in alone and factor.id not in added
        )
        return MfaChoices(
            enabled=self.enabled if newer.enabled is None else newer.enabled,
            skipped=self.skipped or newer.skipped,
            suggestion_skipped=self.suggestion_skipped or newer.suggestion_skipped,
            passkey_skipped=self.passkey_skipped or newer.passkey_skipped,
            factors=(*kept, *newer.factors),
        )

    @property
    def kinds(self) -> list[MfaFactor]:
        """The kinds of factor that were enrolled."""
        return [factor_of(factor) for factor in self.factors]


def factor_of(new: NewFactor) -> MfaFactor:
    """Which kind a new factor is."""
    return MfaFactor(str(new.__struct_config__.tag))
