"""Connectors: set up, one for each kind of message, and tried."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
import trio

from gatehouse.actors.connectors.messengers import Messengers
from gatehouse.actors.messages import OutgoingMessage
from gatehouse.actors.outbound import Outbound
from gatehouse.engine.actor import Kind, Turn
from gatehouse.storage import schema
from gatehouse.storage.audit import Messages
from gatehouse.storage.connectors import Connectors
from gatehouse.storage.statement import Stmt
from gatehouse.storage.tenants import SignInExperiences
from gatehouse.storage.vault import Vault
from tests.http.contract import Api
from tests.http.running import BOTH_DATABASES, TENANT, Server
from tests.servers.mail_server import MailServer, open_mail_server
from tests.servers.receiver import Receiver, open_receiver

TEMPLATES = [
    {"usageType": use, "contentType": "text/plain", "subject": f"{use}!", "content": "{{code}}"}
    for use in ("SignIn", "Register", "ForgotPassword", "Generic")
]
SMTP = "simple-mail-transfer-protocol"


def smtp(port: int = 25, **changes: Any) -> dict[str, Any]:
    return {
        "host": "127.0.0.1",
        "port": port,
        "auth": {"user": "postman", "pass": "the postman's secret"},
        "fromEmail": "House <house@example.com>",
        "templates": TEMPLATES,
        **changes,
    }


@pytest.fixture
async def mail_server() -> AsyncIterator[MailServer]:
    async with open_mail_server() as server:
        yield server


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with open_receiver() as receiver:
        yield receiver


async def test_factories_are_listed_without_the_mocks(api: Api) -> None:
    listed = await api("ListConnectorFactories")
    ids = {one["id"] for one in listed}
    assert {SMTP, "http-email", "http-sms"} <= ids
    assert not any(one.startswith("mock-") for one in ids)
    assert await api("GetConnectorFactory", id=SMTP) in listed
    await api("GetConnectorFactory", id="mock-email-service", expect=404)
    await api.with_token(None)("ListConnectorFactories", expect=401)


@BOTH_DATABASES
async def test_a_connector_is_created_read_changed_and_deleted(api: Api) -> None:
    made = await api("CreateConnector", json={"connectorId": SMTP, "config": smtp(), "id": "mine"})
    assert (made["id"], made["type"], made["connectorId"]) == ("mine", "Email", SMTP)
    assert await api("GetConnector", id="mine") == made
    changed = await api("UpdateConnector", id="mine", json={"config": smtp(587)})
    assert changed == {**made, "config": smtp(587)}
    assert await api("ListConnectors") == [changed]
    assert await api("ListConnectors", query={"target": "http-sms"}) == []
    await api("DeleteConnector", id="mine", expect=204)
    await api("DeleteConnector", id="mine", expect=404)
    await api("GetConnector", id="mine", expect=404)
    await api("UpdateConnector", id="mine", json={}, expect=404)


@BOTH_DATABASES
async def test_there_is_one_connector_for_each_kind_of_message(api: Api) -> None:
    web = {"endpoint": "https://example.com/send"}
    await api("CreateConnector", json={"connectorId": SMTP, "config": smtp()})
    await api("CreateConnector", json={"connectorId": "http-sms", "config": web})
    await api("CreateConnector", json={"connectorId": "http-email", "config": web})
    kinds = {one["type"]: one["connectorId"] for one in await api("ListConnectors")}
    assert kinds == {"Sms": "http-sms", "Email": "http-email"}
    assert len(await api("ListConnectors")) == 2


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "guard.invalid_input"),
        ({"connectorId": "pigeon"}, 422, "connector.not_found_with_connector_id"),
        ({"connectorId": SMTP, "config": {}}, 400, "connector.invalid_config"),
        ({"connectorId": SMTP, "config": smtp(0)}, 400, "connector.invalid_config"),
        ({"connectorId": SMTP, "config": smtp(templates=[])}, 400, "connector.invalid_config"),
        (
            {"connectorId": SMTP, "config": smtp(fromEmail="a@b.c\r\nBcc: x@y.z")},
            400,
            "connector.invalid_config",
        ),
        (
            {"connectorId": "http-sms", "config": {"endpoint": "file:///etc/passwd"}},
            400,
            "connector.invalid_config",
        ),
        (
            {"connectorId": "http-sms", "config": {"endpoint": "https://a.b/", "x": "y" * 200_000}},
            400,
            "connector.invalid_config",
        ),
        (
            {"connectorId": "http-sms", "enableTokenStorage": True},
            422,
            "connector.token_storage_not_supported",
        ),
    ],
)
async def test_a_connector_that_cannot_be_is_not_created(
    api: Api, body: dict[str, Any], status: int, code: str
) -> None:
    assert (await api("CreateConnector", json=body, expect=status))["code"] == code
    assert await api("ListConnectors") == []


@pytest.mark.parametrize(
    ("body", "status"),
    [({"config": {}}, 400), ({"metadata": {"target": "x"}}, 400), ({"syncProfile": True}, 422)],
)
async def test_a_change_that_cannot_be_changes_nothing(
    api: Api, body: dict[str, Any], status: int
) -> None:
    made = await api("CreateConnector", json={"connectorId": SMTP, "config": smtp()})
    await api("UpdateConnector", id=made["id"], json=body, expect=status)
    assert await api("GetConnector", id=made["id"]) == made


async def test_the_configuration_is_sealed_and_not_shown_in_logs(api: Api, server: Server) -> None:
    made = await api("CreateConnector", json={"connectorId": SMTP, "config": smtp()})
    stored = await server.core.db.read(lambda tx: Connectors(tx, TENANT).get(made["id"]))
    kept = Stmt(sa.select(schema.connectors.c.config))
    ((sealed,),) = await server.core.db.read(lambda tx: tx.rows(kept, {}))
    assert "secret" in stored.config
    assert "secret" not in sealed
    assert "secret" not in repr(stored)


async def test_a_connector_stays_while_expired_passwords_need_it(api: Api, server: Server) -> None:
    made = await api("CreateConnector", json={"connectorId": SMTP, "config": smtp()})
    expiration = {"enabled": True, "validPeriodDays": 30}
    await server.core.db.write(
        lambda tx: SignInExperiences(tx, TENANT).change(password_expiration=expiration)
    )
    refused = await api("DeleteConnector", id=made["id"], expect=422)
    assert refused["code"].endswith("password_expiration_requires_forgot_password")
    assert await api("ListConnectors") == [made]


async def test_a_mail_is_sent_to_try_a_configuration(api: Api, mail_server: MailServer) -> None:
    trial = {"email": "ada@example.com", "config": smtp(mail_server.port)}
    await api("CreateConnectorTest", factoryId=SMTP, json=trial, expect=204)
    (mail,) = mail_server.mails
    assert (mail["To"], mail["From"]) == ("ada@example.com", "House <house@example.com>")
    assert (mail["Subject"], mail.get_content().strip()) == ("Generic!", "000000")
    assert await api("ListConnectors") == []


@pytest.mark.parametrize(
    "recipient",
    ["a@b.com,c@d.com", "a@b.com>", "<a@b.com", "a@b.com@c.com", "a@b.com;c@d.com"],
)
async def test_a_recipient_is_one_address(
    api: Api, mail_server: MailServer, recipient: str
) -> None:
    trial = {"email": recipient, "config": smtp(mail_server.port)}
    await api("CreateConnectorTest", factoryId=SMTP, json=trial, expect=400)
    assert mail_server.mails == []


async def test_a_mail_server_that_refuses_is_reported(api: Api, mail_server: MailServer) -> None:
    mail_server.refuse_recipients = True
    trial = {"email": "ada@example.com", "config": smtp(mail_server.port)}
    refused = await api("CreateConnectorTest", factoryId=SMTP, json=trial, expect=400)
    assert refused["code"] == "connector.general"
    insisting = {**trial, "config": smtp(mail_server.port, requireTLS=True)}
    await api("CreateConnectorTest", factoryId=SMTP, json=insisting, expect=400)
    assert mail_server.mails == []


async def test_a_text_message_is_posted_to_try_a_configuration(
    api: Api, receiver: Receiver
) -> None:
    config = {"endpoint": receiver.url, "authorization": "Bearer abc"}
    trial = {"phone": "4915112345678", "config": config}
    await api("CreateConnectorTest", factoryId="http-sms", json=trial, expect=204)
    request = await receiver.next()
    assert request.headers["authorization"] == "Bearer abc"
    body = json.loads(request.body)
    assert body["to"] == "4915112345678"
    assert (body["type"], body["payload"]) == ("Generic", {"code": "000000"})
    receiver.answers = [500]
    refused = await api("CreateConnectorTest", factoryId="http-sms", json=trial, expect=400)
    assert refused["code"] == "connector.general"


@pytest.mark.parametrize(
    ("factory", "recipient", "code"),
    [
        ("http-email", {}, "guard.invalid_input"),
        ("http-email", {"email": "nobody"}, "guard.invalid_input"),
        ("http-email", {"phone": "4915112345678"}, "connector.unexpected_type"),
        ("pigeon", {"email": "a@b.com"}, "connector.not_found"),
    ],
)
async def test_a_trial_that_cannot_be_is_refused(
    api: Api, factory: str, recipient: dict[str, str], code: str
) -> None:
    trial = {**recipient, "config": {"endpoint": "https://example.com"}}
    refused = await api("CreateConnectorTest", factoryId=factory, json=trial, expect=400)
    assert refused["code"] == code


class Sent(msgspec.Struct, frozen=True):
    at: int


@dataclass(frozen=True)
class Send:
    """A turn that has a message sent."""

    message: OutgoingMessage
    vault: Vault

    def apply(self, state: Sent | None, now: int, /) -> Turn[Sent, None]:
        return Turn(Sent(now), None, now + 60_000, effects=(self.message.effect(self.vault),))


SENDING = Kind("sending", Sent)


def a_message(recipient: str = "ada@example.com") -> OutgoingMessage:
    return OutgoingMessage(
        tenant_id=TENANT,
        channel="email",
        recipient=recipient,
        usage="SignIn",
        payload={"code": "123456"},
    )


async def test_messages_of_turns_go_through_the_connector(
    api: Api, server: Server, mail_server: MailServer
) -> None:
    config = smtp(mail_server.port)
    await api("CreateConnector", json={"connectorId": SMTP, "config": config})
    core = server.core
    await core.engine.turn(SENDING.at(TENANT, "one"), Send(a_message(), core.vault))
    with trio.fail_after(20):
        await mail_server.taken.wait()
    assert mail_server.mails[0].get_content().strip() == "123456"
    assert await core.db.read(lambda tx: Messages(tx, TENANT).search().items) == []


async def test_a_message_that_is_repeated_is_dropped(
    api: Api, server: Server, mail_server: MailServer
) -> None:
    config = smtp(mail_server.port)
    await api("CreateConnector", json={"connectorId": SMTP, "config": config})
    core = server.core
    assert await core.messengers.deliver(core.engine, "same", a_message())
    assert not await core.messengers.deliver(core.engine, "same", a_message())
    assert len(mail_server.mails) == 1


async def test_without_a_connector_messages_stay_in_the_inbox(server: Server) -> None:
    core = server.core
    await core.messengers.deliver(core.engine, "same", a_message())
    (kept,) = await core.db.read(lambda tx: Messages(tx, TENANT).search().items)
    assert (kept.recipient, kept.payload["code"]) == ("ada@example.com", "123456")
    assert "123456" in kept.body


async def test_mocks_write_the_last_message_into_a_file(server: Server, tmp_path: Path) -> None:
    messengers = Messengers(server.core.db, Outbound(), mock_directory=tmp_path)
    factory = messengers.factory("mock-email-service-alternative")
    assert factory is not None
    await messengers.carry(factory.read({}), "one", a_message())
    written = json.loads((tmp_path / "mock_email_record.txt").read_text())
    assert (written["address"], written["code"]) == ("ada@example.com", "123456")
    assert written["payload"] == {"code": "123456"}
