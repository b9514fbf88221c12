"""Social identities of one's own account: shown at a real provider, linked, replaced, removed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gatehouse.storage.connectors import Connectors
from gatehouse.storage.identities import SocialIdentities
from gatehouse.storage.records import Connector
from tests.http.logto.account.people import (
    THIRD_PARTY,
    Person,
    add_third_party,
    add_user,
    open_account_centre,
    person,
    stored,
)
from tests.http.running import BOTH_DATABASES, TENANT, Server
from tests.servers.identity_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    IdentityProvider,
    open_identity_provider,
)

CONNECTOR, TARGET = "acme", "acme-people"
BACK = "https://app.example/back"
CHANGES: list[tuple[str, dict[str, Any] | None, dict[str, Any]]] = [
    ("AddUserIdentities", {"newIdentifierVerificationRecordId": "any"}, {}),
    ("ReplaceMyAccountIdentity", {"newIdentifierVerificationRecordId": "any"}, {}),
    ("DeleteIdentity", None, {"target": TARGET}),
]


@pytest.fixture
async def provider(server: Server) -> AsyncIterator[IdentityProvider]:
    """A provider on this machine, with a connector to it."""
    async with open_identity_provider() as provider:
        provider.person = {"sub": "person-1", "name": "Ada at Acme"}
        await connect(server, provider)
        yield provider


async def connect(server: Server, provider: IdentityProvider, **fields: Any) -> None:
    """Set the connector up."""
    config = {
        "clientId": CLIENT_ID,
        "clientSecret": CLIENT_SECRET,
        "authorizationEndpoint": provider.at("authorize"),
        "tokenEndpoint": provider.at("token"),
        "scope": "openid profile",
        "idTokenVerificationConfig": {
            "jwksUri": provider.at("jwks"),
            "issuer": provider.issuer,
        },
    }
    metadata = {"target": TARGET, "name": {"en": "Acme"}}
    record = Connector(
        id=CONNECTOR, connector_id="oidc", config=json.dumps(config), metadata=metadata, **fields
    )
    await server.core.db.write(lambda tx: Connectors(tx, TENANT).create(record))
    server.core.directory.forget()


async def begin(ada: Person, **changes: Any) -> dict[str, Any]:
    """Begin to show who one is at the provider."""
    body = {"connectorId": CONNECTOR, "redirectUri": BACK, "state": "the page's own", **changes}
    return dict(await ada.api("CreateVerificationBySocial", json=body))


async def prove(ada: Person, provider: IdentityProvider, sub: str = "person-1") -> str:
    """Show who one is at the provider; the verification's id."""
    provider.person = {**provider.person, "sub": sub}
    begun = await begin(ada)
    answer = await provider.visit(begun["authorizationUri"])
    body = {"verificationRecordId": begun["verificationRecordId"], "connectorData": answer}
    passed = await ada.api("VerifyVerificationBySocial", json=body)
    return str(passed["verificationRecordId"])


async def link(server: Server, user_id: str, identity_id: str = "person-1") -> None:
    """Give a user an identity at the provider."""
    await server.core.db.write(
        lambda tx: SocialIdentities(tx, TENANT).link(user_id, TARGET, identity_id, {})
    )


@BOTH_DATABASES
async def test_an_identity_is_linked_and_taken_away(
    server: Server, ada: Person, provider: IdentityProvider
) -> None:
    headers = await ada.verified()
    body = {"newIdentifierVerificationRecordId": await prove(ada, provider)}
    await ada.api("AddUserIdentities", json=body, headers=headers, expect=204)
    account = await ada.api("GetProfile")
    assert account["identities"][TARGET]["userId"] == "person-1"
    assert account["name"] == "Ada"
    await ada.api("DeleteIdentity", target=TARGET, headers=headers, expect=204)
    assert (await ada.api("GetProfile"))["identities"] == {}
    refused = await ada.api("DeleteIdentity", target=TARGET, headers=headers, expect=404)
    assert refused["code"] == "user.identity_not_exist"


