"""Applications, resources, roles, and what a tenant has one of."""

import pytest

from gatehouse.storage.applications import Applications, ApplicationSecrets
from gatehouse.storage.audit import AuditLogs, Messages
from gatehouse.storage.database import Database
from gatehouse.storage.errors import Conflict, NotFound, Refused
from gatehouse.storage.events import DomainEvents
from gatehouse.storage.records import (
    Application,
    ApplicationSecret,
    AuditLog,
    CustomClientMetadata,
    KeyStatus,
    Message,
    OidcClientMetadata,
    Resource,
    Role,
    Scope,
    SigningKey,
    Tenant,
    User,
)
from gatehouse.storage.resources import Resources, Scopes
from gatehouse.storage.roles import ApplicationRoles, Roles, RoleScopes, UserRoles
from gatehouse.storage.statement import Stmt
from gatehouse.storage.tenants import Configs, SignInExperiences, SigningKeys, System, Tenants
from gatehouse.storage.transaction import Transaction
from gatehouse.storage.users import Users
from tests.storage.conftest import TENANT

API = "https://api.example.com"


def an_application(tx: Transaction, name: str = "App") -> Application:
    return Applications(tx, TENANT).create(
        Application(
            name=name,
            type="MachineToMachine",
            oidc_client_metadata=OidcClientMetadata(redirect_uris=["https://app.example/cb"]),
            custom_client_metadata=CustomClientMetadata(rotate_refresh_token=False),
        )
    )


def a_role(tx: Transaction, name: str = "role", machines: bool = False) -> Role:
    kind = "MachineToMachine" if machines else "User"
    return Roles(tx, TENANT).create(Role(name=name, description="d", type=kind))


def a_scope(tx: Transaction, resource: Resource, name: str) -> Scope:
    return Scopes(tx, TENANT).create(Scope(resource_id=resource.id, name=name))


def a_resource(tx: Transaction, indicator: str = API, default: bool = False) -> Resource:
    return Resources(tx, TENANT).create(
        Resource(name=indicator, indicator=indicator, is_default=default)
    )


async def test_an_application_comes_back_as_it_was_stored(db: Database) -> None:
    stored = await db.write(an_application)
    assert len(stored.id) == 21
    assert await db.read(lambda tx: Applications(tx, TENANT).get(stored.id)) == stored


async def test_an_applications_metadata_is_replaced_by_what_the_wire_says(db: Database) -> None:
    stored = await db.write(an_application)
    wire = {"redirectUris": ["https://new.example/cb"], "postLogoutRedirectUris": []}
    changed = await db.write(
        lambda tx: Applications(tx, TENANT).update(stored.id, oidc_client_metadata=wire)
    )
    assert changed.oidc_client_metadata.redirect_uris == ["https://new.example/cb"]
    assert changed.custom_client_metadata == stored.custom_client_metadata


async def test_applications_are_listed_by_type_party_and_role(db: Database) -> None:
    def unit(tx: Transaction) -> None:
        applications = Applications(tx, TENANT)
        machine = an_application(tx, "machine")
        page = applications.create(Application(name="page", type="SPA", is_third_party=True))
        role = a_role(tx, machines=True)
        ApplicationRoles(tx, TENANT).add(machine.id, [role.id])
        assert applications.search(types=["SPA", "Native"]).items == [page]
        assert applications.search(is_third_party=False).items == [machine]
        assert applications.search("%a%", role_id=role.id).items == [machine]
        assert applications.search(exclude_role_id=role.id).items == [page]
        assert applications.search("PAGE").items == [page]
        assert applications.search(types=[]).total == 2

    await db.write(unit)


async def test_a_secret_is_shown_again_and_is_not_in_the_database(db: Database) -> None:
    from sqlalchemy import text

    def unit(tx: Transaction) -> None:
        application = an_application(tx)
        secrets = ApplicationSecrets(tx, TENANT)
        secret = secrets.create(
            ApplicationSecret(application_id=application.id, name="main", value="s3cret-value")
        )
        assert secrets.of(application.id) == [secret]
        assert secret.value == "s3cret-value"
        ((stored,),) = tx.rows(Stmt(text("SELECT value FROM application_secrets")))
        assert "s3cret" not in stored
        assert "s3cret" not in repr(secret)

    await db.write(unit)


