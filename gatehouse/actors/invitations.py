"""Mails that ask somebody to join an organization.

An invitation is stored first and mailed then, so that a mail never tells of one that was not made.
The mail leaves as an effect, and is delivered even if this process ends before it is.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from gatehouse.actors.code_messages import admit, check_sendable
from gatehouse.actors.messages import OutgoingMessage
from gatehouse.actors.verification import Identifier, IdentifierType
from gatehouse.engine.actor import Effect, Kind, Turn
from gatehouse.storage.organizations import Organizations
from gatehouse.storage.organizations_records import OrganizationInvitation
from gatehouse.storage.transaction import Transaction
from gatehouse.storage.users import Users

if TYPE_CHECKING:
    from gatehouse.actors.core import Core

USE: Final = "OrganizationInvitation"
"""What these mails are for, in Logto's words."""
SENDS_NAME: Final = "invitation-send"
"""The kind of message, for the limit of how many one recipient gets."""
NOTE_MS: Final = 60_000
"""How long it is noted that a mail was handed over: the note only carries the effect."""


class _Sent(msgspec.Struct, frozen=True):
    at: int


@dataclass(frozen=True, slots=True)
class _Send:
    effect: Effect

    def apply(self, state: _Sent | None, now: int, /) -> Turn[_Sent, None]:
        return Turn(_Sent(now), None, expires_at=now + NOTE_MS, effects=(self.effect,))


_MAIL: Final = Kind("invitation-mail", _Sent)


async def check_mailable(core: Core, invitee: str) -> None:
    """Whether somebody can be mailed now; counts as a mail to them.

    Raises `Refused`: CONNECTOR_MISSING, MESSAGE_RATE_LIMITED.
    """
    recipient = Identifier(IdentifierType.EMAIL, invitee)
    await check_sendable(core, recipient)
    await admit(core, recipient, SENDS_NAME)


async def mail_invitation(
    core: Core,
    invitation: OrganizationInvitation,
    payload: Mapping[str, str],
    *,
    ip: str | None = None,
    locales: str | None = None,
) -> None:
    """Have an invitation mailed. `payload` is the operator's own and fills the template, too.

    Templates can name `organization.id`, `organization.name`, `inviter.id`, `inviter.name`.
    """
    context = await core.db.read(_context, core.tenant_id, invitation)
    message = OutgoingMessage(
        tenant_id=core.tenant_id,
        channel="email",
        recipient=invitation.invitee,
        usage=USE,
        payload={**context, **payload},
        ip=ip,
        locales=locales,
    )
    await core.engine.turn(
        _MAIL.at(core.tenant_id, secrets.token_hex(16)), _Send(message.effect(core.vault))
    )


def _context(tx: Transaction, tenant_id: str, invitation: OrganizationInvitation) -> dict[str, str]:
    context = {"organization.id": invitation.organization_id}
    organization = Organizations(tx, tenant_id).find(invitation.organization_id)
    if organization is not None:
        context["organization.name"] = organization.name
    inviter = None
    if invitation.inviter_id is not None:
        inviter = Users(tx, tenant_id).find(invitation.inviter_id)
    if inviter is not None:
        context["inviter.id"] = inviter.id
        context["inviter.name"] = inviter.name or inviter.username or inviter.primary_email or ""
    return context
