"""What a webhook is told: the body of its request, for every event.

A body is put together once, when the event is passed on, and sent again unchanged if that fails.
What was changed is shown as it is then; of what was deleted, only the id is left to tell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from gatehouse.actors.shown import USER_FIELDS, camel, shown
from gatehouse.storage.applications import Applications
from gatehouse.storage.events import ASKED_BY
from gatehouse.storage.organizations import Organizations
from gatehouse.storage.organizations_template import OrganizationRoles, OrganizationScopes
from gatehouse.storage.repository import Repository
from gatehouse.storage.resources import Scopes
from gatehouse.storage.roles import Roles
from gatehouse.storage.users import Users

if TYPE_CHECKING:
    from gatehouse.storage.transaction import Transaction

MAX_SCOPES = 1000
"""Scopes of a role that are listed."""

APPLICATION_FIELDS = ("id", "type", "name", "description")


class _Subject(NamedTuple):
    """What events of one noun are about: the repository, and what the API's path calls the id."""

    repository: Callable[[Transaction, str], Repository[Any]]
    parameter: str = "id"
    fields: tuple[str, ...] | None = None


_SUBJECTS: Mapping[str, _Subject] = {
    "User": _Subject(Users, "userId", USER_FIELDS),
    "Role": _Subject(Roles),
    "Scope": _Subject(Scopes, "scopeId"),
    "Organization": _Subject(Organizations),
    "OrganizationRole": _Subject(OrganizationRoles),
    "OrganizationScope": _Subject(OrganizationScopes),
}

_LISTS: Mapping[str, Callable[[Transaction, str, str], list[Any]]] = {
    "Role.Scopes.Updated": lambda tx, tenant, role_id: (
        Scopes(tx, tenant).search(None, MAX_SCOPES, role_id=role_id).items
    ),
    "OrganizationRole.Scopes.Updated": lambda tx, tenant, role_id: (
        OrganizationScopes(tx, tenant).search(None, MAX_SCOPES, role_id=role_id).items
    ),
}
"""Events about a list: what it holds is told, not the record that it belongs to."""


def data_payload(
    tx: Transaction, tenant_id: str, event: str, facts: Mapping[str, Any]
) -> dict[str, Any]:
    """What is told of a change of data. `facts` name the record: its `id`, or `<noun>_id`; and the
    request that changed it, if one of the Management API did."""
    facts = dict(facts)
    request = facts.pop(ASKED_BY, {})
    subject = _SUBJECTS[event.partition(".")[0]]
    repository = subject.repository(tx, tenant_id)
    id_ = str(facts.get("id") or facts[f"{repository.rows.entity}_id"])
    params = {subject.parameter: id_, **request.get("params", {})}
    data: object = None
    if event in _LISTS:
        data = [shown(one) for one in _LISTS[event](tx, tenant_id, id_)]
    elif not event.endswith(".Membership.Updated"):
        record = repository.find(id_)
        data = {"id": id_} if record is None else shown(record, subject.fields)
    payload: dict[str, Any] = {**request, "params": params, "data": data}
    if event == "Organization.Membership.Updated":
        payload |= {camel(name): fact for name, fact in facts.items()}
    return payload


def interaction_payload(
    tx: Transaction, tenant_id: str, facts: Mapping[str, Any]
) -> dict[str, Any]:
    """What is told of a sign-in, a registration, a recovery: who it was, and where."""
    user = Users(tx, tenant_id).find(str(facts["userId"]))
    application = None
    if application_id := facts.get("applicationId"):
        application = Applications(tx, tenant_id).find(str(application_id))
    told = {name: value for name, value in facts.items() if name != "applicationId"}
    if user is not None:
        told["user"] = shown(user, USER_FIELDS)
    if application is not None:
        told["application"] = shown(application, APPLICATION_FIELDS)
    return told


def exception_payload(tx: Transaction, tenant_id: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """What is told of somebody being stopped: what they tried, and where."""
    told = dict(facts)
    if application_id := told.get("applicationId"):
        application = Applications(tx, tenant_id).find(str(application_id))
        if application is not None:
            told["application"] = shown(application, APPLICATION_FIELDS)
    return told


def iso_time(now: int) -> str:
    """A time (ms since the epoch) as ISO 8601 in UTC, with milliseconds."""
    moment = datetime.fromtimestamp(now // 1000, UTC).replace(microsecond=now % 1000 * 1000)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