async def test_the_name_of_a_secret_is_unique_in_its_application(db: Database) -> None:
    def two(tx: Transaction, first: str, second: str) -> None:
        for application_id in (first, second):
            ApplicationSecrets(tx, TENANT).create(
                ApplicationSecret(application_id=application_id, name="main", value="v")
            )

    one, other = await db.write(an_application), await db.write(an_application)
    await db.write(two, one.id, other.id)
    with pytest.raises(Conflict) as caught:
        await db.write(two, one.id, other.id)
    assert (caught.value.entity, caught.value.field) == ("application_secret", "name")
    with pytest.raises(NotFound) as missing:
        await db.write(two, "nobody", other.id)
    assert missing.value.entity == "application"


async def test_a_renamed_secret_keeps_its_value(db: Database) -> None:
    def unit(tx: Transaction) -> None:
        application = an_application(tx)
        secrets = ApplicationSecrets(tx, TENANT)
        for name in ("old", "other"):
            secrets.create(ApplicationSecret(application_id=application.id, name=name, value=name))
        assert secrets.rename(application.id, "old", "new").value == "old"
        assert {secret.name for secret in secrets.of(application.id)} == {"new", "other"}
        with pytest.raises(Conflict):
            secrets.rename(application.id, "new", "other")

    await db.write(unit)


async def test_deleting_an_application_takes_secrets_and_roles_along(db: Database) -> None:
    def unit(tx: Transaction) -> None:
        application = an_application(tx)
        ApplicationSecrets(tx, TENANT).create(
            ApplicationSecret(application_id=application.id, name="main", value="v")
        )
        role = a_role(tx, machines=True)
        ApplicationRoles(tx, TENANT).add(application.id, [role.id])
        Applications(tx, TENANT).delete(application.id)
        assert ApplicationSecrets(tx, TENANT).of(application.id) == []
        assert Roles(tx, TENANT).count_applications([role.id]) == {}

    await db.write(unit)


async def test_a_tenant_has_one_default_resource(db: Database) -> None:
    def unit(tx: Transaction) -> None:
        resources = Resources(tx, TENANT)
        assert resources.default() is None
        first = a_resource(tx, "https://one.example", default=True)
        second = a_resource(tx, "https://two.example", default=True)
        assert resources.default() == second
        resources.update(first.id, is_default=True)
        assert resources.default() == resources.get(first.id)
        assert not resources.get(second.id).is_default

    await db.write(unit)


async def test_an_indicator_and_a_scope_name_are_unique_where_they_belong(db: Database) -> None:
    resource = await db.write(a_resource)
    other = await db.write(a_resource, "https://other.example")
    with pytest.raises(Conflict) as caught:
        await db.write(a_resource)
    assert (caught.value.entity, caught.value.field) == ("resource", "indicator")
    await db.write(a_scope, resource, "read")
    await db.write(a_scope, other, "read")
    with pytest.raises(Conflict) as caught:
        await db.write(a_scope, resource, "read")
    assert (caught.value.entity, caught.value.field) == ("scope", "name")


async def test_a_scope_needs_a_resource(db: Database) -> None:
    with pytest.raises(NotFound) as caught:
        await db.write(
            lambda tx: Scopes(tx, TENANT).create(Scope(resource_id="nothing", name="read"))
        )
    assert (caught.value.entity, caught.value.id) == ("resource", "nothing")


async def test_scopes_are_granted_through_roles_each_once(db: Database) -> None:
    def unit(tx: Transaction) -> None:
        api, other = a_resource(tx), a_resource(tx, "https://other.example")
        read, write, foreign = (
            a_scope(tx, api, "read"),
            a_scope(tx, api, "write"),
            a_scope(tx, other, "read"),
        )
        a_scope(tx, api, "never")
        reader, writer = a_role(tx, "reader"), a_role(tx, "writer")
        machine = a_role(tx, "machine", machines=True)
        RoleScopes(tx, TENANT).add(reader.id, [read.id, foreign.id])
        RoleScopes(tx, TENANT).add(writer.id, [write.id, read.id])
        RoleScopes(tx, TENANT).add(machine.id, [write.id])
        user = Users(tx, TENANT).create(User(username="ada"))
        application = an_application(tx)
        scopes = Scopes(tx, TENANT)
        assert scopes.granted_to_user(user.id, API) == []
        UserRoles(tx, TENANT).add(user.id, [reader.id, writer.id])
        ApplicationRoles(tx, TENANT).add(application.id, [machine.id])
        assert scopes.granted_to_user(user.id, API) == [read, write]
        assert scopes.granted_to_user(user.id, "https://other.example") == [foreign]
        assert scopes.granted_to_application(application.id, API) == [write]
        assert Scopes(tx, "elsewhere").granted_to_user(user.id, API) == []

    await db.write(unit)


