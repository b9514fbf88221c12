"""What holds for every change of the Management API: it is one transaction, all or nothing, and
webhooks hear of it as they do from Logto."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest
import sqlalchemy as sa
from structlog.contextvars import get_contextvars

from gatehouse.actors import certificates
from gatehouse.actors.certificates import self_signed
from gatehouse.actors.webhooks import hook_event
from gatehouse.http.logto.access import MANAGEMENT
from gatehouse.http.logto.management import saml_secrets
from gatehouse.http.logto.management.hooks import HookEvent
from gatehouse.http.logto.skin import api_operations
from gatehouse.storage.applications import Applications
from gatehouse.storage.connectors import Connectors
from gatehouse.storage.database import Database, wall_clock
from gatehouse.storage.identities import Secret, Secrets, SocialIdentities
from gatehouse.storage.records import Application, Connector, DomainEvent, User
from gatehouse.storage.schema import metadata
from gatehouse.storage.statement import Stmt
from gatehouse.storage.transaction import Transaction
from gatehouse.storage.users import Users
from tests.http.contract import CONTRACT, Api
from tests.http.logto.management.story import ELSEWHERE, STORY, Step
from tests.http.running import BOTH_DATABASES, TENANT, Server, run_server

WRITING = [
    one.operation_id
    for one in api_operations()
    if one.access is MANAGEMENT and one.method != "GET" and one.operation_id in CONTRACT
]
MANY_STATEMENTS = 60
"""More than any change needs."""


@pytest.fixture
async def server(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Server]:
    """A server with mock connectors, so that somebody can be linked without a provider."""
    async with run_server(database_url, redis_url, mocks=tmp_path) as server:
        yield server


@pytest.fixture(autouse=True)
def quick_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    """One RSA key for all: to make one for every attempt would take longer than the rest."""
    made = self_signed("Gatehouse", wall_clock(), 9)
    for module in (certificates, saml_secrets):
        monkeypatch.setattr(module, "self_signed", lambda *_: made)


@pytest.fixture
async def known(server: Server) -> dict[str, Any]:
    """What the story refers to, and no operation makes."""
    return await server.core.db.write(plant)


def plant(tx: Transaction) -> dict[str, Any]:
    user = Users(tx, TENANT).create(User(username="rosa"))
    Connectors(tx, TENANT).create(Connector(id="c", connector_id="github-universal"))
    SocialIdentities(tx, TENANT).link(user.id, "github", "1", {"id": "1"})
    tokens = Secret(user_id=user.id, value="{}", connector_id="c", target="github", identity_id="1")
    old = Application(name="Old", type="Traditional", secret="from before there were several")
    return {
        "token_set": {"id": Secrets(tx, TENANT).put(tokens).id},
        "old_application": {"id": Applications(tx, TENANT).create(old).id},
    }


def test_every_operation_that_changes_records_is_told_of() -> None:
    told = {step.operation for step in STORY}
    assert set(WRITING) - told - ELSEWHERE.keys() == set()
    assert ELSEWHERE.keys() <= set(WRITING)
    assert not told & ELSEWHERE.keys()


@BOTH_DATABASES
async def test_a_change_that_fails_in_its_middle_leaves_nothing(
    server: Server, known: dict[str, Any], database_url: str
) -> None:
    """Every change is made to fail after each of its statements in turn, and in the end.

    In PostgreSQL after its second and in the end: there every attempt takes three times as long.
    """
    every = range(1, MANY_STATEMENTS)
    attempts = every if database_url.startswith("sqlite") else (2, MANY_STATEMENTS)
    api = server.api(await server.management_token())
    before = await everything(server)
    for step in STORY:
        if step.operation in WRITING:
            for fatal in attempts:
                breaking = Breaking(fatal)
                answer = await breaking.take(step, api, known)
                assert answer.status_code == 500, f"{step} {fatal}: {answer.text}"
                if breaking.at_the_end:
                    break
            assert breaking.at_the_end, step
            assert breaking.units == 1, f"{step} is more than one transaction"
            after = await everything(server)
            assert after.rows == before.rows, step
            assert after.events <= before.events, step
        answer = await step.take(api, known)
        assert answer.status_code < 300, f"{step}: {answer.text}"
        before = await everything(server)


class Breaking:
    """Fails what requests write after its n-th statement, or in the end if it has fewer."""

    def __init__(self, fatal: int) -> None:
        self.units = 0
        self.at_the_end = False
        self._left = fatal
        self._unit: Transaction | None = None

    async def take(self, step: Step, api: Api, known: dict[str, Any]) -> httpx.Response:
        """Take a step while everything breaks."""
        with pytest.MonkeyPatch.context() as patches:
            for way in ("write", "relate"):
                patches.setattr(Database, way, self._watching(getattr(Database, way)))
            patches.setattr(Transaction, "_execute", self._failing(Transaction._execute))
            return await step.take(api, known)

    def _watching(self, write: Any) -> Any:
        async def watch(db: Database, work: Any, *args: Any, **kwargs: Any) -> Any:
            if "request_id" not in get_contextvars():
                return await write(db, work, *args, **kwargs)  # goes on beside the requests

            def fragile(tx: Transaction) -> None:
                self.units += 1
                self._unit = tx
                work(tx, *args, **kwargs)
                self.at_the_end = True
                raise RuntimeError("broken on purpose")

            return await write(db, fragile)

        return watch

    def _failing(self, execute: Any) -> Any:
        def fail(tx: Transaction, *args: Any) -> Any:
            result = execute(tx, *args)
            if tx is self._unit:
                self._left -= 1
                if self._left == 0:
                    with suppress(Exception):
                        result.fetchall()  # an open cursor would be a failure of another kind
                    raise RuntimeError("broken on purpose")
            return result

        return fail


@dataclass(frozen=True)
class Everything:
    """All that is stored; others write the audit log and take events away meanwhile."""

    rows: dict[str, list[str]]
    events: set[str]


async def everything(server: Server) -> Everything:
    def read(tx: Transaction) -> Everything:
        rows = {
            table.name: sorted(map(repr, tx.rows(Stmt(sa.select(table)))))
            for table in metadata.sorted_tables
            if table.name not in ("audit_logs", "domain_events")
        }
        events = tx.rows(Stmt(sa.select(metadata.tables["domain_events"].c.id)))
        return Everything(rows, {event[0] for event in events})

    return await server.core.db.read(read)


DATA, SCOPES, MEMBERS = "Data.Updated", "Scopes.Updated", "Membership.Updated"
HEARD = {
    **{f"Create{noun}": {f"{noun}.Created"} for noun in ("User", "Organization")},
    **{f"Delete{noun}": {f"{noun}.Deleted"} for noun in ("User", "Role", "Organization")},
    **{f"Update{noun}": {f"{noun}.{DATA}"} for noun in ("User", "Role", "Organization")},
    "UpdateUserCustomData": {f"User.{DATA}"},
    "UpdateUserProfile": {f"User.{DATA}"},
    "UpdateUserPassword": {f"User.{DATA}"},
    "UpdateUserIsSuspended": {"User.SuspensionStatus.Updated"},
    "CreateRole": {"Role.Created", f"Role.{SCOPES}"},
    "CreateRoleScope": {f"Role.{SCOPES}"},
    "DeleteRoleScope": {f"Role.{SCOPES}"},
    "CreateResourceScope": {"Scope.Created"},
    "UpdateResourceScope": {f"Scope.{DATA}"},
    "DeleteResourceScope": {"Scope.Deleted"},
    "CreateOrganizationRole": {"OrganizationRole.Created", f"OrganizationRole.{SCOPES}"},
    "UpdateOrganizationRole": {f"OrganizationRole.{DATA}"},
    "DeleteOrganizationRole": {"OrganizationRole.Deleted"},
    "CreateOrganizationScope": {"OrganizationScope.Created"},
    "UpdateOrganizationScope": {f"OrganizationScope.{DATA}"},
    "DeleteOrganizationScope": {"OrganizationScope.Deleted"},
    "ReplaceOrganizationRoleScopes": {f"OrganizationRole.{SCOPES}"},
    "CreateOrganizationRoleScope": {f"OrganizationRole.{SCOPES}"},
    "DeleteOrganizationRoleScope": {f"OrganizationRole.{SCOPES}"},
    "AddOrganizationUsers": {f"Organization.{MEMBERS}"},
    "ReplaceOrganizationUsers": {f"Organization.{MEMBERS}"},
    "DeleteOrganizationUser": {f"Organization.{MEMBERS}"},
    "AddOrganizationApplications": {f"Organization.{MEMBERS}"},
    "DeleteOrganizationApplication": {f"Organization.{MEMBERS}"},
    "ReplaceOrganizationInvitationStatus": {f"Organization.{MEMBERS}"},
}
"""What Logto tells webhooks of."""

HEARD_BESIDES = {
    "CreateUserIdentity": {f"User.{DATA}"},
    "CreateUserMfaVerification": {f"User.{DATA}"},
    "DeleteUserIdentity": {f"User.{DATA}"},
    "DeleteUserMfaVerification": {f"User.{DATA}"},
    "ReplaceUserIdentity": {f"User.{DATA}"},
    "UpdateUserLogtoConfigs": {f"User.{DATA}"},
    "UpdateUserPasswordExpiration": {f"User.{DATA}"},
    "CreateOrganizationRoleResourceScope": {f"OrganizationRole.{SCOPES}"},
    "DeleteOrganizationRoleResourceScope": {f"OrganizationRole.{SCOPES}"},
    "ReplaceOrganizationRoleResourceScopes": {f"OrganizationRole.{SCOPES}"},
}
"""What changes the same records, and webhooks hear of here."""


@pytest.mark.one_node
async def test_webhooks_hear_of_changes(server: Server, known: dict[str, Any]) -> None:
    api = server.api(await server.management_token())
    heard: defaultdict[str, set[str]] = defaultdict(set)
    operation = ""

    def listen(events: Sequence[DomainEvent]) -> None:
        names = {hook_event(event.type) for event in events}
        heard[operation] |= names & set(get_args(HookEvent))

    server.core.db.listen(listen)
    for step in STORY:
        operation = step.operation
        answer = await step.take(api, known)
        assert answer.status_code < 300, f"{step}: {answer.text}"
    told = {name: events for name, events in heard.items() if events}
    assert told == HEARD | HEARD_BESIDES
