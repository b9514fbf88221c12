"""`/api/applications/{id}/users/{userId}/consent-organizations`: where a user lets one act."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT
from gatehouse.http.logto.errors import ApiError
from gatehouse.http.logto.management.organizations import OrganizationView
from gatehouse.http.logto.management.paging import Page, bounds, listed
from gatehouse.http.logto.management.store import Store, read, write
from gatehouse.http.operation import Operations
from gatehouse.http.wire import Text, View, Wire
from gatehouse.storage.consent_scopes import ConsentedOrganizations

PATH = "/api/applications/{id}/users/{userId}/consent-organizations"

operations = Operations(tags=("Applications",), access=MANAGEMENT, cors=CONSOLE_ONLY)

Ids = Annotated[list[Text], Field(max_length=1000)]


class OrganizationIds(Wire):
    """All organizations that shall be in the list."""

    organization_ids: Ids


class MoreOrganizationIds(Wire):
    """Organizations to add."""

    organization_ids: Annotated[Ids, Field(min_length=1)]


class ConsentOrganizations(View):
    """A page of the list."""

    organizations: list[OrganizationView]


def _list(store: Store, call: Call) -> ConsentedOrganizations:
    application = store.applications.get(call.path["id"])
    if not application.is_third_party:
        raise ApiError("application.third_party_application_only")
    user = store.users.get(call.path["userId"])
    return store.consented_organizations(application.id, user.id)


@operations.get(
    PATH,
    "ListApplicationUserConsentOrganizations",
    query=Page,
    response=ConsentOrganizations,
    statuses=(404, 422),
)
async def list_organizations(call: Call[None, Page]) -> Reply:
    """List the organizations in which a user lets an application act."""
    window = call.query.window
    page = await read(call, lambda store: _list(store, call).page(*bounds(window)))
    shown = [OrganizationView.of(one) for one in page.items]
    reply = listed(call, shown, page.total, window)
    return Reply(200, ConsentOrganizations.of(None, organizations=shown), reply.headers)


@operations.post(
    PATH,
    "CreateApplicationUserConsentOrganization",
    body=MoreOrganizationIds,
    status=201,
    statuses=(404, 422),
)
async def add_organizations(call: Call[MoreOrganizationIds]) -> Reply:
    """Let an application act in more of a user's organizations."""
    await write(call, lambda store: _list(store, call).add(call.body.organization_ids))
    return Reply(201)


@operations.put(
    PATH,
    "ReplaceApplicationUserConsentOrganizations",
    body=OrganizationIds,
    statuses=(404, 422),
)
async def replace_organizations(call: Call[OrganizationIds]) -> None:
    """Let an application act in these organizations of a user and no others."""
    await write(call, lambda store: _list(store, call).replace(call.body.organization_ids))


@operations.delete(
    f"{PATH}/{{organizationId}}",
    "DeleteApplicationUserConsentOrganization",
    statuses=(404, 422),
)
async def remove_organization(call: Call) -> None:
    """Let an application act in an organization of a user no more."""
    await write(call, lambda store: _list(store, call).remove(call.path["organizationId"]))