async def test_deleting_a_resource_takes_its_scopes_out_of_the_roles(db: Database) -> None:
    def unit(tx: Transaction) -> None:
        api = a_resource(tx)
        role = a_role(tx)
        RoleScopes(tx, TENANT).add(role.id, [a_scope(tx, api, "read").id])
        Resources(tx, TENANT).delete(api.id)
        assert RoleScopes(tx, TENANT).members(role.id) == set()
        assert Scopes(tx, TENANT).of_resources([api.id]) == []

    await db.write(unit)


async def test_relations_are_added_removed_and_replaced(db: Database) -> None:
    def unit(tx: Transaction) -> None:
        api = a_resource(tx)
        a, b, c = (a_scope(tx, api, name).id for name in "abc")
        role = a_role(tx)
        links = RoleScopes(tx, TENANT)
        assert links.add(role.id, [a, b]) == {a, b}
        assert links.add(role.id, [b, c]) == {c}
        links.remove(role.id, [a])
        assert links.members(role.id) == {b, c}
        links.replace(role.id, [a, b])
        assert links.members(role.id) == {a, b}
        links.replace(role.id, [])
        assert links.members(role.id) == set()
        with pytest.raises(NotFound):
            links.remove(role.id, [a])
        for owner, member in (("nothing", a), (role.id, "nothing")):
            with pytest.raises(NotFound) as caught:
                links.add(owner, [member])
            assert caught.value.id == "nothing"

    await db.write(unit)


async def test_a_role_is_for_people_or_for_machines(db: Database) -> None:
    def unit(tx: Transaction) -> None:
        user = Users(tx, TENANT).create(User(username="ada"))
        application = an_application(tx)
        people, machines = a_role(tx, "people"), a_role(tx, "machines", machines=True)
        with pytest.raises(Refused):
            UserRoles(tx, TENANT).add(user.id, [machines.id])
        with pytest.raises(Refused):
            ApplicationRoles(tx, TENANT).replace(application.id, [people.id])
        with pytest.raises(Refused):
            Roles(tx, TENANT).update(people.id, type="MachineToMachine")

    await db.write(unit)


async def test_roles_are_listed_by_type_and_holder_and_counted(db: Database) -> None:
    def unit(tx: Transaction) -> None:
        roles = Roles(tx, TENANT)
        user = Users(tx, TENANT).create(User(username="ada"))
        one, two = a_role(tx, "one"), a_role(tx, "two")
        machine = a_role(tx, "machine", machines=True)
        UserRoles(tx, TENANT).add(user.id, [one.id])
        assert {role.id for role in roles.search(type="User").items} == {one.id, two.id}
        assert roles.search(user_id=user.id).items == [one]
        assert roles.search(type="User", exclude_user_id=user.id).items == [two]
        assert roles.search("%ach%").items == [machine]
        assert roles.count_users([one.id, two.id]) == {one.id: 1}
        assert roles.find_by_name("two") == two

    await db.write(unit)


async def test_the_name_of_a_role_is_unique(db: Database) -> None:
    await db.write(a_role)
    with pytest.raises(Conflict) as caught:
        await db.write(a_role)
    assert (caught.value.entity, caught.value.field) == ("role", "name")


async def test_the_sign_in_experience_has_defaults_until_it_is_changed(db: Database) -> None:
    def unit(tx: Transaction) -> None:
        experiences = SignInExperiences(tx, TENANT)
        default = experiences.current()
        assert default.sign_in_mode == "SignInAndRegister"
        changed = experiences.change(sign_in_mode="SignIn", password_policy={"length": {"min": 9}})
        assert changed.sign_in_mode == "SignIn"
        assert changed.color == default.color
        assert experiences.current() == changed
        assert SignInExperiences(tx, "elsewhere").current().sign_in_mode == "SignInAndRegister"

    await db.write(unit)


