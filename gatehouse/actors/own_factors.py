"""Second factors that people set up, name and take away on their own accounts.

Whether the tenant has a kind of factor at all is asked before; that there is one TOTP, that backup
codes stand in for something, is found out in the unit of work that stores them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gatehouse.actors import mfa, mfa_checks
from gatehouse.actors.account_verification import Verification, advance, begin
from gatehouse.actors.factors import totp, webauthn
from gatehouse.actors.factors.webauthn import (
    RelyingParty,
    SpendChallenge,
    WebAuthnVerification,
    relying_party,
)
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.second_factors import (
    MfaFactor,
    NewFactor,
    NewTotp,
    factor_of,
)
from gatehouse.actors.verification import Record
from gatehouse.storage.ids import new_id
from gatehouse.storage.mfa import MfaVerification, MfaVerifications
from gatehouse.storage.users import Users

if TYPE_CHECKING:
    from gatehouse.actors.core import Core
    from gatehouse.storage.records import User
    from gatehouse.storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Registered:
    """A step of a verification: the browser made this passkey."""

    verified: WebAuthnVerification

    def advance(self, record: Record, now: int) -> tuple[Record, None]:
        """It completes what was begun, once."""
        if not isinstance(record, WebAuthnVerification) or record.challenge or record.verified:
            raise Refused(Reason.MFA_NOT_PENDING)
        return self.verified, None


async def factors(core: Core, user_id: str) -> list[MfaVerification]:
    """The person's second factors, oldest first."""
    return await mfa_checks.factors_of(core, user_id)


async def check_enabled(core: Core, kind: MfaFactor) -> None:
    """Raises `Refused(MFA_FACTOR_NOT_ENABLED)` for a kind that the tenant does not have."""
    mfa.check_bindable(await mfa_checks.rules_of(core), [kind])


async def add(core: Core, user_id: str, new: NewFactor, *, replace: bool = False) -> None:
    """Give the account a factor, or with `replace` another one in the place of its kind.

    Raises `Refused`: `TOTP_EXISTS`, `BACKUP_CODE_EXISTS`, `BACKUP_CODE_ALONE`.
    """
    second = factor_of(new) in (await mfa_checks.rules_of(core)).factors
    record = new.to_record(user_id, core.vault)
    await core.db.write(_add, core.tenant_id, record, replace=replace, enables=second)


def shown_totp(core: Core, key: str, code: str) -> NewTotp:
    """A TOTP of which a code was shown. Raises `Refused(INVALID_TOTP_CODE)`."""
    step = totp.matching_step(key, code, core.clock())
    if step is None:
        raise Refused(Reason.INVALID_TOTP_CODE)
    return NewTotp.of(core.vault, key, step)


async def find(core: Core, user_id: str, verification_id: str) -> MfaVerification:
    """The person's factor of this id. Raises `Refused(NO_SUCH_VERIFICATION)`."""
    for factor in await factors(core, user_id):
        if factor.id == verification_id:
            return factor
    raise Refused(Reason.NO_SUCH_VERIFICATION)


async def rename(core: Core, user_id: str, verification_id: str, name: str) -> None:
    """Name a passkey. Raises `Refused(NO_SUCH_VERIFICATION)`, also for another kind of factor."""
    if (await find(core, user_id, verification_id)).type != "WebAuthn":
        raise Refused(Reason.NO_SUCH_VERIFICATION)
    await core.db.write(_rename, core.tenant_id, user_id, verification_id, name)


async def remove(core: Core, user_id: str, verification_id: str) -> None:
    """Take a factor away."""
    await core.db.write(_remove, core.tenant_id, user_id, verification_id)


# Passkeys


async def begin_registration(core: Core, user: User) -> tuple[Verification, dict[str, Any]]:
    """Begin to register a passkey; the verification, and what the browser is asked to make."""
    options = webauthn.registration_options(relying_party(core), user, await factors(core, user.id))
    record = WebAuthnVerification(
        id=new_id(), account=user.id, challenge=options["challenge"], registering=True
    )
    return await begin(core, user.id, record), options


async def register(
    core: Core, owner: str, verification_id: str, payload: webauthn.Json, agent: str | None
) -> None:
    """Take the passkey that a browser made. Raises `Refused`: `WEBAUTHN_FAILED` and others.

    A challenge is good for one answer, right or wrong.
    """
    spend = SpendChallenge(WebAuthnVerification, registering=True)
    challenge = await advance(core, owner, verification_id, spend)
    credential = webauthn.check_registration(await _party(core), challenge, payload, agent)
    registered = WebAuthnVerification(
        id=verification_id,
        account=owner,
        registering=True,
        passed=True,
        credential=credential,
        synced=credential.synced,
    )
    await advance(core, owner, verification_id, Registered(registered))


async def _party(core: Core) -> RelyingParty:
    """This server, and the sites of the tenant's that share its passkeys."""
    center = await core.directory.account_center()
    return relying_party(core, center.webauthn_related_origins)


def _add(
    tx: Transaction,
    tenant: str,
    new: MfaVerification,
    *,
    replace: bool,
    enables: bool,
) -> None:
    stored, user_id = MfaVerifications(tx, tenant), new.user_id
    mine = stored.of(user_id)
    same = [factor for factor in mine if factor.type == new.type]
    if new.type == "BackupCode":
        if not replace and any(factor.remaining for factor in same):
            raise Refused(Reason.BACKUP_CODE_EXISTS)
        if len(same) == len(mine):
            raise Refused(Reason.BACKUP_CODE_ALONE)
    if new.type == "Totp" and same and not replace:
        raise Refused(Reason.TOTP_EXISTS)
    if replace:
        for other in same:
            stored.delete(other.id)
    stored.add(new)
    users = Users(tx, tenant)
    config = users.get(user_id).logto_config
    if enables and mfa.user_config(config).enabled is not True:
        decided = {**(config.get(mfa.CONFIG_KEY) or {}), "enabled": True}
        users.update(user_id, logto_config={**config, mfa.CONFIG_KEY: decided})


def _rename(tx: Transaction, tenant: str, user_id: str, verification_id: str, name: str) -> None:
    MfaVerifications(tx, tenant).rename(user_id, verification_id, name)


def _remove(tx: Transaction, tenant: str, user_id: str, verification_id: str) -> None:
    MfaVerifications(tx, tenant).remove(user_id, verification_id)
