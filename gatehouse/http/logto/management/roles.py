"""`/api/roles`: named sets of scopes, for people or for programs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT, management_audience
from gatehouse.http.logto.errors import ApiError
from gatehouse.http.logto.management.paging import SearchedPage, bounds, listed
from gatehouse.http.logto.management.resources import SCOPE_SEARCH, ResourceView, ScopeView
from gatehouse.http.logto.management.search import search_of
from gatehouse.http.logto.management.store import Store, read, write
from gatehouse.http.operation import Operations
from gatehouse.http.wire import JsonObject, Maybe, Text, View, Wire
from gatehouse.storage.errors import NotFound
from gatehouse.storage.records import Role, Scope

ROLE_SEARCH = ("id", "name", "description")
FEATURED = 3
"""How many of those who have a role are shown with it in a list."""

operations = Operations(tags=("Roles",), access=MANAGEMENT, cors=CONSOLE_ONLY)

RoleType = Literal["User", "MachineToMachine"]
Name = Annotated[str, Field(min_length=1, max_length=128)]
Ids = Annotated[list[Text], Field(min_length=1, max_length=1000)]


class RoleView(View):
    """A role."""

    tenant_id: str
    id: str
    name: str
    description: str
    type: RoleType
    is_default: bool


class RoleInList(RoleView):
    """A role with how many have it and who some of them are."""

    users_count: int
    featured_users: list[JsonObject]
    applications_count: int
    featured_applications: list[JsonObject]


class RoleList(SearchedPage):
    """Which roles."""

    exclude_user_id: str | None = Field(None, alias="excludeUserId")
    exclude_application_id: str | None = Field(None, alias="excludeApplicationId")
    type: RoleType | None = None


class NewRole(Wire):
    """A role to create."""

    name: Name
    description: Name
    type: Maybe[RoleType] = None
    is_default: Maybe[bool] = None
    scope_ids: Maybe[list[Text]] = None


class RolePatch(Wire):
    """What can be changed of a role; its type cannot."""

    name: Maybe[Name] = None
    description: Maybe[Name] = None
    is_default: Maybe[bool] = None


class ScopeIds(Wire):
    """Scopes to add to a role."""

    scope_ids: Ids


class ScopeWithResource(ScopeView):
    """A scope and where it is one."""

    resource: ResourceView


@operations.get("/api/roles", "ListRoles", query=RoleList, response=list[RoleInList])
async def list_roles(call: Call[None, RoleList]) -> Reply:
    """List roles, with how many have them and who some of these are."""
    window = call.query.window
    search = search_of(call, ROLE_SEARCH)
    query = call.query

    def look(store: Store) -> tuple[list[RoleInList], int]:
        page = store.roles.search(
            search,
            *bounds(window),
            type=query.type,
            exclude_user_id=query.exclude_user_id,
            exclude_application_id=query.exclude_application_id,
        )
        ids = [role.id for role in page.items]
        users, applications = store.roles.count_users(ids), store.roles.count_applications(ids)
        return [
            RoleInList.of(
                role,
                users_count=users.get(role.id, 0),
                featured_users=_featured_users(store, role) if role.id in users else [],
                applications_count=applications.get(role.id, 0),
                featured_applications=(
                    _featured_applications(store, role) if role.id in applications else []
                ),
            )
            for role in page.items
        ], page.total

    views, total = await read(call, look)
    return listed(call, views, total, window)


@operations.post("/api/roles", "CreateRole", body=NewRole, response=RoleView, statuses=(404, 422))
async def create_role(call: Call[NewRole]) -> RoleView:
    """Create a role, with scopes if any are given."""
    given = call.body.given()
    scope_ids = given.pop("scope_ids", [])

    def change(store: Store) -> Role:
        role = store.roles.create(Role(**given))
        check_scopes(store, role, scope_ids)
        store.role_scopes.add(role.id, scope_ids)
        return role

    return RoleView.of(await write(call, change))


@operations.get("/api/roles/{id}", "GetRole", response=RoleView, statuses=(404,))
async def get_role(call: Call) -> RoleView:
    """Read a role."""
    return RoleView.of(await read(call, lambda store: store.roles.get(call.path["id"])))


@operations.patch(
    "/api/roles/{id}", "UpdateRole", body=RolePatch, response=RoleView, statuses=(404, 422)
)
async def update_role(call: Call[RolePatch]) -> RoleView:
    """Change a role."""
    changes = call.body.given()
    return RoleView.of(
        await write(call, lambda store: store.roles.update(call.path["id"], **changes))
    )


@operations.delete("/api/roles/{id}", "DeleteRole", statuses=(404,))
async def delete_role(call: Call) -> None:
    """Delete a role, which takes it from everyone who has it."""
    await write(call, lambda store: store.roles.delete(call.path["id"]))


@operations.get(
    "/api/roles/{id}/scopes",
    "ListRoleScopes",
    query=SearchedPage,
    response=list[ScopeWithResource],
    statuses=(404,),
)
async def list_role_scopes(call: Call[None, SearchedPage]) -> Reply:
    """List the scopes of a role, each with its resource."""
    window = call.query.asked
    search = search_of(call, SCOPE_SEARCH)

    def look(store: Store) -> tuple[list[ScopeWithResource], int]:
        role = store.roles.get(call.path["id"])
        page = store.scopes.search(search, *bounds(window), role_id=role.id)
        wanted = list({scope.resource_id for scope in page.items})
        resources = {one.id: ResourceView.of(one) for one in store.resources.get_many(wanted)}
        return [
            ScopeWithResource.of(scope, resource=resources[scope.resource_id])
            for scope in page.items
        ], page.total

    views, total = await read(call, look)
    return listed(call, views, total, window)


@operations.post(
    "/api/roles/{id}/scopes",
    "CreateRoleScope",
    body=ScopeIds,
    response=list[ScopeView],
    status=201,
    statuses=(404, 422),
)
async def add_role_scopes(call: Call[ScopeIds]) -> Reply:
    """Add scopes to a role; answers all that it has then."""
    wanted = call.body.scope_ids

    def change(store: Store) -> list[Scope]:
        role = store.roles.get(call.path["id"])
        check_scopes(store, role, wanted)
        check_new(wanted, store.role_scopes.add(role.id, wanted), "role.scope_exists", "scopeId")
        return store.scopes.search(None, *bounds(None), role_id=role.id).items

    return Reply(201, [ScopeView.of(scope) for scope in await write(call, change)])


@operations.delete("/api/roles/{id}/scopes/{scopeId}", "DeleteRoleScope", statuses=(404,))
async def delete_role_scope(call: Call) -> None:
    """Take a scope from a role."""
    await write(
        call, lambda store: store.role_scopes.remove(call.path["id"], [call.path["scopeId"]])
    )


def check_scopes(store: Store, role: Role, scope_ids: list[str]) -> None:
    """A role for people cannot hold scopes of the Management API. Raises ApiError, NotFound."""
    scopes = {scope.id: scope for scope in store.scopes.get_many(scope_ids)}
    for scope_id in scope_ids:
        if scope_id not in scopes:
            raise NotFound("scope", scope_id)
    if role.type != "User" or not scopes:
        return
    management = store.resources.find_by_indicator(management_audience(store.tenant_id))
    if management is not None and management.id in {one.resource_id for one in scopes.values()}:
        raise ApiError("role.management_api_scopes_not_assignable_to_user_role")


def check_new(wanted: list[str], added: set[str], code: str, parameter: str) -> None:
    """What is added must not have been there: names the first that was. Raises ApiError."""
    for one in wanted:
        if one not in added:
            raise ApiError(code, params={parameter: one})


def _featured_users(store: Store, role: Role) -> list[JsonObject]:
    page = store.users.search(None, FEATURED, role_id=role.id)
    return [{"id": user.id, "avatar": user.avatar, "name": user.name} for user in page.items]


def _featured_applications(store: Store, role: Role) -> list[JsonObject]:
    page = store.applications.search(None, FEATURED, role_id=role.id)
    return [{"id": one.id, "name": one.name, "type": one.type} for one in page.items]
