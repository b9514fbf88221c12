"""What clients that are not the tenant's own may ask people for.

`/api/applications/{applicationId}/user-consent-scopes` is one third-party application's list,
`/api/cimd/user-consent-scopes` the list of all clients that are known by their metadata document.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal, cast, get_args

from pydantic import Field

from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT, management_audience
from gatehouse.http.logto.errors import ApiError
from gatehouse.http.logto.management.store import Store, read, write
from gatehouse.http.operation import Operations
from gatehouse.http.validation import InvalidInput, Issue
from gatehouse.http.wire import Maybe, View, Wire
from gatehouse.storage.consent_scopes import ClientScopes, ConsentScopes, ScopeKind
from gatehouse.storage.errors import NotFound
from gatehouse.storage.records import Scope

MAX_SCOPES = 1000
"""Scopes of one kind in one request."""

operations = Operations(tags=("Applications",), access=MANAGEMENT, cors=CONSOLE_ONLY)
cimd = Operations(tags=("CIMD",), access=MANAGEMENT, cors=CONSOLE_ONLY)

UserScope = Literal[
    "profile",
    "email",
    "phone",
    "address",
    "custom_data",
    "identities",
    "roles",
    "urn:logto:scope:organizations",
    "urn:logto:scope:organization_roles",
    "urn:logto:scope:sessions",
    "urn:logto:scope:trusted_devices",
]
Ids = Annotated[list[str], Field(max_length=MAX_SCOPES)]


class ScopesToAllow(Wire):
    """Scopes to add to what may be asked for."""

    organization_scopes: Maybe[Ids] = None
    resource_scopes: Maybe[Ids] = None
    organization_resource_scopes: Maybe[Ids] = None
    user_scopes: Maybe[Annotated[list[UserScope], Field(max_length=MAX_SCOPES)]] = None


class ScopeRef(View):
    """A scope."""

    id: str
    name: str
    description: str | None


class ResourceRef(View):
    """A resource."""

    id: str
    name: str
    indicator: str


class ResourceScopes(View):
    """Scopes of one resource."""

    resource: ResourceRef
    scopes: list[ScopeRef]


class AllowedScopes(View):
    """All that may be asked for."""

    organization_scopes: list[ScopeRef]
    resource_scopes: list[ResourceScopes]
    organization_resource_scopes: list[ResourceScopes]
    user_scopes: list[str]


@operations.post(
    "/api/applications/{applicationId}/user-consent-scopes",
    "CreateApplicationUserConsentScope",
    body=ScopesToAllow,
    status=201,
    statuses=(404, 422),
)
async def allow_application(call: Call[ScopesToAllow]) -> Reply:
    """Let a third-party application ask for more."""

    def change(store: Store) -> None:
        application = store.applications.get(call.path["applicationId"])
        if not application.is_third_party:
            raise ApiError("application.third_party_application_only")
        _allow(store, store.consent_scopes(application.id), call.body)

    await write(call, change)
    return Reply(201)


@operations.get(
    "/api/applications/{applicationId}/user-consent-scopes",
    "ListApplicationUserConsentScopes",
    response=AllowedScopes,
    statuses=(404,),
)
async def list_of_application(call: Call) -> AllowedScopes:
    """List what an application may ask for."""

    def look(store: Store) -> AllowedScopes:
        application = store.applications.get(call.path["applicationId"])
        return _view(store, store.consent_scopes(application.id).all())

    return await read(call, look)


@operations.delete(
    "/api/applications/{applicationId}/user-consent-scopes/{scopeType}/{scopeId}",
    "DeleteApplicationUserConsentScope",
    statuses=(404,),
)
async def disallow_application(call: Call) -> None:
    """Let an application ask for a scope no more."""
    kind = _kind(call)

    def change(store: Store) -> None:
        application = store.applications.get(call.path["applicationId"])
        store.consent_scopes(application.id).remove(kind, call.path["scopeId"])

    await write(call, change)


@cimd.post(
    "/api/cimd/user-consent-scopes",
    "AssignCimdUserConsentScopes",
    body=ScopesToAllow,
    status=201,
    statuses=(422,),
)
async def allow_documents(call: Call[ScopesToAllow]) -> Reply:
    """Let clients that are known by their metadata document ask for more."""
    await write(call, lambda store: _allow(store, store.consent_scopes(None), call.body))
    return Reply(201)


@cimd.get("/api/cimd/user-consent-scopes", "ListCimdUserConsentScopes", response=AllowedScopes)
async def list_of_documents(call: Call) -> AllowedScopes:
    """List what such clients may ask for."""
    return await read(call, lambda store: _view(store, store.consent_scopes(None).all()))


@cimd.delete(
    "/api/cimd/user-consent-scopes/{scopeType}/{scopeId}",
    "DeleteCimdUserConsentScope",
    statuses=(404,),
)
async def disallow_documents(call: Call) -> None:
    """Let such clients ask for a scope no more."""
    kind = _kind(call)
    await write(call, lambda store: store.consent_scopes(None).remove(kind, call.path["scopeId"]))


def _kind(call: Call) -> ScopeKind:
    """The kind that the path names. Raises InvalidInput, NotFound for no scope of the user."""
    try:
        kind = ScopeKind(call.path["scopeType"])
    except ValueError:
        issue = Issue("literal_error", ("scopeType",), "There is no such kind of scopes.")
        raise InvalidInput("params", [issue]) from None
    if kind is ScopeKind.USER and call.path["scopeId"] not in get_args(UserScope):
        raise NotFound("consent_user_scope", call.path["scopeId"])
    return kind


def _allow(store: Store, lists: ConsentScopes, body: ScopesToAllow) -> None:
    """Add what exists and is no scope of the Management API. Raises ApiError."""
    organization_scopes = body.organization_scopes or []
    known = {one.id for one in store.organization_scopes.get_many(organization_scopes)}
    wanted = {
        "invalidResourceScopes": body.resource_scopes or [],
        "invalidOrganizationResourceScopes": body.organization_resource_scopes or [],
    }
    found = {
        one.id: one
        for one in store.scopes.get_many([id_ for ids in wanted.values() for id_ in ids])
    }
    missing = {
        "invalidOrganizationScopes": [one for one in organization_scopes if one not in known],
        **{name: [id_ for id_ in ids if id_ not in found] for name, ids in wanted.items()},
    }
    if any(missing.values()):
        raise ApiError("application.user_consent_scopes_not_found", data=missing)
    management = store.resources.find_by_indicator(management_audience(store.tenant_id))
    if management is not None and management.id in {one.resource_id for one in found.values()}:
        raise ApiError("application.consent_management_api_scopes_not_allowed")
    lists.add(ScopeKind.ORGANIZATION, organization_scopes)
    lists.add(ScopeKind.RESOURCE, wanted["invalidResourceScopes"])
    lists.add(ScopeKind.ORGANIZATION_RESOURCE, wanted["invalidOrganizationResourceScopes"])
    lists.add(ScopeKind.USER, cast(list[str], body.user_scopes or []))


def _view(store: Store, scopes: ClientScopes) -> AllowedScopes:
    return AllowedScopes.of(
        None,
        organization_scopes=[ScopeRef.of(scope) for scope in scopes.organization],
        resource_scopes=_by_resource(store, scopes.resource),
        organization_resource_scopes=_by_resource(store, scopes.organization_resource),
        user_scopes=list(scopes.user),
    )


def _by_resource(store: Store, scopes: Iterable[Scope]) -> list[ResourceScopes]:
    groups: dict[str, list[ScopeRef]] = {}
    for scope in scopes:
        groups.setdefault(scope.resource_id, []).append(ScopeRef.of(scope))
    resources = sorted(store.resources.get_many(list(groups)), key=lambda one: one.name)
    return [
        ResourceScopes.of(None, resource=ResourceRef.of(one), scopes=groups[one.id])
        for one in resources
    ]
