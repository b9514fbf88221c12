"""What the collections around organizations do the same, written once.

A record of the collection is read, changed and deleted by its id (`by_id`). A relation is listed,
added to, replaced and taken from (`Relation`, `relate`); what differs is declared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pydantic import Field, create_model

from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.errors import ApiError
from gatehouse.http.logto.management.paging import Page, bounds, listed
from gatehouse.http.logto.management.roles import Ids
from gatehouse.http.logto.management.store import Store, read, write
from gatehouse.http.operation import Operations
from gatehouse.http.wire import Text, View, Wire
from gatehouse.storage.errors import NotFound
from gatehouse.storage.links import Links
from gatehouse.storage.repository import Page as Found
from gatehouse.storage.repository import Repository
from gatehouse.storage.search import Match, Search

Path = Mapping[str, str]


class ListQuery(Page):
    """A list in which something can be looked for."""

    q: str | None = None

    @property
    def pattern(self) -> str | None:
        """SQL's pattern for what is looked for, if anything."""
        return f"%{self.q}%" if self.q else None

    def search(self, fields: Sequence[str]) -> Search | None:
        """The search for it in these fields."""
        return None if self.pattern is None else Search((Match(tuple(fields), self.pattern),))


class Named(View):
    """Something by its id and name."""

    id: str
    name: str


@contextmanager
def missing_is(code: str, status: int | None = None) -> Iterator[None]:
    """Refuse with this code where a record that is needed does not exist. Raises ApiError."""
    try:
        yield
    except NotFound as error:
        name = {"name": error.entity, "id": error.id}
        raise ApiError(code, status=status, params=name) from None


def unrelated() -> Any:
    """Refuse a relation one of whose ends does not exist, as Logto does around organizations."""
    return missing_is("entity.relation_foreign_key_not_found", 422)


def stored(body: Wire) -> dict[str, Any]:
    """What was sent, by the names of the record's fields; objects in the wire's shape."""
    return {
        name: value.as_json() if isinstance(value, Wire) else value
        for name, value in body.given().items()
    }


def ids_body(name: str, field: str, *, some: bool = False) -> type[Wire]:
    """A body that holds a list of ids (`ids`) under this name; `some`: one at least."""
    kind: Any = Ids if some else list[Text]
    return create_model(name, __base__=Wire, ids=(kind, Field(alias=field)))


def by_id(
    operations: Operations,
    path: str,
    noun: str,
    *,
    records: Callable[[Store], Repository[Any]],
    view: type[View],
    patch: type[Wire],
) -> None:
    """Declare how one record is read, changed and deleted."""

    @operations.get(f"{path}/{{id}}", f"Get{noun}", response=view, statuses=(404,))
    async def get(call: Call) -> View:
        """Read it."""
        return view.of(await read(call, lambda store: records(store).get(call.path["id"])))

    @operations.patch(
        f"{path}/{{id}}", f"Update{noun}", body=patch, response=view, statuses=(404, 422)
    )
    async def update(call: Call[Any]) -> View:
        """Change it."""
        changes = stored(call.body)
        with missing_is("entity.not_exists"):
            return view.of(
                await write(call, lambda store: records(store).update(call.path["id"], **changes))
            )

    @operations.delete(f"{path}/{{id}}", f"Delete{noun}", statuses=(404,))
    async def delete(call: Call) -> None:
        """Delete it, and what belongs to it."""
        with missing_is("entity.not_found"):
            await write(call, lambda store: records(store).delete(call.path["id"]))


def _ids(store: Store, body: Any) -> list[str]:
    ids: list[str] = body.ids
    return ids


@dataclass(frozen=True)
class Relation:
    """A relation as the path below its owner shows it.

    `names` are the ids of the operations that list, add, replace and remove; the list may be
    declared elsewhere (`""`). `links` finds the relation and the owner for a path. `answer` names
    the field in which adding repeats the ids. `wanted` reads them from a body.
    """

    path: str
    member: str
    names: tuple[str, str, str, str]
    links: Callable[[Store, Path], tuple[Links, str]]
    adding: type[Wire]
    replacing: type[Wire]
    members: Callable[[Store, Path, tuple[int, int]], Found[Any]] | None = None
    view: type[View] = View
    answer: type[Wire] | None = None
    wanted: Callable[[Store, Any], list[str]] = _ids


def relate(operations: Operations, relation: Relation) -> None:
    """Declare the operations on a relation."""
    path = relation.path
    list_name, add_name, replace_name, remove_name = relation.names

    if (members := relation.members) is not None:

        @operations.get(
            path,
            list_name,
            query=Page,
            response=list[relation.view],  # type: ignore[name-defined]
            statuses=(404, 422),
        )
        async def list_members(call: Call[None, Page]) -> Reply:
            """List what is related."""
            window = call.query.asked
            page = await read(call, lambda store: members(store, call.path, bounds(window)))
            return listed(call, [relation.view.of(one) for one in page.items], page.total, window)

    @operations.post(
        path,
        add_name,
        body=relation.adding,
        response=relation.answer,
        status=201,
        statuses=(201, 422),
    )
    async def add(call: Call[Any]) -> Reply:
        """Relate more; those that are related already stay."""

        def change(store: Store) -> list[str]:
            links, owner = relation.links(store, call.path)
            ids = relation.wanted(store, call.body)
            links.add(owner, ids)
            return ids

        with unrelated():
            ids = await write(call, change)
        return Reply(201, relation.answer and relation.answer.model_construct(ids=ids))

    @operations.put(path, replace_name, body=relation.replacing, statuses=(422,))
    async def replace(call: Call[Any]) -> None:
        """Relate exactly these."""

        def change(store: Store) -> None:
            links, owner = relation.links(store, call.path)
            links.replace(owner, relation.wanted(store, call.body))

        with unrelated():
            await write(call, change)

    @operations.delete(f"{path}/{{{relation.member}}}", remove_name, statuses=(404, 422))
    async def remove(call: Call) -> None:
        """End the relation to one."""

        def change(store: Store) -> None:
            links, owner = relation.links(store, call.path)
            links.remove(owner, [call.path[relation.member]])

        with missing_is("entity.not_found"):
            await write(call, change)
