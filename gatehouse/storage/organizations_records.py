"""The records of organizations, of their template and of what brings people in.

The same rules hold as for all `records`: the fields are the columns, in order.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from gatehouse.storage.records import Json, Record, RoleType

InvitationStatus = Literal["Pending", "Accepted", "Expired", "Revoked"]


class Organization(Record, frozen=True, kw_only=True):
    """A group of users and applications who have roles within it."""

    tenant_id: str = ""
    id: str = ""
    name: str
    description: str | None = None
    custom_data: Json = msgspec.field(default_factory=dict)
    is_mfa_required: bool = False
    color: Json = msgspec.field(default_factory=dict)
    branding: Json = msgspec.field(default_factory=dict)
    custom_css: str | None = None
    created_at: int = 0


class OrganizationRole(Record, frozen=True, kw_only=True):
    """A named set of scopes that one may have within an organization. All of them share it."""

    tenant_id: str = ""
    id: str = ""
    name: str
    description: str | None = None
    type: RoleType = "User"


class OrganizationScope(Record, frozen=True, kw_only=True):
    """Something one may do in an organization. All of them share it."""

    tenant_id: str = ""
    id: str = ""
    name: str
    description: str | None = None


class OrganizationEmailDomain(Record, frozen=True, kw_only=True):
    """Who has an email address of this domain joins the organization."""

    tenant_id: str = ""
    organization_id: str
    email_domain: str


class OrganizationInvitation(Record, frozen=True, kw_only=True):
    """A person, known by an email address, is asked to join. `expires_at` is in milliseconds.

    One that has expired may still be stored as pending: see `organizations_invitations`.
    """

    tenant_id: str = ""
    id: str = ""
    inviter_id: str | None = None
    invitee: str
    accepted_user_id: str | None = None
    organization_id: str
    status: InvitationStatus = "Pending"
    expires_at: int
    created_at: int = 0
    updated_at: int = 0
