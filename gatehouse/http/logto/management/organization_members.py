"""Who belongs to an organization, and with which roles: users and applications, by a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import Field

from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT
from gatehouse.http.logto.errors import ApiError
from gatehouse.http.logto.management.applications import ApplicationView, application_view
from gatehouse.http.logto.management.organization_collections import (
    ListQuery,
    Named,
    Path,
    Relation,
    ids_body,
    relate,
    unrelated,
)
from gatehouse.http.logto.management.organization_template import (
    OrganizationRoleView,
    OrganizationScopeView,
)
from gatehouse.http.logto.management.organizations import PATH
from gatehouse.http.logto.management.paging import bounds, listed
from gatehouse.http.logto.management.roles import Ids
from gatehouse.http.logto.management.store import Store, read, write
from gatehouse.http.logto.management.users import UserView
from gatehouse.http.operation import Operations
from gatehouse.http.wire import Maybe, Text, View, Wire
from gatehouse.storage.links import Links
from gatehouse.storage.organizations_members import Members
from gatehouse.storage.records import Application, User

M = TypeVar("M", User, Application)


class UserInOrganization(UserView):
    """A user with the roles in an organization."""

    organization_roles: list[Named]


class ApplicationInOrganization(ApplicationView):
    """An application with the roles in an organization."""

    organization_roles: list[Named]


class MemberList(ListQuery):
    """Which members."""

    organization_role_id: str | None = Field(None, alias="organizationRoleId", min_length=1)


class UserRoles(Wire):
    """Roles of a user, by their ids or their names."""

    organization_role_ids: Maybe[list[Text]] = None
    organization_role_names: Maybe[list[Text]] = None


class UsersAndRoles(Wire):
    """Users, and the roles to give to each of them."""

    ids: Ids = Field(alias="userIds")
    organization_role_ids: Ids


class ApplicationsAndRoles(Wire):
    """Applications, and the roles to give to each of them."""

    ids: Ids = Field(alias="applicationIds")
    organization_role_ids: Ids


RoleIds = ids_body("OrganizationRoleIds", "organizationRoleIds")
SomeRoleIds = ids_body("SomeOrganizationRoleIds", "organizationRoleIds", some=True)


def _role_ids(store: Store, body: UserRoles) -> list[str]:
    """The ids of the roles that a body names. Raises ApiError for a name that there is not."""
    names = body.organization_role_names or []
    by_name = {role.name: role.id for role in store.organization_roles.find_by_names(names)}
    if missing := [name for name in names if name not in by_name]:
        raise ApiError("organization.role_names_not_found", params={"names": ", ".join(missing)})
    ids = [*(body.organization_role_ids or []), *(by_name[name] for name in names)]
    return list(dict.fromkeys(ids))


def _user(user: User, roles: list[Named]) -> View:
    return UserInOrganization.of(user, organization_roles=roles)


def _application(application: Application, roles: list[Named]) -> View:
    shown = application_view(application).given()
    return ApplicationInOrganization.model_construct(**shown, organization_roles=roles)


@dataclass(frozen=True)
class Kind(Generic[M]):
    """A kind of members. `answers`: adding members or roles repeats what was added."""

    name: str
    members: Callable[[Store], Members[M]]
    view: Callable[[M, list[Named]], View]
    view_type: type[View]
    members_and_roles: type[UsersAndRoles] | type[ApplicationsAndRoles]
    answers: bool
    roles: dict[str, Any]


USER: Kind[User] = Kind(
    name="user",
    members=lambda store: store.organization_users,
    view=_user,
    view_type=UserInOrganization,
    members_and_roles=UsersAndRoles,
    answers=True,
    roles={"adding": UserRoles, "replacing": UserRoles, "wanted": _role_ids, "answer": RoleIds},
)
APPLICATION: Kind[Application] = Kind(
    name="application",
    members=lambda store: store.organization_applications,
    view=_application,
    view_type=ApplicationInOrganization,
    members_and_roles=ApplicationsAndRoles,
    answers=False,
    roles={"adding": SomeRoleIds, "replacing": SomeRoleIds},
)


def members_of_organizations(kind: Kind[M]) -> Operations:
    """The operations on the members of one kind."""
    noun = kind.name.capitalize()
    path = f"{PATH}/{{id}}/{kind.name}s"
    parameter = f"{kind.name}Id"
    operations = Operations(tags=("Organizations",), access=MANAGEMENT, cors=CONSOLE_ONLY)
    all_ids = ids_body(f"Organization{noun}Ids", f"{parameter}s")

    @operations.get(
        path,
        f"ListOrganization{noun}s",
        query=MemberList,
        response=list[kind.view_type],  # type: ignore[name-defined]
    )
    async def list_members(call: Call[None, MemberList]) -> Reply:
        """List the members of an organization, with their roles there."""
        window = call.query.window

        def look(store: Store) -> tuple[list[View], int]:
            organization_id = call.path["id"]
            page = kind.members(store).page(
                organization_id,
                *bounds(window),
                pattern=call.query.pattern,
                role_id=call.query.organization_role_id,
            )
            ids = [one.id for one in page.items]
            roles = kind.members(store).roles_of(organization_id, ids)
            return [
                kind.view(one, [Named.of(role) for role in roles[one.id]]) for one in page.items
            ], page.total

        return listed(call, *await read(call, look), window)

    relate(
        operations,
        Relation(
            path=path,
            member=parameter,
            names=(
                "",
                f"AddOrganization{noun}s",
                f"ReplaceOrganization{noun}s",
                f"DeleteOrganization{noun}",
            ),
            links=lambda store, path: (kind.members(store), path["id"]),
            adding=ids_body(f"AddedOrganization{noun}Ids", f"{parameter}s", some=True),
            replacing=all_ids,
            answer=all_ids if kind.answers else None,
        ),
    )

    @operations.post(
        f"{path}/roles",
        f"AssignOrganizationRolesTo{noun}s",
        body=kind.members_and_roles,
        status=201,
        statuses=(201, 422),
    )
    async def assign_roles(call: Call[Any]) -> Reply:
        """Give roles to members, each to each; those that are there already stay."""

        def change(store: Store) -> None:
            links = kind.members(store).roles(call.path["id"])
            for one in dict.fromkeys(call.body.ids):
                links.add(one, call.body.organization_role_ids)

        with unrelated():
            await write(call, change)
        return Reply(201)

    def roles_of(store: Store, path: Path) -> tuple[Links, str]:
        members = kind.members(store)
        if not members.has(path["id"], path[parameter]):
            raise ApiError("organization.require_membership")
        return members.roles(path["id"]), path[parameter]

    relate(
        operations,
        Relation(
            path=f"{path}/{{{parameter}}}/roles",
            member="organizationRoleId",
            names=(
                f"ListOrganization{noun}Roles",
                f"AssignOrganizationRolesTo{noun}",
                f"ReplaceOrganization{noun}Roles",
                f"DeleteOrganization{noun}Role",
            ),
            links=roles_of,
            members=lambda store, path, page: store.organization_roles.search(
                None,
                *page,
                organization_id=path["id"],
                **{f"{kind.name}_id": roles_of(store, path)[1]},
            ),
            view=OrganizationRoleView,
            **kind.roles,
        ),
    )
    return operations


users = members_of_organizations(USER)
applications = members_of_organizations(APPLICATION)


@users.get(
    f"{PATH}/{{id}}/users/{{userId}}/scopes",
    "ListOrganizationUserScopes",
    response=list[OrganizationScopeView],
)
async def list_user_scopes(call: Call) -> Reply:
    """List what a user may do in an organization."""
    found = await read(
        call, lambda store: store.organization_users.scopes(call.path["id"], call.path["userId"])
    )
    return Reply(200, [OrganizationScopeView.of(scope) for scope in found])
