"""Second factors of users: what is kept of each, and that what is good once is taken once.

A factor's `counter` only grows: for a TOTP it is the last time step that was used, for a WebAuthn
credential its signature counter. Whoever uses a factor moves the counter in the same unit of work
that looked at it, so that of two that present the same code one is refused, on whichever node.
"""

from __future__ import annotations

import hmac
from typing import Literal

import msgspec
import sqlalchemy as sa

from gatehouse.storage import schema
from gatehouse.storage.errors import NotFound, Refused
from gatehouse.storage.records import Json, Record
from gatehouse.storage.repository import Repository, Rows
from gatehouse.storage.statement import Stmt
from gatehouse.storage.users import Users

FactorType = Literal["Totp", "WebAuthn", "BackupCode"]

MAX_CREDENTIALS = 20
"""WebAuthn credentials a user can have: nobody carries more, and each is offered to browsers."""

_m = schema.mfa_verifications
_OF_USER = Stmt(
    sa.select(_m)
    .where(_m.c.tenant_id == sa.bindparam("tenant_id"), _m.c.user_id == sa.bindparam("user_id"))
    .order_by(_m.c.created_at, _m.c.id)
)
_members = schema.organizations_users
_organizations = schema.organizations
_DEMANDING = Stmt(
    sa.select(_organizations.c.id)
    .join_from(
        _members,
        _organizations,
        (_organizations.c.tenant_id == _members.c.tenant_id)
        & (_organizations.c.id == _members.c.organization_id),
    )
    .where(
        _members.c.tenant_id == sa.bindparam("tenant_id"),
        _members.c.user_id == sa.bindparam("user_id"),
        _organizations.c.is_mfa_required,
    )
    .limit(1)
)
_BY_CREDENTIAL = Stmt(
    sa.select(_m).where(
        _m.c.tenant_id == sa.bindparam("tenant_id"),
        _m.c.credential_id == sa.bindparam("credential_id"),
    )
)


class BackupCode(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """One backup code. `used_at` is in milliseconds since the epoch."""

    code: str
    used_at: int | None = None


class MfaVerification(Record, frozen=True, kw_only=True):
    """One second factor of a user.

    `secret` is sealed in the database: the key of a TOTP (base32), or the backup codes (JSON).
    `credential_id` and the public key in `detail` are a WebAuthn credential's (both base64url);
    `agent` is the browser it was made with.
    """

    tenant_id: str = ""
    id: str = ""
    user_id: str = ""
    type: FactorType
    name: str | None = None
    agent: str | None = None
    credential_id: str | None = None
    secret: str | None = None
    detail: Json = msgspec.field(default_factory=dict)
    counter: int = 0
    last_used_at: int | None = None
    created_at: int = 0

    @property
    def codes(self) -> list[BackupCode]:
        """The backup codes, used ones too; none of another factor."""
        if self.type != "BackupCode" or self.secret is None:
            return []
        return msgspec.json.decode(self.secret, type=list[BackupCode])

    @property
    def remaining(self) -> int:
        """How many backup codes are left."""
        return sum(code.used_at is None for code in self.codes)

    @property
    def usable(self) -> bool:
        """Whether somebody could pass with this: backup codes run out."""
        return self.type != "BackupCode" or self.remaining > 0


class MfaVerifications(Repository[MfaVerification]):
    """The second factors of a tenant's users. What changes here is a change of the user."""

    rows = Rows(_m, MfaVerification)

    def of(self, user_id: str) -> list[MfaVerification]:
        """A user's factors, oldest first."""
        return self._many(_OF_USER, user_id=user_id)

    def find_credential(self, credential_id: str) -> MfaVerification | None:
        """The WebAuthn credential of this id (base64url), whosever it is."""
        found = self._many(_BY_CREDENTIAL, credential_id=credential_id)
        return found[0] if found else None

    def demanded(self, user_id: str) -> bool:
        """Whether an organization of the user wants its members to have a second factor."""
        here = {"tenant_id": self.tenant_id, "user_id": user_id}
        return self.tx.row(_DEMANDING, here) is not None

    def add(self, record: MfaVerification) -> MfaVerification:
        """Give a user a factor. Backup codes replace the ones before.

        Adding a factor again under the id it was given before changes nothing. Raises `NotFound`
        without the user, `Refused` (`totp_exists`, `too_many_credentials`), `Conflict` on
        `credential_id`.
        """
        if record.id and (known := self.find(record.id)) is not None:
            return known
        Users(self.tx, self.tenant_id).update(record.user_id)
        others = [other for other in self.of(record.user_id) if other.type == record.type]
        if record.type == "Totp" and others:
            raise Refused(self.rows.entity, "totp_exists")
        if record.type == "WebAuthn" and len(others) >= MAX_CREDENTIALS:
            raise Refused(self.rows.entity, "too_many_credentials")
        if record.type == "BackupCode":
            for other in others:
                self.delete(other.id)
        return self.create(record)

    def remove(self, user_id: str, verification_id: str) -> None:
        """Take a factor from a user. Raises `NotFound`."""
        self._mine(user_id, verification_id)
        self.delete(verification_id)
        Users(self.tx, self.tenant_id).update(user_id)

    def rename(self, user_id: str, verification_id: str, name: str) -> MfaVerification:
        """Name a WebAuthn credential. Raises `NotFound`, also for another kind of factor."""
        if self._mine(user_id, verification_id).type != "WebAuthn":
            raise NotFound(self.rows.entity, verification_id)
        Users(self.tx, self.tenant_id).update(user_id)
        return self.update(verification_id, name=name)

    def use_step(self, verification_id: str, step: int) -> bool:
        """Take a TOTP's time step; False if it, or a later one, was taken before."""
        known = self.find(verification_id)
        if known is None or step <= known.counter:
            return False
        self.update(verification_id, counter=step, last_used_at=self.tx.now)
        return True

    def use_signature(self, verification_id: str, counter: int) -> bool:
        """Take the signature counter of a WebAuthn assertion (WebAuthn §7.2, step 22).

        False if it did not grow: the authenticator may have been cloned. Authenticators that count
        nothing stay at zero.
        """
        known = self.find(verification_id)
        if known is None or (counter <= known.counter and (counter or known.counter)):
            return False
        self.update(verification_id, counter=counter, last_used_at=self.tx.now)
        return True

    def use_backup_code(self, user_id: str, code: str) -> bool:
        """Take a backup code; False if the user has no such code left."""
        for factor in self.of(user_id):
            codes = factor.codes
            for position, known in enumerate(codes):
                given, wanted = code.lower().encode(), known.code.lower().encode()
                if known.used_at is None and hmac.compare_digest(given, wanted):
                    codes[position] = BackupCode(known.code, self.tx.now)
                    self.update(
                        factor.id, secret=backup_codes_json(codes), last_used_at=self.tx.now
                    )
                    return True
        return False

    def _mine(self, user_id: str, verification_id: str) -> MfaVerification:
        record = self.find(verification_id)
        if record is None or record.user_id != user_id:
            raise NotFound(self.rows.entity, verification_id)
        return record


def backup_codes_json(codes: list[BackupCode]) -> str:
    """Backup codes as they are kept."""
    return msgspec.json.encode(codes).decode()