async def test_an_identity_takes_the_place_of_another(
    server: Server, ada: Person, provider: IdentityProvider
) -> None:
    await link(server, ada.user_id)
    headers = await ada.verified()
    body = {"newIdentifierVerificationRecordId": await prove(ada, provider, "person-2")}
    refused = await ada.api("AddUserIdentities", json=body, headers=headers, expect=400)
    assert refused["code"] == "user.identity_already_in_use"
    await ada.api("ReplaceMyAccountIdentity", json=body, headers=headers, expect=204)
    assert (await stored(server, ada.user_id)).identities[TARGET]["userId"] == "person-2"


@pytest.mark.parametrize("operation", ["AddUserIdentities", "ReplaceMyAccountIdentity"])
async def test_an_identity_of_somebody_else_stays_theirs(
    server: Server, ada: Person, provider: IdentityProvider, operation: str
) -> None:
    bob = await add_user(server, "bob")
    await link(server, bob.id)
    body = {"newIdentifierVerificationRecordId": await prove(ada, provider)}
    refused = await ada.api(operation, json=body, headers=await ada.verified(), expect=422)
    assert refused["code"] == "user.identity_already_in_use"
    assert (await stored(server, ada.user_id)).identities == {}


@pytest.mark.parametrize("operation", ["AddUserIdentities", "ReplaceMyAccountIdentity"])
async def test_what_was_not_shown_is_not_linked(
    server: Server, ada: Person, provider: IdentityProvider, operation: str
) -> None:
    headers = await ada.verified()
    bob = await person(server, await add_user(server, "bob"))
    unproven = (
        (await begin(ada))["verificationRecordId"],
        headers["logto-verification-id"],
        await prove(bob, provider),
    )
    for shown in unproven:
        body = {"newIdentifierVerificationRecordId": shown}
        refused = await ada.api(operation, json=body, headers=headers, expect=400)
        assert refused["code"] == "verification_record.not_found"


async def test_an_answer_is_looked_at_once_and_for_its_owner(
    server: Server, ada: Person, provider: IdentityProvider
) -> None:
    bob = await person(server, await add_user(server, "bob"))
    begun = await begin(ada)
    answer = await provider.visit(begun["authorizationUri"])
    body = {"verificationRecordId": begun["verificationRecordId"], "connectorData": answer}
    refused = await bob.api("VerifyVerificationBySocial", json=body, expect=400)
    assert refused["code"] == "verification_record.not_found"
    forged = body | {"connectorData": {**answer, "code": "forged"}}
    await ada.api.send("VerifyVerificationBySocial", json=forged)
    refused = await ada.api("VerifyVerificationBySocial", json=body, expect=400)
    assert refused["code"] == "session.connector_validation_session_not_found"


async def test_a_provider_that_is_not_there_is_not_found(
    ada: Person, provider: IdentityProvider
) -> None:
    body = {"connectorId": "nobody", "redirectUri": BACK, "state": "s"}
    refused = await ada.api("CreateVerificationBySocial", json=body, expect=404)
    assert refused["code"] == "entity.not_found"


async def test_the_last_way_to_sign_in_is_not_taken_away(
    server: Server, ada: Person, provider: IdentityProvider
) -> None:
    user = await add_user(server, None, password_hash=None, password_algorithm=None)
    await link(server, user.id)
    newcomer = await person(server, user)
    refused = await newcomer.api("DeleteIdentity", target=TARGET, expect=400)
    assert refused["code"] == "user.last_sign_in_method_required"
    assert TARGET in (await stored(server, user.id)).identities


