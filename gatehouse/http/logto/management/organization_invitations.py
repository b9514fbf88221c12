"""`/api/organization-invitations`: people are asked by email address to join an organization.

An invitation is mailed through the email connector if the caller gives what the mail is to show;
without that the caller hands out a link to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Literal

from pydantic import Field

from gatehouse.actors.invitations import check_mailable, mail_invitation
from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT
from gatehouse.http.logto.errors import ApiError
from gatehouse.http.logto.management.organization_collections import (
    Named,
    missing_is,
    unrelated,
)
from gatehouse.http.logto.management.paging import bounds
from gatehouse.http.logto.management.store import Store, read, write
from gatehouse.http.operation import Operations
from gatehouse.http.wire import Email, Maybe, Query, Text, View, Wire
from gatehouse.storage.errors import Refused
from gatehouse.storage.organizations_records import InvitationStatus, OrganizationInvitation

PATH = "/api/organization-invitations"

operations = Operations(tags=("Organization invitations",), access=MANAGEMENT, cors=CONSOLE_ONLY)

Line = Annotated[str, Field(max_length=2048)]
Milliseconds = Annotated[int, Field(ge=0, le=2**53 - 1)]

_RULES = {
    "already_member": "The invitee is a member of the organization already.",
    "other_invitee": "The user's email address is not the one that was invited.",
    "ended": "The invitation is not pending any more.",
}
"""What a refused change of an invitation means, by rule."""


class MessagePayload(Wire):
    """What a mail about an invitation shows."""

    code: Maybe[Line] = None
    link: Maybe[Line] = None
    locale: Maybe[Line] = None
    ui_locales: Maybe[Line] = None


class NewInvitation(Wire):
    """An invitation to make; `expires_at` is in milliseconds since the epoch."""

    inviter_id: str | None = None
    invitee: Email
    organization_id: Text
    expires_at: Milliseconds
    organization_role_ids: Maybe[list[Text]] = None
    message_payload: Maybe[MessagePayload | Literal[False]] = None


class StatusChange(Wire):
    """How an invitation ends, and who it was that accepted it."""

    status: Literal["Accepted", "Revoked"]
    accepted_user_id: str | None = None


class InvitationList(Query):
    """Which invitations."""

    organization_id: str | None = Field(None, alias="organizationId")
    inviter_id: str | None = Field(None, alias="inviterId")
    invitee: str | None = None


class InvitationView(View):
    """An invitation, with the roles that it gives."""

    tenant_id: str
    id: str
    inviter_id: str | None
    invitee: str
    accepted_user_id: str | None
    organization_id: str
    status: InvitationStatus
    created_at: int
    updated_at: int
    expires_at: int
    organization_roles: list[Named]


@operations.get(
    PATH, "ListOrganizationInvitations", query=InvitationList, response=list[InvitationView]
)
async def list_invitations(call: Call[None, InvitationList]) -> Reply:
    """List invitations, newest first."""
    query = call.query

    def look(store: Store) -> list[InvitationView]:
        found = store.organization_invitations.search(
            *bounds(None),
            organization_id=query.organization_id,
            inviter_id=query.inviter_id,
            invitee=query.invitee,
        )
        return _views(store, found.items)

    return Reply(200, await read(call, look))


@operations.post(
    PATH,
    "CreateOrganizationInvitation",
    body=NewInvitation,
    response=InvitationView,
    status=201,
    statuses=(400, 422, 429, 501),
)
async def create_invitation(call: Call[NewInvitation]) -> InvitationView:
    """Invite somebody into an organization."""
    new = call.body
    if new.expires_at <= call.core.clock():
        raise _strange("`expiresAt` must be in the future.", 400)
    invitation = OrganizationInvitation(
        inviter_id=new.inviter_id,
        invitee=new.invitee,
        organization_id=new.organization_id,
        expires_at=new.expires_at,
    )

    def change(store: Store) -> InvitationView:
        made = store.organization_invitations.invite(invitation, new.organization_role_ids or [])
        return _views(store, [made])[0]

    if new.message_payload:
        await check_mailable(call.core, new.invitee)
    with unrelated(), _rules():
        made = await write(call, change)
    if new.message_payload:
        await _mail(call, invitation, new.message_payload)
    return made


@operations.post(
    f"{PATH}/{{id}}/message",
    "CreateOrganizationInvitationMessage",
    body=MessagePayload,
    status=204,
    statuses=(404, 429, 501),
)
async def mail_again(call: Call[MessagePayload]) -> None:
    """Mail an invitation, as often as the recipient may be mailed."""
    with missing_is("entity.not_found"):
        invitation = await read(
            call, lambda store: store.organization_invitations.get(call.path["id"])
        )
    await check_mailable(call.core, invitation.invitee)
    await _mail(call, invitation, call.body)


@operations.get(
    f"{PATH}/{{id}}", "GetOrganizationInvitation", response=InvitationView, statuses=(404,)
)
async def get_invitation(call: Call) -> InvitationView:
    """Read an invitation."""

    def look(store: Store) -> InvitationView:
        return _views(store, [store.organization_invitations.get(call.path["id"])])[0]

    return await read(call, look)


@operations.put(
    f"{PATH}/{{id}}/status",
    "ReplaceOrganizationInvitationStatus",
    body=StatusChange,
    response=InvitationView,
    statuses=(404, 422),
)
async def end_invitation(call: Call[StatusChange]) -> InvitationView:
    """Accept an invitation for a user, who becomes a member; or revoke it."""
    user_id = call.body.accepted_user_id
    accepted = call.body.status == "Accepted"
    if accepted and not user_id:
        raise _strange("`acceptedUserId` is needed to accept an invitation.", 422)

    def change(store: Store) -> InvitationView:
        invitations = store.organization_invitations
        if accepted and user_id:
            ended = invitations.accept(call.path["id"], user_id)
        else:
            ended = invitations.revoke(call.path["id"])
        return _views(store, [ended])[0]

    with _rules():
        return await write(call, change)


@operations.delete(f"{PATH}/{{id}}", "DeleteOrganizationInvitation", statuses=(404,))
async def delete_invitation(call: Call) -> None:
    """Delete an invitation."""
    with missing_is("entity.not_found"):
        await write(call, lambda store: store.organization_invitations.delete(call.path["id"]))


async def _mail(
    call: Call[Any, Any], invitation: OrganizationInvitation, payload: MessagePayload
) -> None:
    await mail_invitation(
        call.core,
        invitation,
        payload.as_json(),
        ip=call.client_address,
        locales=payload.ui_locales or payload.locale,
    )


def _views(store: Store, found: list[OrganizationInvitation]) -> list[InvitationView]:
    roles = store.organization_invitations.roles_of([one.id for one in found])
    return [
        InvitationView.of(one, organization_roles=[Named.of(role) for role in roles[one.id]])
        for one in found
    ]


def _strange(details: str, status: int) -> ApiError:
    return ApiError("request.invalid_input", status=status, params={"details": details})


@contextmanager
def _rules() -> Iterator[Any]:
    """Refuse what the rules of invitations forbid. Raises ApiError."""
    try:
        yield
    except Refused as refusal:
        if refusal.rule not in _RULES:
            raise
        raise _strange(_RULES[refusal.rule], 422) from None
