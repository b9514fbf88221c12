"""`/api/resources`: the APIs that tokens are issued for, and what may be done at them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT, management_audience
from gatehouse.http.logto.errors import ApiError
from gatehouse.http.logto.management.paging import Page, SearchedPage, bounds, listed
from gatehouse.http.logto.management.search import search_of
from gatehouse.http.logto.management.store import Store, read, write
from gatehouse.http.operation import Operations
from gatehouse.http.wire import Maybe, Text, View, Wire, is_yes
from gatehouse.storage.errors import NotFound
from gatehouse.storage.records import Resource, Scope

SCOPE_SEARCH = ("id", "name", "description")

operations = Operations(tags=("Resources",), access=MANAGEMENT, cors=CONSOLE_ONLY)

Seconds = Annotated[int, Field(ge=1, le=2**31 - 1)]
ScopeName = Annotated[str, Field(min_length=1, max_length=256)]


class ScopeView(View):
    """Something one may do at a resource."""

    tenant_id: str
    id: str
    resource_id: str
    name: str
    description: str | None
    created_at: int


class ResourceView(View):
    """An API that tokens are issued for."""

    tenant_id: str
    id: str
    name: str
    indicator: str
    is_default: bool
    access_token_ttl: int


class ResourceWithScopes(ResourceView):
    """A resource with all its scopes, where they were asked for."""

    scopes: Maybe[list[ScopeView]] = None


class ResourceList(Page):
    """Which resources, and whether with their scopes."""

    include_scopes: str | None = Field(None, alias="includeScopes")


class NewResource(Wire):
    """A resource to create."""

    name: Text
    indicator: Text
    access_token_ttl: Maybe[Seconds] = None


class ResourcePatch(Wire):
    """What can be changed of a resource; its indicator is what tokens were issued for."""

    name: Maybe[Text] = None
    access_token_ttl: Maybe[Seconds] = None


class Default(Wire):
    """Whether tokens are for this resource when a client names none."""

    is_default: bool


class NewScope(Wire):
    """A scope to create."""

    name: ScopeName
    description: str | None = None


class ScopePatch(Wire):
    """What can be changed of a scope."""

    name: Maybe[ScopeName] = None
    description: str | None = None


@operations.get(
    "/api/resources", "ListResources", query=ResourceList, response=list[ResourceWithScopes]
)
async def list_resources(call: Call[None, ResourceList]) -> Reply:
    """List resources, with their scopes if asked."""
    window = call.query.asked
    with_scopes = is_yes(call.query.include_scopes)

    def look(store: Store) -> tuple[list[ResourceWithScopes], int]:
        page = store.resources.page(*bounds(window))
        if not with_scopes:
            return [ResourceWithScopes.of(one) for one in page.items], page.total
        scopes: dict[str, list[ScopeView]] = {resource.id: [] for resource in page.items}
        for scope in store.scopes.of_resources(list(scopes)):
            scopes[scope.resource_id].append(ScopeView.of(scope))
        views = [ResourceWithScopes.of(one, scopes=scopes[one.id]) for one in page.items]
        return views, page.total

    views, total = await read(call, look)
    return listed(call, views, total, window)


@operations.post(
    "/api/resources",
    "CreateResource",
    body=NewResource,
    response=ResourceWithScopes,
    status=201,
    statuses=(422,),
)
async def create_resource(call: Call[NewResource]) -> ResourceWithScopes:
    """Create a resource. Its indicator names it in token requests and never changes."""
    resource = await write(
        call, lambda store: store.resources.create(Resource(**call.body.given()))
    )
    return ResourceWithScopes.of(resource, scopes=[])


@operations.get("/api/resources/{id}", "GetResource", response=ResourceView, statuses=(404,))
async def get_resource(call: Call) -> ResourceView:
    """Read a resource."""
    return ResourceView.of(await read(call, lambda store: store.resources.get(call.path["id"])))


@operations.patch(
    "/api/resources/{id}",
    "UpdateResource",
    body=ResourcePatch,
    response=ResourceView,
    statuses=(404,),
)
async def update_resource(call: Call[ResourcePatch]) -> ResourceView:
    """Change a resource's name or how long its tokens live."""

    def change(store: Store) -> Resource:
        if "name" in call.body.model_fields_set:
            check_not_management(store, call.path["id"])
        return store.resources.update(call.path["id"], **call.body.given())

    return ResourceView.of(await write(call, change))


