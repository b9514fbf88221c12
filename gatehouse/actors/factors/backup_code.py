"""Backup codes: a list on paper for the day the phone is lost. Each is good once."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.second_factors import MfaFactor, NewBackupCodes, seal_codes
from gatehouse.actors.verification import Record
from gatehouse.storage.mfa import MfaVerifications

if TYPE_CHECKING:
    from gatehouse.actors.core import Core
    from gatehouse.storage.transaction import Transaction
    from gatehouse.storage.vault import Vault

CODES = 10
"""How many codes a set has."""
CODE_BYTES = 5
"""How random a code is; it is written as twice as many hexadecimal digits."""
_CODE = re.compile(r"[0-9a-fA-F]{10}")


class BackupCodeVerification(Record, frozen=True, kw_only=True, tag="BackupCode"):
    """A backup code of the account was used; or new ones were made, and are kept `sealed`."""

    account: str
    used: bool = False
    sealed: str | None = None

    @property
    def verified(self) -> bool:
        """Whether a code was used."""
        return self.used

    @property
    def owner(self) -> str | None:
        """Whose they are."""
        return self.account

    @property
    def second_factor(self) -> MfaFactor | None:
        """A code stands in for the factor that is not at hand."""
        return MfaFactor.BACKUP_CODE if self.used else None

    @property
    def amr(self) -> tuple[str, ...]:
        """RFC 8176 §2."""
        return ("otp",) if self.used else ()

    def to_factor(self) -> NewBackupCodes:
        """The codes to store. Raises `Refused(MFA_NOT_PENDING)` where none were made."""
        if self.sealed is None:
            raise Refused(Reason.MFA_NOT_PENDING)
        return NewBackupCodes(id=self.id, sealed=self.sealed)


def new_codes() -> tuple[str, ...]:
    """A fresh set of codes."""
    return tuple(secrets.token_hex(CODE_BYTES) for _ in range(CODES))


def are_codes(codes: Sequence[str]) -> bool:
    """Whether these are codes as other systems hand them over."""
    return len(codes) == CODES and all(_CODE.fullmatch(code) for code in codes)


def begin(
    vault: Vault, record_id: str, user_id: str, codes: Sequence[str]
) -> BackupCodeVerification:
    """New codes for the user, which they are about to be shown."""
    sealed = seal_codes(vault, record_id, codes)
    return BackupCodeVerification(id=record_id, account=user_id, sealed=sealed)


async def verify_backup_code(
    core: Core, record_id: str, user_id: str, code: str
) -> BackupCodeVerification:
    """Use up one of the user's codes. Raises `Refused(INVALID_BACKUP_CODE)`."""
    if not await core.db.write(_take, core.tenant_id, user_id, code.strip()):
        raise Refused(Reason.INVALID_BACKUP_CODE)
    return BackupCodeVerification(id=record_id, account=user_id, used=True)


def _take(tx: Transaction, tenant: str, user_id: str, code: str) -> bool:
    return MfaVerifications(tx, tenant).use_backup_code(user_id, code)
