"""Social identities and the tokens that came with them."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from gatehouse.storage.connectors import Connectors
from gatehouse.storage.database import Database
from gatehouse.storage.errors import Conflict, NotFound, Referenced
from gatehouse.storage.identities import Secret, Secrets, SocialIdentities
from gatehouse.storage.migrate import engine_of, migrate, upgrade
from gatehouse.storage.records import Connector, User
from gatehouse.storage.transaction import Transaction
from gatehouse.storage.users import Users
from tests.storage.conftest import TENANT

DETAILS = {"id": "1", "name": "Ada"}


def people(tx: Transaction) -> tuple[str, str]:
    users = Users(tx, TENANT)
    return users.create(User(username="ada")).id, users.create(User(username="bob")).id


async def test_an_identity_is_found_and_shown_and_belongs_to_one(db: Database) -> None:
    ada, bob = await db.write(people)

    def link(tx: Transaction, user: str, identity: str = "1") -> User:
        return SocialIdentities(tx, TENANT).link(user, "acme", identity, DETAILS)

    linked = await db.write(link, ada)
    assert linked.identities == {"acme": {"userId": "1", "details": DETAILS}}
    found = await db.read(lambda tx: SocialIdentities(tx, TENANT).find_user("acme", "1"))
    assert found is not None
    assert found.id == ada
    assert (
        await db.read(lambda tx: SocialIdentities(tx, "elsewhere").find_user("acme", "1")) is None
    )
    with pytest.raises(Conflict) as conflict:
        await db.write(link, bob)
    assert (conflict.value.entity, conflict.value.field) == ("social_identity", "identity_id")
    assert (await db.write(link, ada)).identities == linked.identities
    await db.write(link, ada, "2")
    assert (await db.write(link, bob)).identities["acme"]["userId"] == "1"
    with pytest.raises(NotFound):
        await db.write(link, "nobody", "3")


async def test_an_identity_ends_with_its_user_and_when_it_is_taken_away(db: Database) -> None:
    ada, bob = await db.write(people)

    def link(tx: Transaction, user: str) -> None:
        SocialIdentities(tx, TENANT).link(user, "acme", "1", None)

    def unlink(tx: Transaction) -> User:
        return SocialIdentities(tx, TENANT).unlink(ada, "acme")

    await db.write(link, ada)
    assert (await db.write(unlink)).identities == {}
    with pytest.raises(NotFound):
        await db.write(unlink)
    await db.write(link, ada)
    await db.write(lambda tx: Users(tx, TENANT).delete(ada))
    await db.write(link, bob)


def secret(user: str, value: str) -> Secret:
    return Secret(user_id=user, connector_id="c", target="acme", identity_id="1", value=value)


async def test_tokens_are_sealed_replaced_and_go_with_what_they_belong_to(db: Database) -> None:
    ada, _ = await db.write(people)

    def link(tx: Transaction, identity: str = "1") -> None:
        SocialIdentities(tx, TENANT).link(ada, "acme", identity, None)

    def connect(tx: Transaction) -> None:
        Connectors(tx, TENANT).create(Connector(id="c", connector_id="oidc"))

    def put(tx: Transaction) -> Secret:
        return Secrets(tx, TENANT).put(secret(ada, value='{"access_token":"the token"}'))

    async def kept() -> list[Secret]:
        return await db.read(lambda tx: Secrets(tx, TENANT).of(ada))

    with pytest.raises(Referenced):
        await db.write(put)
    await db.write(connect)
    with pytest.raises(Referenced):
        await db.write(put)
    await db.write(link)
    first, second = await db.write(put), await db.write(put)
    assert [one.id for one in await kept()] == [second.id]
    assert first.id != second.id
    found = await db.read(lambda tx: Secrets(tx, TENANT).of_target(ada, "acme"))
    assert found is not None
    assert found.value == '{"access_token":"the token"}'
    assert "token" not in repr(found).lower().replace("secret", "")
    await db.write(link, "2")
    assert await kept() == []
    await db.write(link)
    await db.write(put)
    await db.write(lambda tx: Connectors(tx, TENANT).delete("c"))
    assert await kept() == []
    await db.write(connect)
    await db.write(put)
    await db.write(lambda tx: Users(tx, TENANT).delete(ada))
    assert await kept() == []


def test_identities_from_before_can_be_looked_up(empty_url: str) -> None:
    with engine_of(empty_url).begin() as connection:
        upgrade(connection, "0002")
        text = (
            "INSERT INTO users (tenant_id, id, is_password_expired, profile, identities,"
            " custom_data, logto_config, mfa_verifications, is_suspended, tokens_valid_after,"
            " created_at, updated_at) VALUES ('t', :id, false, '{}', :identities, '{}', '{}',"
            " '[]', false, 0, 0, 0)"
        )
        for id_, identities in (("a", '{"acme": {"userId": "1"}}'), ("b", "{}")):
            connection.execute(sa.text(text), {"id": id_, "identities": identities})
    assert migrate(empty_url)
    with engine_of(empty_url).connect() as connection:
        rows = connection.execute(sa.text("SELECT * FROM social_identities")).all()
    assert [tuple(row) for row in rows] == [("t", "acme", "1", "a")]
