"""Verification codes for one's own account: sent to an address, and given.

To an address that the account has, a code shows that it is really its owner who asks; to another
one, that this is the owner's too, and can become the account's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatehouse.actors import accounts, code_messages, lockout
from gatehouse.actors.account_verification import (
    PERMISSION,
    Verification,
    advance,
    begin,
    record_of,
)
from gatehouse.actors.email_blocklist import check_email
from gatehouse.actors.factors.code import RECORDS, GiveCode, Pass, bound_to
from gatehouse.actors.message_facts import Setting, facts_of
from gatehouse.actors.refusal import Refused
from gatehouse.actors.verification import Identifier, IdentifierType
from gatehouse.actors.verification_code import compare, issue
from gatehouse.actors.webhooks import tell_of_stop
from gatehouse.storage.ids import new_id

if TYPE_CHECKING:
    from gatehouse.actors.audit import Origin
    from gatehouse.actors.core import Core
    from gatehouse.storage.records import User

NEW_ADDRESS = "BindNewIdentifier"
"""What a code is for that is sent to an address which is not the account's."""


async def send(
    core: Core, user: User, identifier: Identifier, purpose: str | None, *, origin: Origin
) -> Verification:
    """Begin a verification by a code. `purpose` is what a code to an address of one's own is for.

    Raises `Refused`: `EMAIL_NOT_ALLOWED` and others of the blocklist for a new address,
    `MESSAGE_RATE_LIMITED`, `CONNECTOR_MISSING`.
    """
    held = {IdentifierType.EMAIL: user.primary_email, IdentifierType.PHONE: user.primary_phone}
    template = purpose or PERMISSION
    if identifier.value != held[identifier.type]:
        template = NEW_ADDRESS
        if identifier.type is IdentifierType.EMAIL:
            await check_new_email(core, identifier.value)
    record = RECORDS[identifier.type](id=new_id(), identifier=identifier, template_type=template)
    await code_messages.check_sendable(core, identifier)
    try:
        await code_messages.admit(core, identifier)
    except Refused as refusal:
        await tell_of_stop(core, refusal, origin, _name(identifier))
        raise
    code, kept = issue(core, bound_to(record))
    setting = Setting(origin.application_id, user=user)
    languages, facts = await facts_of(core, setting, origin)
    message = code_messages.code_message(
        core, template, identifier, code, ip=origin.ip, locales=languages, payload=facts
    )
    return await begin(core, user.id, record.waiting(kept), (message.effect(core.vault),))


async def give(
    core: Core,
    owner: str,
    verification_id: str,
    identifier: Identifier,
    code: str,
    *,
    origin: Origin,
) -> None:
    """Give the code that was sent. Raises `Refused` with what is against it."""
    record = await record_of(core, owner, verification_id, RECORDS[identifier.type])
    rules = await accounts.rules(core)
    attempt = compare(core, bound_to(record), record.code, code)
    step = GiveCode(identifier, attempt, rules.verification_code_policy)

    async def attempt_once() -> None:
        objection = await advance(core, owner, verification_id, step)
        if objection is not None:
            raise Refused(objection)

    policy, pool = rules.sentinel_policy, lockout.Pool.SIGN_IN
    try:
        await lockout.guard(core, policy, pool, identifier.value, attempt_once)
    except Refused as refusal:
        await tell_of_stop(core, refusal, origin, _name(identifier))
        raise
    await advance(core, owner, verification_id, Pass(attempt.of))


async def check_new_email(core: Core, email: str) -> None:
    """Raises `Refused` for an address that the tenant does not want."""
    check_email((await accounts.rules(core)).email_blocklist_policy, email)


def _name(identifier: Identifier) -> tuple[str, str]:
    return identifier.type.value, identifier.value
