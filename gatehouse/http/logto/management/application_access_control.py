"""`/api/applications/{applicationId}/access-control`: who may use an application."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from gatehouse.http.call import Call
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT
from gatehouse.http.logto.errors import ApiError
from gatehouse.http.logto.management.store import Store, read, write
from gatehouse.http.operation import Operations
from gatehouse.http.wire import View, Wire
from gatehouse.storage.application_access import AccessRules

PATH = "/api/applications/{applicationId}/access-control"
MAX_SENT = 2000
"""Entries of one list as it is sent, repetitions included."""
MAX_RULES = 1000
"""Entries of one list as it is stored."""

operations = Operations(tags=("Applications",), access=MANAGEMENT, cors=CONSOLE_ONLY)


def _once(ids: list[str]) -> list[str]:
    return _bounded(list(dict.fromkeys(ids)))


def _bounded(ids: list[str]) -> list[str]:
    if len(ids) > MAX_RULES:
        raise PydanticCustomError("too_long", "There are too many rules.")
    return ids


Ids = Annotated[list[str], Field(max_length=MAX_SENT), AfterValidator(_once)]


class OrganizationRoleRule(Wire):
    """Who has one of these roles in the organization."""

    organization_id: str
    organization_role_ids: Ids


class AccessControl(Wire):
    """Whom the rules name."""

    user_ids: Ids
    user_role_ids: Ids
    organization_ids: Ids
    organization_role_rules: Annotated[list[OrganizationRoleRule], Field(max_length=MAX_SENT)]

    def rules(self) -> AccessRules:
        """The rules; those about one organization become one. Raises ApiError."""
        within: dict[str, list[str]] = {}
        for rule in self.organization_role_rules:
            if not rule.organization_role_ids:
                raise no_rules("A rule about an organization names at least one role.")
            within.setdefault(rule.organization_id, []).extend(rule.organization_role_ids)
        if len(within) > MAX_RULES or any(len(set(ids)) > MAX_RULES for ids in within.values()):
            raise no_rules("There are too many rules.")
        return AccessRules(
            users=tuple(self.user_ids),
            roles=tuple(self.user_role_ids),
            organizations=tuple(self.organization_ids),
            organization_roles={id_: tuple(dict.fromkeys(ids)) for id_, ids in within.items()},
        )


class AccessControlView(View):
    """Whom the rules name."""

    user_ids: list[str]
    user_role_ids: list[str]
    organization_ids: list[str]
    organization_role_rules: list[OrganizationRoleRule]


def no_rules(details: str) -> ApiError:
    """The refusal of rules that let nobody in, or make no sense."""
    return ApiError("request.invalid_input", status=422, params={"details": details})


def require_rules(rules: AccessRules) -> None:
    """Control that is switched on names somebody. Raises ApiError."""
    if rules.empty:
        raise no_rules("Access can be controlled only by at least one rule.")


@operations.get(PATH, "GetApplicationAccessControl", response=AccessControlView, statuses=(404,))
async def get_access_control(call: Call) -> AccessControlView:
    """Read who may use an application."""

    def look(store: Store) -> AccessRules:
        application = store.applications.get(call.path["applicationId"])
        return store.application_access(application.id).rules()

    return _view(await read(call, look))


@operations.put(
    PATH,
    "ReplaceApplicationAccessControl",
    body=AccessControl,
    response=AccessControlView,
    statuses=(404, 422),
)
async def replace_access_control(call: Call[AccessControl]) -> AccessControlView:
    """Say who may use an application; it counts as soon as control is switched on."""
    rules = call.body.rules()

    def change(store: Store) -> None:
        application = store.applications.get(call.path["applicationId"])
        if application.app_level_access_control_enabled:
            require_rules(rules)
        store.application_access(application.id).replace(rules)

    await write(call, change)
    return _view(rules)


def _view(rules: AccessRules) -> AccessControlView:
    return AccessControlView.of(
        None,
        user_ids=list(rules.users),
        user_role_ids=list(rules.roles),
        organization_ids=list(rules.organizations),
        organization_role_rules=[
            OrganizationRoleRule(organization_id=id_, organization_role_ids=list(roles))
            for id_, roles in rules.organization_roles.items()
        ],
    )
