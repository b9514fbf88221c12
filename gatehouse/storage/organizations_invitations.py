"""Invitations into organizations: pending until they are accepted, revoked or expired.

An invitation that has expired is shown as such from that moment on, although what is stored still
says that it is pending. A person has one pending invitation into an organization at most, known
by the email address.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from gatehouse.storage import schema
from gatehouse.storage.columns import any_of
from gatehouse.storage.errors import Refused
from gatehouse.storage.links import LinkRows, Links
from gatehouse.storage.organizations import Organizations
from gatehouse.storage.organizations_members import OrganizationUsers
from gatehouse.storage.organizations_records import OrganizationInvitation
from gatehouse.storage.organizations_template import ROLES, NamedRef
from gatehouse.storage.repository import Page, Repository, Rows
from gatehouse.storage.search import Finder
from gatehouse.storage.statement import Stmt
from gatehouse.storage.users import Users

_i = schema.organization_invitations
_INVITATIONS = Rows(_i, OrganizationInvitation)
_TO_INVITEE = sa.func.lower(_i.c.invitee) == sa.func.lower(sa.bindparam("invitee", type_=sa.Text))
_FINDER = Finder(
    _i,
    ("id", "invitee"),
    filters={
        "organization_id": _i.c.organization_id == sa.bindparam("organization_id"),
        "inviter_id": _i.c.inviter_id == sa.bindparam("inviter_id"),
        "invitee": _TO_INVITEE,
    },
)
_EXPIRE = Stmt(
    sa.update(_i)
    .where(
        _i.c.tenant_id == sa.bindparam("tenant_id"),
        _i.c.organization_id == sa.bindparam("organization_id"),
        _TO_INVITEE,
        _i.c.status == sa.literal_column("'Pending'"),
        _i.c.expires_at < sa.bindparam("now"),
    )
    .values(status=sa.literal_column("'Expired'"))
)
_INVITATION_ROLES = LinkRows(schema.organization_invitations_roles, _INVITATIONS, ROLES)
_link = schema.organization_invitations_roles
_ROLES_OF = Stmt(
    sa.select(_link.c.organization_invitation_id, ROLES.table.c.id, ROLES.table.c.name)
    .join(
        ROLES.table,
        (ROLES.table.c.tenant_id == _link.c.tenant_id)
        & (ROLES.table.c.id == _link.c.organization_role_id),
    )
    .where(any_of(_link.c.organization_invitation_id, "ids"))
    .order_by(ROLES.table.c.name)
)


class OrganizationInvitations(Repository[OrganizationInvitation]):
    """The invitations of a tenant."""

    rows = _INVITATIONS

    def search(
        self,
        limit: int = 20,
        offset: int = 0,
        *,
        organization_id: str | None = None,
        inviter_id: str | None = None,
        invitee: str | None = None,
    ) -> Page[OrganizationInvitation]:
        """One page of the invitations, newest first; an invitee is found whatever the case."""
        given = {"organization_id": organization_id, "inviter_id": inviter_id, "invitee": invitee}
        used = {name: value for name, value in given.items() if value is not None}
        listing, params = _FINDER.listing(None, tuple(used))
        return self._page(listing, limit, offset, **params, **used)

    def invite(
        self, invitation: OrganizationInvitation, role_ids: Sequence[str]
    ) -> OrganizationInvitation:
        """Store a new invitation, with the roles that it will give.

        Raises `NotFound` for the organization, the inviter or a role; `Refused` for someone who
        is a member (`already_member`); `Conflict` on `invitee`, who is invited already.
        """
        Organizations(self.tx, self.tenant_id).get(invitation.organization_id)
        users = Users(self.tx, self.tenant_id)
        if invitation.inviter_id is not None:
            users.get(invitation.inviter_id)
        known = users.find_by_email(invitation.invitee)
        members = OrganizationUsers(self.tx, self.tenant_id)
        if known is not None and members.has(invitation.organization_id, known.id):
            raise Refused(self.rows.entity, "already_member")
        self.tx.run(
            _EXPIRE,
            {
                "tenant_id": self.tenant_id,
                "organization_id": invitation.organization_id,
                "invitee": invitation.invitee,
                "now": self.tx.now,
            },
        )
        invitation = self.create(invitation)
        Links(self.tx, self.tenant_id, _INVITATION_ROLES).add(invitation.id, role_ids)
        return invitation

    def accept(self, id_: str, user_id: str) -> OrganizationInvitation:
        """Make a user a member, with the roles of the invitation.

        Raises `NotFound` for the invitation or the user, `Refused` if it is not pending any more
        (`ended`) or if the user has another email address (`other_invitee`).
        """
        invitation = self._pending(id_)
        user = Users(self.tx, self.tenant_id).get(user_id)
        if (user.primary_email or "").lower() != invitation.invitee.lower():
            raise Refused(self.rows.entity, "other_invitee")
        members = OrganizationUsers(self.tx, self.tenant_id)
        members.add(invitation.organization_id, [user.id])
        roles = [role.id for role in self.roles_of([id_])[id_]]
        if roles:
            members.roles(invitation.organization_id).add(user.id, roles)
        return self.update(id_, status="Accepted", accepted_user_id=user.id)

    def revoke(self, id_: str) -> OrganizationInvitation:
        """Take an invitation back. Raises `NotFound`, `Refused` (`ended`)."""
        return self.update(self._pending(id_).id, status="Revoked")

    def roles_of(self, ids: Sequence[str]) -> dict[str, list[NamedRef]]:
        """The roles that each of these invitations gives, by name."""
        found: dict[str, list[NamedRef]] = {id_: [] for id_ in ids}
        params = {"tenant_id": self.tenant_id, "ids": list(ids)}
        for id_, *role in self.tx.rows(_ROLES_OF, params):
            found[id_].append(NamedRef(*role))
        return found

    def _pending(self, id_: str) -> OrganizationInvitation:
        invitation = self.get(id_)
        if invitation.status != "Pending":
            raise Refused(self.rows.entity, "ended")
        return invitation

    def _one(self, statement: Stmt, params: Mapping[str, Any]) -> OrganizationInvitation | None:
        found = super()._one(statement, params)
        return None if found is None else self._current(found)

    def _many(self, statement: Stmt, **params: Any) -> list[OrganizationInvitation]:
        return [self._current(one) for one in super()._many(statement, **params)]

    def _current(self, invitation: OrganizationInvitation) -> OrganizationInvitation:
        if invitation.status == "Pending" and invitation.expires_at < self.tx.now:
            return msgspec.structs.replace(invitation, status="Expired")
        return invitation
