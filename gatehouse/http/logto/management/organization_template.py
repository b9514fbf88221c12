"""`/api/organization-roles`, `/api/organization-scopes`: the template all organizations share."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT
from gatehouse.http.logto.management.organization_collections import (
    ListQuery,
    Named,
    Relation,
    by_id,
    ids_body,
    relate,
    unrelated,
)
from gatehouse.http.logto.management.paging import bounds, listed
from gatehouse.http.logto.management.resources import ScopeView
from gatehouse.http.logto.management.roles import RoleType
from gatehouse.http.logto.management.store import Store, read, write
from gatehouse.http.operation import Operations
from gatehouse.http.wire import Maybe, Text, View, Wire
from gatehouse.storage.organizations_records import OrganizationRole, OrganizationScope

ROLES = "/api/organization-roles"
SCOPES = "/api/organization-scopes"

roles = Operations(tags=("Organization roles",), access=MANAGEMENT, cors=CONSOLE_ONLY)
scopes = Operations(tags=("Organization scopes",), access=MANAGEMENT, cors=CONSOLE_ONLY)

Name = Annotated[str, Field(min_length=1, max_length=128)]
Description = Annotated[str, Field(max_length=256)]


class OrganizationRoleView(View):
    """A role within organizations."""

    tenant_id: str
    id: str
    name: str
    description: str | None
    type: RoleType


class ResourceScopeRef(Named):
    """A scope of a resource, by names."""

    resource: Named


class OrganizationRoleInList(OrganizationRoleView):
    """A role with what it grants."""

    scopes: list[Named]
    resource_scopes: list[ResourceScopeRef]


class OrganizationScopeView(View):
    """Something one may do in an organization."""

    tenant_id: str
    id: str
    name: str
    description: str | None


class OrganizationRolePatch(Wire):
    """What can be changed of a role; its type only as long as nobody has it."""

    name: Maybe[Name] = None
    description: Description | None = None
    type: Maybe[RoleType] = None


class NewOrganizationRole(Wire):
    """A role to create, and what it grants."""

    name: Name
    description: Description | None = None
    type: Maybe[RoleType] = None
    organization_scope_ids: Maybe[list[Text]] = None
    resource_scope_ids: Maybe[list[Text]] = None


class NewOrganizationScope(Wire):
    """A scope to create."""

    name: Name
    description: Description | None = None


class OrganizationScopePatch(Wire):
    """What can be changed of a scope."""

    name: Maybe[Name] = None
    description: Description | None = None


by_id(
    roles,
    ROLES,
    "OrganizationRole",
    records=lambda store: store.organization_roles,
    view=OrganizationRoleView,
    patch=OrganizationRolePatch,
)
by_id(
    scopes,
    SCOPES,
    "OrganizationScope",
    records=lambda store: store.organization_scopes,
    view=OrganizationScopeView,
    patch=OrganizationScopePatch,
)
relate(
    roles,
    Relation(
        path=f"{ROLES}/{{id}}/scopes",
        member="organizationScopeId",
        names=(
            "ListOrganizationRoleScopes",
            "CreateOrganizationRoleScope",
            "ReplaceOrganizationRoleScopes",
            "DeleteOrganizationRoleScope",
        ),
        links=lambda store, path: (store.organization_role_scopes, path["id"]),
        members=lambda store, path, page: store.organization_scopes.search(
            None, *page, role_id=store.organization_roles.get(path["id"]).id
        ),
        view=OrganizationScopeView,
        adding=ids_body("AddedOrganizationScopeIds", "organizationScopeIds", some=True),
        replacing=ids_body("OrganizationScopeIds", "organizationScopeIds"),
    ),
)
relate(
    roles,
    Relation(
        path=f"{ROLES}/{{id}}/resource-scopes",
        member="scopeId",
        names=(
            "ListOrganizationRoleResourceScopes",
            "CreateOrganizationRoleResourceScope",
            "ReplaceOrganizationRoleResourceScopes",
            "DeleteOrganizationRoleResourceScope",
        ),
        links=lambda store, path: (store.organization_role_resource_scopes, path["id"]),
        members=lambda store, path, page: store.scopes.search(
            None, *page, organization_role_id=store.organization_roles.get(path["id"]).id
        ),
        view=ScopeView,
        adding=ids_body("AddedResourceScopeIds", "scopeIds", some=True),
        replacing=ids_body("ResourceScopeIds", "scopeIds"),
    ),
)


@roles.get(ROLES, "ListOrganizationRoles", query=ListQuery, response=list[OrganizationRoleInList])
async def list_roles(call: Call[None, ListQuery]) -> Reply:
    """List the roles within organizations, by name, with what they grant."""
    window = call.query.window
    search = call.query.search(("id", "name", "description"))

    def look(store: Store) -> tuple[list[OrganizationRoleInList], int]:
        page = store.organization_roles.search(search, *bounds(window))
        ids = [role.id for role in page.items]
        scopes = store.organization_roles.scopes_of(ids)
        resource_scopes = store.organization_roles.resource_scopes_of(ids)
        return [
            OrganizationRoleInList.of(
                role,
                scopes=[Named.of(scope) for scope in scopes[role.id]],
                resource_scopes=[
                    ResourceScopeRef.of(scope, resource=Named.of(scope.resource))
                    for scope in resource_scopes[role.id]
                ],
            )
            for role in page.items
        ], page.total

    return listed(call, *await read(call, look), window)


@roles.post(
    ROLES,
    "CreateOrganizationRole",
    body=NewOrganizationRole,
    response=OrganizationRoleView,
    status=201,
    statuses=(422,),
)
async def create_role(call: Call[NewOrganizationRole]) -> OrganizationRoleView:
    """Create a role within organizations, with scopes if any are given."""
    given = call.body.given()
    scope_ids = given.pop("organization_scope_ids", [])
    resource_scope_ids = given.pop("resource_scope_ids", [])

    def change(store: Store) -> OrganizationRole:
        role = store.organization_roles.create(OrganizationRole(**given))
        store.organization_role_scopes.add(role.id, scope_ids)
        store.organization_role_resource_scopes.add(role.id, resource_scope_ids)
        return role

    with unrelated():
        return OrganizationRoleView.of(await write(call, change))


@scopes.get(SCOPES, "ListOrganizationScopes", query=ListQuery, response=list[OrganizationScopeView])
async def list_scopes(call: Call[None, ListQuery]) -> Reply:
    """List the scopes of organizations, by name."""
    window = call.query.asked
    search = call.query.search(("name",))
    page = await read(call, lambda store: store.organization_scopes.search(search, *bounds(window)))
    views = [OrganizationScopeView.of(scope) for scope in page.items]
    return listed(call, views, page.total, window)


@scopes.post(
    SCOPES,
    "CreateOrganizationScope",
    body=NewOrganizationScope,
    response=OrganizationScopeView,
    status=201,
    statuses=(422,),
)
async def create_scope(call: Call[NewOrganizationScope]) -> OrganizationScopeView:
    """Create a scope of organizations."""
    scope = OrganizationScope(**call.body.given())
    return OrganizationScopeView.of(
        await write(call, lambda store: store.organization_scopes.create(scope))
    )
