"""Second factors as the core names them, and what is collected of them until it is stored.

What a person enrols while signing in waits in the interaction and is stored on submission, under
an id that is chosen when it is collected: whoever submits twice stores it once. Until then keys and
codes are sealed, since an interaction is kept in Redis: here they are never in the clear.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from gatehouse.storage.ids import new_id
from gatehouse.storage.mfa import BackupCode, MfaVerification, backup_codes_json

if TYPE_CHECKING:
    from gatehouse.storage.vault import Vault


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
    """A TOTP key that a code was shown for; `step` is the time step of that code."""

    id: str
    sealed: str
    step: int = 0

    @classmethod
    def of(cls, vault: Vault, key: str, step: int = 0) -> NewTotp:
        """A factor of this key (base32)."""
        factor_id = new_id()
        return cls(id=factor_id, sealed=seal_secret(vault, factor_id, key), step=step)

    def to_record(self, user_id: str, vault: Vault) -> MfaVerification:
        """The factor as it is stored."""
        key = open_secret(vault, self.id, self.sealed)
        return MfaVerification(
            id=self.id, user_id=user_id, type="Totp", secret=key, counter=self.step
        )


class NewCredential(msgspec.Struct, frozen=True, kw_only=True, tag="WebAuthn"):
    """A credential that waits to be stored."""

    id: str
    credential: Credential
    name: str | None = None

    def to_record(self, user_id: str, vault: Vault) -> MfaVerification:
        """The factor as it is stored; what is known of a credential is public."""
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
    sealed: str

    @classmethod
    def of(cls, vault: Vault, codes: Sequence[str]) -> NewBackupCodes:
        """A factor of these codes."""
        factor_id = new_id()
        return cls(id=factor_id, sealed=seal_codes(vault, factor_id, codes))

    def to_record(self, user_id: str, vault: Vault) -> MfaVerification:
        """The factor as it is stored."""
        secret = open_secret(vault, self.id, self.sealed)
        return MfaVerification(id=self.id, user_id=user_id, type="BackupCode", secret=secret)


def seal_secret(vault: Vault, factor_id: str, secret: str) -> str:
    """The secret of a factor as it waits to be stored: sealed for this factor alone."""
    return vault.seal(secret, _place(factor_id))


def open_secret(vault: Vault, factor_id: str, sealed: str) -> str:
    """The secret again. Raises `SealError`."""
    return vault.open(sealed, _place(factor_id))


def seal_codes(vault: Vault, factor_id: str, codes: Sequence[str]) -> str:
    """Backup codes as they wait to be stored."""
    return seal_secret(vault, factor_id, backup_codes_json([BackupCode(code) for code in codes]))


def _place(factor_id: str) -> str:
    return f"second-factor:{factor_id}"


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