@pytest.mark.parametrize(("operation", "body", "path"), CHANGES)
async def test_identities_take_a_verification_a_scope_and_the_tenants_leave(
    server: Server,
    ada: Person,
    operation: str,
    body: dict[str, Any] | None,
    path: dict[str, Any],
) -> None:
    await add_third_party(server)
    headers = await ada.verified()
    refused = await ada.api(operation, json=body, expect=401, **path)
    assert refused["code"] == "verification_record.permission_denied"
    user = await stored(server, ada.user_id)
    other = await person(server, user, "openid", "profile")
    answer = await other.api.send(operation, json=body, headers=headers, **path)
    assert answer.status_code == (400 if operation == "DeleteIdentity" else 401)
    assert answer.json()["code"] == "auth.unauthorized"
    other = await person(server, user, client=THIRD_PARTY)
    refused = await other.api(operation, json=body, headers=headers, expect=403, **path)
    assert refused["code"] == "auth.third_party_application_forbidden"
    await open_account_centre(server, "ReadOnly")
    refused = await ada.api(operation, json=body, headers=headers, expect=400, **path)
    assert refused["code"] == "account_center.field_not_editable"


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("CreateVerificationBySocial", {"connectorId": CONNECTOR, "state": "s"}),
        (
            "CreateVerificationBySocial",
            {"connectorId": CONNECTOR, "state": "s", "redirectUri": "no url"},
        ),
        ("VerifyVerificationBySocial", {"verificationRecordId": "any"}),
        ("AddUserIdentities", {}),
        ("ReplaceMyAccountIdentity", {"newIdentifierVerificationRecordId": 7}),
    ],
)
async def test_input_that_makes_no_sense_is_refused(
    ada: Person, operation: str, body: dict[str, Any]
) -> None:
    assert (await ada.api(operation, json=body, expect=400))["code"] == "guard.invalid_input"


async def test_strangers_are_not_sent_anywhere(server: Server) -> None:
    for operation in ("CreateVerificationBySocial", "VerifyVerificationBySocial"):
        await server.api()(operation, json={}, expect=401)


# The provider's tokens


@pytest.fixture
async def keeper(server: Server) -> AsyncIterator[IdentityProvider]:
    """A provider whose tokens are kept."""
    async with open_identity_provider() as provider:
        await connect(server, provider, enable_token_storage=True)
        yield provider


async def test_the_providers_token_is_handed_to_the_owner(
    server: Server, ada: Person, keeper: IdentityProvider
) -> None:
    body = {"newIdentifierVerificationRecordId": await prove(ada, keeper)}
    await ada.api("AddUserIdentities", json=body, headers=await ada.verified(), expect=204)
    given = await ada.api("GetSocialIdentityAccessToken", target=TARGET)
    assert given["access_token"]
    assert 0 < given["expires_in"] <= 3600
    other = await person(server, await stored(server, ada.user_id), "openid", "profile")
    refused = await other.api("GetSocialIdentityAccessToken", target=TARGET, expect=403)
    assert refused["code"] == "auth.forbidden"


async def test_an_old_token_is_renewed_at_the_provider(
    ada: Person, keeper: IdentityProvider
) -> None:
    keeper.expires_in = 0
    body = {"newIdentifierVerificationRecordId": await prove(ada, keeper)}
    await ada.api("AddUserIdentities", json=body, headers=await ada.verified(), expect=204)
    before = keeper.count("token")
    await ada.api("GetSocialIdentityAccessToken", target=TARGET)
    assert keeper.count("token") == before + 1


async def test_a_newer_token_takes_the_place_of_the_old(
    server: Server, ada: Person, keeper: IdentityProvider
) -> None:
    await link(server, ada.user_id)
    operation = "UpdateSocialIdentityAccessTokenByVerificationId"
    refused = await ada.api("GetSocialIdentityAccessToken", target=TARGET, expect=404)
    assert refused["code"] == "secrets.third_party_token_set.token_not_found"
    body = {"verificationRecordId": await prove(ada, keeper)}
    kept = await ada.api(operation, target=TARGET, json=body)
    assert await ada.api("GetSocialIdentityAccessToken", target=TARGET) == kept

    refused = await ada.api(operation, target="other", json=body, expect=422)
    assert refused["code"] == "verification_record.social_verification.invalid_target"
    body = {"verificationRecordId": await prove(ada, keeper, "person-2")}
    refused = await ada.api(operation, target=TARGET, json=body, expect=422)
    assert refused["code"] == "user.identity_not_exists_in_current_user"
    refused = await ada.api(
        operation, target=TARGET, json={"verificationRecordId": "any"}, expect=400
    )
    assert refused["code"] == "verification_record.not_found"


async def test_without_storage_no_token_came(
    server: Server, ada: Person, provider: IdentityProvider
) -> None:
    await link(server, ada.user_id)
    body = {"verificationRecordId": await prove(ada, provider)}
    refused = await ada.api(
        "UpdateSocialIdentityAccessTokenByVerificationId", target=TARGET, json=body, expect=422
    )
    assert refused["code"] == "verification_record.social_verification.token_response_not_found"
