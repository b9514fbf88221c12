"""Who has which role: four views of two relations, told apart by a table.

`/api/users/{userId}/roles` and `/api/applications/{applicationId}/roles` are a holder's roles;
`/api/roles/{id}/users` and `/api/roles/{id}/applications` are a role's holders.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from pydantic import Field

from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT
from gatehouse.http.logto.errors import ApiError
from gatehouse.http.logto.management.applications import (
    APPLICATION_SEARCH,
    ApplicationView,
    application_view,
)
from gatehouse.http.logto.management.paging import SearchedPage, bounds, listed
from gatehouse.http.logto.management.roles import ROLE_SEARCH, Ids, RoleView, check_new
from gatehouse.http.logto.management.search import search_of
from gatehouse.http.logto.management.store import Store, read, relate
from gatehouse.http.logto.management.users import UserView, user_view
from gatehouse.http.operation import Operations
from gatehouse.http.wire import Text, View, Wire
from gatehouse.storage.errors import Refused
from gatehouse.storage.links import Links
from gatehouse.storage.records import Application, User
from gatehouse.storage.repository import Page as Found
from gatehouse.storage.search import Search
from gatehouse.storage.users import SEARCH_FIELDS as USER_SEARCH

H = TypeVar("H", User, Application)


class NewRoleIds(Wire):
    """Roles to give."""

    role_ids: Ids


class AllRoleIds(Wire):
    """The roles to have, and no others."""

    role_ids: list[Text]


class AddedRoleIds(Wire):
    """The roles that were to be given, and those that were new."""

    role_ids: list[str]
    added_role_ids: list[str]


class UserIds(Wire):
    """Users to give a role to."""

    ids: Ids = Field(alias="userIds")


class ApplicationIds(Wire):
    """Applications to give a role to."""

    ids: Ids = Field(alias="applicationIds")


@dataclass(frozen=True)
class Holder(Generic[H]):
    """Something that has roles: `name` is how the paths and ids of its operations call it."""

    name: str
    links: Callable[[Store], Links]
    get: Callable[[Store, str], H]
    check: Callable[[Store, str], object]
    find: Callable[[Store, Search | None, tuple[int, int], str], Found[H]]
    view: Callable[[H], View]
    view_type: type[View]
    search: Sequence[str]
    ids: type[UserIds] | type[ApplicationIds]
    replace_answers: bool

    def change(self, change: Callable[[], Any], role_ids: Sequence[str]) -> Any:
        """Run a change of the relation. Raises ApiError for a role of the other type."""
        try:
            return change()
        except Refused:
            raise ApiError(
                f"{self.name}.invalid_role_type", params={"roleId": role_ids[0]}
            ) from None


def _machine(store: Store, application_id: str) -> Application:
    application = store.applications.get(application_id)
    if application.type != "MachineToMachine":
        raise ApiError("application.invalid_type")
    return application


USER: Holder[User] = Holder(
    name="user",
    links=lambda store: store.user_roles,
    get=lambda store, user_id: store.users.get(user_id),
    check=lambda store, user_id: None,  # the relation looks whether there is such a user
    find=lambda store, search, page, role_id: store.users.search(search, *page, role_id=role_id),
    view=user_view,
    view_type=UserView,
    search=USER_SEARCH,
    ids=UserIds,
    replace_answers=True,
)
APPLICATION: Holder[Application] = Holder(
    name="application",
    links=lambda store: store.application_roles,
    get=_machine,
    check=_machine,
    find=lambda store, search, page, role_id: store.applications.search(
        search, *page, role_id=role_id
    ),
    view=application_view,
    view_type=ApplicationView,
    search=APPLICATION_SEARCH,
    ids=ApplicationIds,
    replace_answers=False,
)


def roles_of(holder: Holder[H]) -> Operations:
    """The operations on the roles of one holder."""
    noun = holder.name.capitalize()
    parameter = f"{holder.name}Id"
    path = f"/api/{holder.name}s/{{{parameter}}}/roles"
    operations = Operations(tags=(f"{noun}s",), access=MANAGEMENT, cors=CONSOLE_ONLY)

    @operations.get(
        path, f"List{noun}Roles", query=SearchedPage, response=list[RoleView], statuses=(404,)
    )
    async def list_roles(call: Call[None, SearchedPage]) -> Reply:
        """List the roles that one has."""
        window = call.query.asked
        search = search_of(call, ROLE_SEARCH)

        def look(store: Store) -> tuple[list[RoleView], int]:
            holder.get(store, call.path[parameter])
            only = {f"{holder.name}_id": call.path[parameter]}
            page = store.roles.search(search, *bounds(window), **only)  # type: ignore[arg-type]
            return [RoleView.of(role) for role in page.items], page.total

        return listed(call, *await read(call, look), window)

    @operations.post(
        path,
        f"Assign{noun}Roles",
        body=NewRoleIds,
        response=AddedRoleIds,
        status=201,
        statuses=(404, 422),
    )
    async def assign_roles(call: Call[NewRoleIds]) -> AddedRoleIds:
        """Give roles; those that are there already stay."""
        ids = call.body.role_ids

        def change(store: Store) -> set[str]:
            one = call.path[parameter]
            holder.check(store, one)
            added: set[str] = holder.change(lambda: holder.links(store).add(one, ids), ids)
            return added

        added = await relate(call, change)
        return AddedRoleIds(role_ids=ids, added_role_ids=[one for one in ids if one in added])

    @operations.put(
        path,
        f"Replace{noun}Roles",
        body=AllRoleIds,
        response=AllRoleIds if holder.replace_answers else None,
        statuses=(404, 422),
    )
    async def replace_roles(call: Call[AllRoleIds]) -> Reply:
        """Give exactly these roles."""
        ids = list(dict.fromkeys(call.body.role_ids))

        def change(store: Store) -> None:
            one = call.path[parameter]
            holder.check(store, one)
            holder.change(lambda: holder.links(store).replace(one, ids), ids)

        await relate(call, change)
        return Reply(200, AllRoleIds(role_ids=ids) if holder.replace_answers else None)

    @operations.delete(f"{path}/{{roleId}}", f"Delete{noun}Role", statuses=(404,))
    async def delete_role(call: Call) -> None:
        """Take a role away."""

        def change(store: Store) -> None:
            one = holder.get(store, call.path[parameter])
            holder.links(store).remove(one.id, [call.path["roleId"]])

        await relate(call, change)

    return operations


def holders_of_roles(holder: Holder[H]) -> Operations:
    """The operations on those who have one role."""
    noun = holder.name.capitalize()
    path = f"/api/roles/{{id}}/{holder.name}s"
    operations = Operations(tags=("Roles",), access=MANAGEMENT, cors=CONSOLE_ONLY)

    @operations.get(
        path,
        f"ListRole{noun}s",
        query=SearchedPage,
        response=list[holder.view_type],  # type: ignore[name-defined]
        statuses=(404,),
    )
    async def list_holders(call: Call[None, SearchedPage]) -> Reply:
        """List those who have the role."""
        window = call.query.window
        search = search_of(call, holder.search)

        def look(store: Store) -> tuple[list[View], int]:
            role = store.roles.get(call.path["id"])
            page = holder.find(store, search, bounds(window), role.id)
            return [holder.view(one) for one in page.items], page.total

        return listed(call, *await read(call, look), window)

    @operations.post(
        path, f"CreateRole{noun}", body=holder.ids, status=201, statuses=(201, 404, 422)
    )
    async def add_holders(call: Call[Any]) -> Reply:
        """Give the role to more; none of them may have it."""
        ids: list[str] = call.body.ids

        def change(store: Store) -> None:
            role = store.roles.get(call.path["id"])
            links = holder.links(store)
            added = {
                one for one in ids if holder.change(partial(links.add, one, [role.id]), [role.id])
            }
            check_new(ids, added, f"role.{holder.name}_exists", f"{holder.name}Id")

        await relate(call, change)
        return Reply(201)

    @operations.delete(f"{path}/{{{holder.name}Id}}", f"DeleteRole{noun}", statuses=(404,))
    async def remove_holder(call: Call) -> None:
        """Take the role away from one."""

        def change(store: Store) -> None:
            role = store.roles.get(call.path["id"])
            holder.links(store).remove(call.path[f"{holder.name}Id"], [role.id])

        await relate(call, change)

    return operations
