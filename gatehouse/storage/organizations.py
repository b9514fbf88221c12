"""Organizations, and how people join them by themselves: by the domain of their email address.

Deleting an organization ends its memberships, with their roles, and its invitations.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from gatehouse.storage import schema
from gatehouse.storage.columns import any_of
from gatehouse.storage.errors import NotFound
from gatehouse.storage.links import Links
from gatehouse.storage.organizations_members import APPLICATIONS, USERS, OrganizationUsers
from gatehouse.storage.organizations_records import Organization, OrganizationEmailDomain
from gatehouse.storage.organizations_template import JIT_ROLES, ORGANIZATIONS, OrganizationRoles
from gatehouse.storage.repository import Page, Repository, Rows, window
from gatehouse.storage.search import Finder, Search
from gatehouse.storage.statement import Stmt
from gatehouse.storage.transaction import Transaction

MAX_JIT_ROLES = 1000
"""Roles that one receives who joins an organization."""

_FINDER = Finder(
    schema.organizations,
    ("id", "name"),
    lower_case=("id",),
    filters={
        "user": USERS.rows.has_member("user_id"),
        "application": APPLICATIONS.rows.has_member("application_id"),
    },
)
_d = schema.organization_jit_email_domains
_OF_ORGANIZATION = (
    _d.c.tenant_id == sa.bindparam("tenant_id"),
    _d.c.organization_id == sa.bindparam("organization_id"),
)
_DOMAINS = Stmt(window(sa.select(_d).where(*_OF_ORGANIZATION).order_by(_d.c.email_domain)))
_COUNT_DOMAINS = Stmt(sa.select(sa.func.count()).select_from(_d).where(*_OF_ORGANIZATION))
_CLEAR_DOMAINS = Stmt(sa.delete(_d).where(*_OF_ORGANIZATION))
_WELCOMING = Stmt(
    sa.select(_d.c.organization_id)
    .where(any_of(_d.c.email_domain, "domains"))
    .distinct()
    .order_by(_d.c.organization_id)
)


class Organizations(Repository[Organization]):
    """The organizations of a tenant."""

    rows = ORGANIZATIONS
    event = "Organization"

    def search(
        self,
        search: Search | str | None = None,
        limit: int = 20,
        offset: int = 0,
        *,
        user_id: str | None = None,
        application_id: str | None = None,
    ) -> Page[Organization]:
        """One page of the organizations found, newest first: all, or those of a member."""
        given = {"user": user_id, "application": application_id}
        used = {name: value for name, value in given.items() if value is not None}
        listing, params = _FINDER.listing(search, tuple(used), few=bool(used))
        params.update({f"{name}_id": value for name, value in used.items()})
        return self._page(listing, limit, offset, **params)

    def join_by_email(self, user_id: str, email: str) -> list[str]:
        """Make a user a member wherever the domain of this address is welcome.

        They receive the roles that are for such users there. Whether the address is the user's
        own is for the caller to know. Returns the ids of the organizations. Raises `NotFound`.
        """
        domain = email.rpartition("@")[2]
        params = {"tenant_id": self.tenant_id, "domains": [domain, domain.lower()]}
        joined = [row[0] for row in self.tx.rows(_WELCOMING, params)]
        self.join(user_id, joined)
        return joined

    def join(self, user_id: str, organization_ids: Sequence[str]) -> None:
        """Make a user a member of these, with the roles that newcomers receive there.

        Raises `NotFound`.
        """
        members = OrganizationUsers(self.tx, self.tenant_id)
        roles = OrganizationRoles(self.tx, self.tenant_id)
        for id_ in organization_ids:
            members.add(id_, [user_id])
            found = roles.search(None, MAX_JIT_ROLES, organization_id=id_).items
            members.roles(id_).add(user_id, [role.id for role in found if role.type == "User"])


class OrganizationEmailDomains(Repository[OrganizationEmailDomain]):
    """The email domains whose people join organizations; the key is (organization id, domain).

    `create` raises `Conflict` on `email_domain`.
    """

    rows = Rows(_d, OrganizationEmailDomain)

    def of(
        self, organization_id: str, limit: int = 20, offset: int = 0
    ) -> Page[OrganizationEmailDomain]:
        """One page of the domains of an organization, in order."""
        here = {"tenant_id": self.tenant_id, "organization_id": organization_id}
        ((total,),) = self.tx.rows(_COUNT_DOMAINS, here)
        items = self._many(_DOMAINS, **here, page_limit=limit, page_offset=offset)
        return Page(items, total)

    def create(self, record: OrganizationEmailDomain) -> OrganizationEmailDomain:
        """Store a domain. Raises `NotFound` for the organization, `Conflict`."""
        Organizations(self.tx, self.tenant_id).get(record.organization_id)
        return super().create(record)

    def replace(self, organization_id: str, domains: Sequence[str]) -> None:
        """Make these the domains, and no others. Raises `NotFound` for the organization."""
        self.tx.run(
            _CLEAR_DOMAINS, {"tenant_id": self.tenant_id, "organization_id": organization_id}
        )
        for domain in dict.fromkeys(domains):
            self.create(
                OrganizationEmailDomain(organization_id=organization_id, email_domain=domain)
            )

    def delete(self, *key: str) -> None:
        """Delete a domain. Raises `NotFound`."""
        if self.find(*key) is None:
            raise NotFound(self.rows.entity, key[-1])
        super().delete(*key)


class OrganizationJitRoles(Links):
    """The roles that those receive who join an organization by themselves."""

    def __init__(self, tx: Transaction, tenant_id: str) -> None:
        super().__init__(tx, tenant_id, JIT_ROLES)