@operations.patch(
    "/api/resources/{id}/is-default",
    "UpdateResourceIsDefault",
    body=Default,
    response=ResourceView,
    statuses=(404,),
)
async def update_is_default(call: Call[Default]) -> ResourceView:
    """Make a resource the one that is meant where none is named, or none at all."""
    return ResourceView.of(
        await write(
            call,
            lambda store: store.resources.update(call.path["id"], is_default=call.body.is_default),
        )
    )


@operations.delete("/api/resources/{id}", "DeleteResource", statuses=(400, 404))
async def delete_resource(call: Call) -> None:
    """Delete a resource and its scopes, which leave every role."""

    def change(store: Store) -> None:
        check_not_management(store, call.path["id"], "resource.cannot_delete_management_api")
        store.resources.delete(call.path["id"])

    await write(call, change)


@operations.get(
    "/api/resources/{resourceId}/scopes",
    "ListResourceScopes",
    query=SearchedPage,
    response=list[ScopeView],
)
async def list_scopes(call: Call[None, SearchedPage]) -> Reply:
    """List the scopes of a resource."""
    window = call.query.asked
    search = search_of(call, SCOPE_SEARCH)
    page = await read(
        call,
        lambda store: store.scopes.search(
            search, *bounds(window), resource_id=call.path["resourceId"]
        ),
    )
    return listed(call, [ScopeView.of(scope) for scope in page.items], page.total, window)


@operations.post(
    "/api/resources/{resourceId}/scopes",
    "CreateResourceScope",
    body=NewScope,
    response=ScopeView,
    status=201,
    statuses=(404, 422),
)
async def create_scope(call: Call[NewScope]) -> ScopeView:
    """Add a scope to a resource."""
    check_scope_name(call.body.name)

    def change(store: Store) -> Scope:
        check_not_management(store, call.path["resourceId"])
        return store.scopes.create(Scope(resource_id=call.path["resourceId"], **call.body.given()))

    return ScopeView.of(await write(call, change))


@operations.patch(
    "/api/resources/{resourceId}/scopes/{scopeId}",
    "UpdateResourceScope",
    body=ScopePatch,
    response=ScopeView,
    statuses=(404, 422),
)
async def update_scope(call: Call[ScopePatch]) -> ScopeView:
    """Change a scope's name or description."""
    check_scope_name(call.body.name or "")

    def change(store: Store) -> Scope:
        scope = the_scope(store, call)
        return store.scopes.update(scope.id, **call.body.given())

    return ScopeView.of(await write(call, change))


@operations.delete(
    "/api/resources/{resourceId}/scopes/{scopeId}", "DeleteResourceScope", statuses=(404,)
)
async def delete_scope(call: Call) -> None:
    """Delete a scope, which leaves every role."""
    await write(call, lambda store: store.scopes.delete(the_scope(store, call).id))


def check_scope_name(name: str) -> None:
    """Scopes are joined by spaces in requests (RFC 6749, 3.3). Raises ApiError."""
    if any(character.isspace() for character in name):
        raise ApiError("scope.name_with_space")


def check_not_management(
    store: Store, resource_id: str, code: str = "resource.cannot_modify_management_api"
) -> None:
    """The Management API's own resource stays as it is. Raises ApiError, NotFound."""
    if store.resources.get(resource_id).indicator == management_audience(store.tenant_id):
        raise ApiError(code)


def the_scope(store: Store, call: Call[Any, Any]) -> Scope:
    """The scope of the path, if it is the path's resource's. Raises ApiError, NotFound."""
    resource_id = call.path["resourceId"]
    check_not_management(store, resource_id)
    scope = store.scopes.get(call.path["scopeId"])
    if scope.resource_id != resource_id:
        raise NotFound("scope", scope.id)
    return scope
