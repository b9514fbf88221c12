"""`/api/organizations`: groups of users and applications, and the organizations of one of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import Field

from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT
from gatehouse.http.logto.management.organization_collections import (
    ListQuery,
    Named,
    by_id,
    stored,
)
from gatehouse.http.logto.management.organization_template import Description, Name
from gatehouse.http.logto.management.paging import Page, Window, bounds, listed
from gatehouse.http.logto.management.roles import FEATURED
from gatehouse.http.logto.management.sign_in_exp_models import Branding, Color
from gatehouse.http.logto.management.store import Store, read, write
from gatehouse.http.operation import Operations
from gatehouse.http.wire import JsonObject, Maybe, View, Wire, is_yes
from gatehouse.storage.organizations_members import Members
from gatehouse.storage.organizations_records import Organization

PATH = "/api/organizations"

operations = Operations(tags=("Organizations",), access=MANAGEMENT, cors=CONSOLE_ONLY)
of_users = Operations(tags=("Users",), access=MANAGEMENT, cors=CONSOLE_ONLY)
of_applications = Operations(tags=("Applications",), access=MANAGEMENT, cors=CONSOLE_ONLY)


class Colors(Wire):
    """The colours of an organization's pages."""

    primary_color: Maybe[Color] = None
    is_dark_mode_enabled: Maybe[bool] = None
    dark_primary_color: Maybe[Color] = None


class OrganizationPatch(Wire):
    """What can be changed of an organization; objects are replaced as a whole."""

    name: Maybe[Name] = None
    description: Description | None = None
    custom_data: Maybe[JsonObject] = None
    is_mfa_required: Maybe[bool] = None
    color: Maybe[Colors] = None
    branding: Maybe[Branding] = None
    custom_css: str | None = None


class NewOrganization(OrganizationPatch):
    """An organization to create."""

    name: Name


class OrganizationView(View):
    """An organization."""

    tenant_id: str
    id: str
    name: str
    description: str | None
    custom_data: JsonObject
    is_mfa_required: bool
    color: JsonObject
    branding: JsonObject
    custom_css: str | None
    created_at: int


class OrganizationInList(OrganizationView):
    """An organization, if asked with how many users it has and who some of them are."""

    users_count: int
    featured_users: list[JsonObject]


class OrganizationWithRoles(OrganizationView):
    """An organization with the roles that a member has there."""

    organization_roles: list[Named]


class OrganizationList(ListQuery):
    """Which organizations, and whether with some of their users."""

    show_featured: str | None = Field(None, alias="showFeatured")


by_id(
    operations,
    PATH,
    "Organization",
    records=lambda store: store.organizations,
    view=OrganizationView,
    patch=OrganizationPatch,
)


@operations.get(
    PATH, "ListOrganizations", query=OrganizationList, response=list[OrganizationInList]
)
async def list_organizations(call: Call[None, OrganizationList]) -> Reply:
    """List organizations, newest first."""
    window = call.query.window
    search = call.query.search(("id", "name"))
    featured = is_yes(call.query.show_featured)

    def look(store: Store) -> tuple[list[OrganizationInList], int]:
        page = store.organizations.search(search, *bounds(window))
        if not featured:
            return [OrganizationInList.of(one) for one in page.items], page.total
        counts = store.organization_users.counts([one.id for one in page.items])
        return [
            OrganizationInList.of(
                one,
                users_count=counts.get(one.id, 0),
                featured_users=_featured(store, one) if one.id in counts else [],
            )
            for one in page.items
        ], page.total

    return listed(call, *await read(call, look), window)


@operations.post(
    PATH,
    "CreateOrganization",
    body=NewOrganization,
    response=OrganizationView,
    status=201,
    statuses=(422,),
)
async def create_organization(call: Call[NewOrganization]) -> OrganizationView:
    """Create an organization."""
    new = Organization(**stored(call.body))
    return OrganizationView.of(await write(call, lambda store: store.organizations.create(new)))


@of_users.get(
    "/api/users/{userId}/organizations",
    "ListUserOrganizations",
    response=list[OrganizationWithRoles],
    statuses=(404,),
)
async def list_user_organizations(call: Call) -> Reply:
    """List the organizations of a user, with the roles there."""

    def check(store: Store) -> Members[Any]:
        store.users.get(call.path["userId"])
        return store.organization_users

    return await _organizations_of(call, check, "user_id", call.path["userId"], None)


@of_applications.get(
    "/api/applications/{id}/organizations",
    "ListApplicationOrganizations",
    query=Page,
    response=list[OrganizationWithRoles],
    statuses=(404,),
)
async def list_application_organizations(call: Call[None, Page]) -> Reply:
    """List the organizations of an application, with the roles there."""

    def check(store: Store) -> Members[Any]:
        store.applications.get(call.path["id"])
        return store.organization_applications

    return await _organizations_of(call, check, "application_id", call.path["id"], call.query.asked)


async def _organizations_of(
    call: Call[Any, Any],
    members_of: Callable[[Store], Members[Any]],
    key: str,
    member_id: str,
    window: Window | None,
) -> Reply:
    def look(store: Store) -> tuple[list[OrganizationWithRoles], int]:
        members = members_of(store)
        only = {key: member_id}
        page = store.organizations.search(None, *bounds(window), **only)  # type: ignore[arg-type]
        roles = members.roles_in(member_id, [one.id for one in page.items])
        return [
            OrganizationWithRoles.of(
                one, organization_roles=[Named.of(role) for role in roles[one.id]]
            )
            for one in page.items
        ], page.total

    return listed(call, *await read(call, look), window)


def _featured(store: Store, organization: Organization) -> list[JsonObject]:
    page = store.organization_users.page(organization.id, FEATURED)
    return [{"id": user.id, "avatar": user.avatar, "name": user.name} for user in page.items]