async def test_one_signing_key_is_current_and_cannot_be_deleted(db: Database) -> None:
    def key(kid: str, status: KeyStatus) -> SigningKey:
        return SigningKey(
            kid=kid, alg="ES384", public_jwk={"kid": kid}, private_key="PEM", status=status
        )

    def unit(tx: Transaction) -> None:
        keys = SigningKeys(tx, TENANT)
        keys.create(key("a", "current"))
        keys.create(key("b", "next"))
        keys.set_statuses([("a", "previous"), ("b", "current")])
        assert {each.kid: each.status for each in keys.all()} == {"a": "previous", "b": "current"}
        assert keys.get("a").private_key == "PEM"
        with pytest.raises(Refused):
            keys.delete("b")
        keys.delete("a")
        with pytest.raises(Refused):
            keys.set_statuses([("b", "previous")])

    await db.write(unit)


async def test_configs_and_system_secrets_are_put_and_got(db: Database) -> None:
    def unit(tx: Transaction) -> None:
        configs = Configs(tx, TENANT)
        configs.put("idToken", {"a": 1})
        configs.put("idToken", [None, True, "x"])
        assert configs.value("idToken") == [None, True, "x"]
        with pytest.raises(NotFound):
            Configs(tx, "elsewhere").value("idToken")
        system = System(tx)
        system.put("cookie", "first")
        system.put("cookie", "second")
        assert system.get("cookie") == "second"

    await db.write(unit)


async def test_tenants_are_unique(db: Database) -> None:
    tenant = await db.write(lambda tx: Tenants(tx).create(Tenant(id="default", name="Default")))
    assert await db.read(lambda tx: Tenants(tx).all()) == [tenant]
    with pytest.raises(Conflict):
        await db.write(lambda tx: Tenants(tx).create(tenant))


async def test_an_audit_entry_that_is_delivered_twice_is_kept_once(db: Database) -> None:
    def unit(tx: Transaction) -> None:
        logs = AuditLogs(tx, TENANT)
        for number in range(5):
            entry = AuditLog(
                id=f"e{number}",
                key="Interaction.SignIn" if number % 2 else "ExchangeToken",
                payload={"result": "Success"},
                user_id=f"u{number}",
                created_at=1000 + number,
            )
            logs.record(entry)
            logs.record(entry)
        assert [entry.id for entry in logs.search().items] == ["e4", "e3", "e2", "e1", "e0"]
        assert [entry.id for entry in logs.search(keys=["ExchangeToken"]).items] == [
            "e4",
            "e2",
            "e0",
        ]
        assert [entry.id for entry in logs.search(user_id="u3").items] == ["e3"]
        assert [entry.id for entry in logs.search(since=1001, until=1002).items] == ["e2", "e1"]
        assert logs.prune(1002) == 2
        assert logs.search().total == 3

    await db.write(unit)


async def test_the_development_inbox_shows_the_newest_message_first(db: Database) -> None:
    def unit(tx: Transaction) -> None:
        messages = Messages(tx, TENANT)
        messages.create(Message(channel="email", recipient="a@b.c", subject="s", body="1"))
        messages.create(Message(channel="sms", recipient="491234", body="2"))
        assert [message.body for message in messages.search(channel="email").items] == ["1"]
        assert [message.body for message in messages.search(recipient="491234").items] == ["2"]
        assert messages.search().total == 2

    await db.write(unit)


async def test_domain_events_are_claimed_in_order_until_they_are_settled(db: Database) -> None:
    for name in ("one", "two", "three"):
        await db.write(a_role, name)

    def unit(tx: Transaction) -> None:
        events = DomainEvents(tx, TENANT)
        assert events.any_waiting()
        first, second = events.claim(1000, 2)
        assert first.type == "Role.Created"
        assert first.created_at < second.created_at
        (third,) = events.claim(1000, 2)
        assert not events.any_waiting()
        assert events.claim(1000, 2) == []
        events.release([second.id, third.id])
        events.settle([first.id, third.id])
        assert [event.id for event in events.claim(-1, 10)] == [second.id]
        assert [event.id for event in events.claim(1000, 10)] == [second.id]

    await db.write(unit)
