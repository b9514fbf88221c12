"""Signing in, registering and linking through a social provider, over the Experience API."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import trio

from gatehouse.actors.connectors.factories import FACTORIES
from gatehouse.actors.connectors.social.google import Google
from gatehouse.actors.connectors.social.provider import Endpoints
from gatehouse.storage.identities import Secrets
from gatehouse.storage.organizations import OrganizationEmailDomains, Organizations
from gatehouse.storage.organizations_members import OrganizationUsers
from gatehouse.storage.organizations_records import Organization
from gatehouse.storage.transaction import Transaction
from tests.http.contract import Api
from tests.http.logto.experience.house import TENANT, House, open_house
from tests.http.logto.experience.social import BACK, CONNECTOR, TARGET, Social
from tests.http.running import BOTH_DATABASES
from tests.servers.identity_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    as_json,
    open_identity_provider,
)

ADA = {
    "sub": "person-1",
    "name": "Ada",
    "email": "ada@example.com",
    "email_verified": True,
    "picture": "https://example.com/ada.png",
}


@pytest.fixture
async def social(house: House) -> AsyncIterator[Social]:
    async with open_identity_provider() as idp:
        idp.person = dict(ADA)
        social = Social(house, idp)
        await social.connect()
        await house.settle(
            sign_up={"identifiers": [], "password": False, "verify": False},
            sign_in={"methods": []},
        )
        yield social


# Signing in


@BOTH_DATABASES
async def test_somebody_signs_in_with_a_linked_identity(house: House, social: Social) -> None:
    user = await house.add_user("ada", name="Ada")
    await social.link(user.id)
    browser = await house.browser()
    redirect = await social.sign_in(browser)
    assert redirect == f"{house.core.issuer}/auth/{browser.uid}"
    state = await browser.state()
    assert state.user_id == user.id
    after = await house.user(user.id)
    assert after.last_sign_in_at is not None
    assert (after.name, after.avatar) == ("Ada", None)
    record = (await browser("GetInteraction"))["verificationRecords"][0]
    assert (record["type"], record["connectorId"]) == ("Social", CONNECTOR)
    assert record["socialUserInfo"]["id"] == "person-1"
    assert "handshake" not in record


async def test_what_is_sent_binds_the_answer_to_this_sign_in(social: Social) -> None:
    browser = await (await social.house.browser()).start()
    _, uri = await social.begin(browser)
    await social.idp.visit(uri)
    asked = social.idp.asked[-1].fields
    assert (asked["state"], asked["redirect_uri"]) == ("the page's own", BACK)
    assert len(asked["nonce"]) > 40
    assert asked["code_challenge_method"] == "S256"


async def test_nobody_is_found_and_nobody_is_like_them(house: House, social: Social) -> None:
    browser = await (await house.browser()).start()
    verification_id = await social.verify(browser)
    answer = await browser("IdentifyUser", json={"verificationId": verification_id}, expect=404)
    assert answer["code"] == "user.identity_not_exist"
    assert "data" not in answer


async def test_somebody_like_them_is_suggested_and_linked(house: House, social: Social) -> None:
    user = await house.add_user("ada", primary_email="ADA@example.com")
    browser = await (await house.browser()).start()
    verification_id = await social.verify(browser)
    body = {"verificationId": verification_id}
    refused = await browser("IdentifyUser", json=body, expect=404)
    assert refused["code"] == "user.identity_not_exist"
    assert refused["data"] == {"relatedUser": {"type": "email", "value": "ada@example.com"}}
    await browser("IdentifyUser", json={**body, "linkSocialIdentity": True}, expect=204)
    assert (await browser("GetInteraction"))["profile"]["socialIdentity"]["target"] == TARGET
    assert await social.owner() is None
    await browser.submit()
    owner = await social.owner()
    assert owner is not None
    assert owner.id == user.id
    assert owner.identities[TARGET]["userId"] == "person-1"
    assert owner.identities[TARGET]["details"]["email"] == "ada@example.com"


async def test_an_address_that_is_not_verified_leads_to_nobody(
    house: House, social: Social
) -> None:
    await house.add_user("ada", primary_email="ada@example.com")
    for unproved in ({"email_verified": False}, {"email_verified": None}, {"email": None}):
        social.idp.person = {**ADA, **unproved}
        browser = await (await house.browser()).start()
        body = {"verificationId": await social.verify(browser), "linkSocialIdentity": True}
        refused = await browser("IdentifyUser", json=body, expect=404)
        assert "data" not in refused


async def test_the_phone_number_comes_first(house: House, social: Social) -> None:
    await house.add_user("ada", primary_email="ada@example.com")
    other = await house.add_user("bob", primary_phone="491511234567")
    social.idp.person |= {"phone_number": "+49 151 1234567", "phone_number_verified": True}
    browser = await house.browser()
    await social.sign_in(browser, linkSocialIdentity=True)
    assert (await browser.state()).user_id == other.id


async def test_somebody_suspended_does_not_sign_in(house: House, social: Social) -> None:
    user = await house.add_user("ada", is_suspended=True)
    await social.link(user.id)
    browser = await (await house.browser()).start()
    body = {"verificationId": await social.verify(browser)}
    assert await browser.refused("IdentifyUser", body) == (401, "user.suspended")


async def test_name_and_picture_follow_the_provider_where_that_is_set(
    house: House, social: Social
) -> None:
    user = await house.add_user("ada", name="Old")
    await social.link(user.id)
    for syncs, known in ((False, ("Old", None)), (True, ("Ada", ADA["picture"]))):
        await social.connect(sync_profile=syncs)
        await social.sign_in(await house.browser())
        after = await house.user(user.id)
        assert (after.name, after.avatar) == known


# Registering


@BOTH_DATABASES
async def test_somebody_registers_with_an_identity(house: House, social: Social) -> None:
    browser = await house.browser()
    await social.register(browser)
    user = await social.owner()
    assert user is not None
    assert (user.primary_email, user.name, user.avatar) == (
        "ada@example.com",
        "Ada",
        ADA["picture"],
    )
    assert user.username is None
    await social.sign_in(await house.browser())


async def test_who_has_an_address_of_a_domain_joins_the_organization_that_welcomes_it(
    house: House, social: Social
) -> None:
    def found(tx: Transaction) -> str:
        made = Organizations(tx, TENANT).create(Organization(name="Example Inc."))
        OrganizationEmailDomains(tx, TENANT).replace(made.id, ["example.com"])
        return made.id

    organization = await house.core.db.write(found)
    await social.register(await house.browser())
    user = await social.owner()
    assert user is not None
    members = await house.core.db.read(
        lambda tx: OrganizationUsers(tx, TENANT).members(organization)
    )
    assert members == {user.id}


async def test_an_address_of_somebody_else_is_left_out(house: House, social: Social) -> None:
    await house.add_user("somebody", primary_email="ada@example.com")
    await social.register(await house.browser())
    user = await social.owner()
    assert user is not None
    assert (user.primary_email, user.name) == (None, "Ada")


async def test_an_identity_is_registered_once(house: House, social: Social) -> None:
    one, other = await house.browser(), await house.browser()
    for browser in (one, other):
        await browser.start("Register")
    verifications = [await social.verify(browser) for browser in (one, other)]
    await one.identify(verifications[0], expect=201)
    body = {"verificationId": verifications[1]}
    assert await other.refused("IdentifyUser", body) == (422, "user.email_already_in_use")
    social.idp.person = {"sub": "person-1"}
    again = await (await house.browser()).start("Register")
    body = {"verificationId": await social.verify(again)}
    assert await again.refused("IdentifyUser", body) == (422, "user.identity_already_in_use")
    assert await house.count_users() == 1


MANDATORY = {"identifiers": ["username"], "password": False, "verify": False}


async def test_what_is_mandatory_is_asked_for(house: House, social: Social) -> None:
    await house.settle(sign_up=MANDATORY)
    browser = await (await house.browser()).start("Register")
    body = {"verificationId": await social.verify(browser)}
    refused = await browser("IdentifyUser", json=body, expect=422)
    assert (refused["code"], refused["data"]) == (
        "user.missing_profile",
        {"missingProfile": ["username"]},
    )
    await browser("AddUserProfile", json={"type": "username", "value": "ada"}, expect=204)
    await browser.identify(None, expect=201)
    user = await social.owner()
    assert user is not None
    assert (user.username, user.primary_email) == ("ada", "ada@example.com")


async def test_nothing_more_is_asked_for_where_the_tenant_says_so(
    house: House, social: Social
) -> None:
    await house.settle(sign_up=MANDATORY, social_sign_in={"skipRequiredIdentifiers": True})
    await social.register(await house.browser())
    assert await social.owner() is not None


async def test_nobody_registers_where_that_is_closed(house: House, social: Social) -> None:
    await house.settle(sign_in_mode="SignIn")
    browser = await (await house.browser()).start("Register")
    body = {"verificationId": await social.verify(browser)}
    assert await browser.refused("IdentifyUser", body) == (403, "auth.forbidden")


# Adding an identity to the account that is signing in


async def test_an_identity_is_added_while_signing_in(house: House, social: Social) -> None:
    await house.settle(
        sign_in={"methods": [{"identifier": "username", "password": True}]},
    )
    user = await house.add_user("ada")
    browser = await (await house.browser()).start()
    await browser.identify(await browser.verify_password("ada", "wombat-9-hill"))
    body = {"type": "social", "verificationId": await social.verify(browser)}
    await browser("AddUserProfile", json=body, expect=204)
    await browser.submit()
    owner = await social.owner()
    assert owner is not None
    assert owner.id == user.id
    assert owner.primary_email is None


async def test_an_identity_of_somebody_else_is_not_added(house: House, social: Social) -> None:
    other = await house.add_user("bob")
    await social.link(other.id)
    browser = await (await house.browser()).start("Register")
    body = {"type": "social", "verificationId": await social.verify(browser)}
    assert await browser.refused("AddUserProfile", body) == (422, "user.identity_already_in_use")
    body["verificationId"] = "another"
    assert await browser.refused("AddUserProfile", body) == (
        404,
        "session.verification_session_not_found",
    )
    pending, _ = await social.begin(browser)
    body["verificationId"] = pending
    assert await browser.refused("AddUserProfile", body) == (400, "session.verification_failed")


# Answers that are none


async def test_rfc_9700_4_5_an_answer_is_looked_at_once(house: House, social: Social) -> None:
    browser = await (await house.browser()).start()
    verification_id, uri = await social.begin(browser)
    answer = await social.idp.visit(uri)
    results: list[int] = []

    async def give(number: int) -> None:
        api = Api(house.nodes[number % 2].client)
        body = {"connectorData": answer, "verificationId": verification_id}
        reply = await api.send(
            "VerifySocialVerification", connectorId=CONNECTOR, json=body, headers=browser.headers
        )
        results.append(reply.status_code)

    async with trio.open_nursery() as nursery:
        for number in range(3):
            nursery.start_soon(give, number)
    assert sorted(results) == [200, 400, 400]
    assert social.idp.count("token") == 1
    assert await social.refused(browser, verification_id, **answer) == (
        400,
        "session.connector_validation_session_not_found",
    )


async def test_rfc_9700_4_5_a_code_of_another_sign_in_is_refused(
    house: House, social: Social
) -> None:
    attacker = await (await house.browser()).start()
    _, uri = await social.begin(attacker)
    stolen = await social.idp.visit(uri)
    victim = await (await house.browser()).start()
    verification_id, _ = await social.begin(victim)
    assert await social.refused(victim, verification_id, code=stolen["code"]) == (
        401,
        "connector.social_auth_code_invalid",
    )


async def test_an_answer_that_is_none_is_refused(house: House, social: Social) -> None:
    browser = await (await house.browser()).start()
    for change, status, code in (
        ({"state": "another"}, 400, "session.verification_failed"),
        ({"iss": "https://attacker.example"}, 400, "session.verification_failed"),
        ({"error": "access_denied"}, 401, "connector.authorization_failed"),
        ({"error": "server_error"}, 400, "connector.general"),
        ({"code": 7}, 401, "connector.social_auth_code_invalid"),
    ):
        verification_id, uri = await social.begin(browser)
        answer: dict[str, Any] = {**await social.idp.visit(uri), **change}
        assert await social.refused(browser, verification_id, **answer) == (status, code)
        body = {"verificationId": verification_id}
        assert await browser.refused("IdentifyUser", body) == (400, "session.verification_failed")


async def test_a_forged_id_token_signs_nobody_in(house: House, social: Social) -> None:
    user = await house.add_user("ada")
    await social.link(user.id)
    social.idp.tamper = lambda claims: {**claims, "nonce": "another"}
    browser = await (await house.browser()).start()
    verification_id, uri = await social.begin(browser)
    answer = await social.idp.visit(uri)
    assert await social.refused(browser, verification_id, **answer) == (
        401,
        "connector.social_invalid_id_token",
    )


async def test_a_provider_that_fails_is_told_of(house: House, social: Social) -> None:
    social.idp.answers["/token"] = as_json({"error": "temporarily_unavailable"}, 503)
    browser = await (await house.browser()).start()
    verification_id, uri = await social.begin(browser)
    answer = await social.idp.visit(uri)
    assert await social.refused(browser, verification_id, **answer) == (400, "connector.general")


async def test_rfc_9700_4_4_an_answer_belongs_to_the_connector_that_asked(
    house: House, social: Social
) -> None:
    await social.connect("other", "other-people")
    browser = await (await house.browser()).start()
    verification_id, uri = await social.begin(browser)
    body = {"connectorData": await social.idp.visit(uri), "verificationId": verification_id}
    assert await browser.refused("VerifySocialVerification", connectorId="other", json=body) == (
        404,
        "session.verification_session_not_found",
    )
    assert await browser.refused("VerifySocialVerification", connectorId="nobody", json=body) == (
        404,
        "session.verification_session_not_found",
    )
    assert await browser.refused(
        "VerifySocialVerification", connectorId=CONNECTOR, json={"connectorData": {}}
    ) == (404, "session.verification_session_not_found")
    stranger = await (await house.browser()).start()
    assert await stranger.refused("VerifySocialVerification", connectorId=CONNECTOR, json=body) == (
        404,
        "session.verification_session_not_found",
    )


async def test_nobody_is_sent_where_nothing_can_come_of_it(house: House, social: Social) -> None:
    config = {"endpoint": "https://example.com"}
    await social.connect("mail", kind="http-email", channel="email", config=config)
    await social.connect("raw", "raw", config={"clientId": "x"})
    browser = await (await house.browser()).start()
    cases: list[tuple[str, dict[str, Any], int, str]] = [
        ("nobody", {}, 404, "entity.not_found"),
        ("mail", {}, 400, "connector.unexpected_type"),
        ("raw", {}, 400, "connector.invalid_config"),
        (CONNECTOR, {"state": ""}, 400, "session.insufficient_info"),
        (CONNECTOR, {"redirectUri": 1}, 400, "guard.invalid_input"),
        (CONNECTOR, {"state": "x" * 3000}, 400, "guard.invalid_input"),
    ]
    for connector, body, status, code in cases:
        sent = {"state": "s", "redirectUri": BACK, **body}
        answer = await browser.refused("CreateSocialVerification", connectorId=connector, json=sent)
        assert answer == (status, code)


async def test_a_password_is_not_recovered_like_this(house: House, social: Social) -> None:
    browser = await (await house.browser()).start("ForgotPassword")
    assert await browser.refused(
        "CreateSocialVerification",
        connectorId=CONNECTOR,
        json={"state": "s", "redirectUri": BACK},
    ) == (400, "session.not_supported_for_forgot_password")


async def test_nothing_happens_before_anything_was_begun(house: House, social: Social) -> None:
    browser = await house.browser()
    sent = {"state": "s", "redirectUri": BACK}
    assert await browser.refused("CreateSocialVerification", connectorId=CONNECTOR, json=sent) == (
        404,
        "session.interaction_not_found",
    )
    body = {"connectorData": {"code": "c"}, "verificationId": "v"}
    assert await browser.refused("VerifySocialVerification", connectorId=CONNECTOR, json=body) == (
        404,
        "session.interaction_not_found",
    )


async def test_no_captcha_is_asked_of_who_comes_through_a_provider(
    house: House, social: Social
) -> None:
    await house.settle(captcha_policy={"enabled": True})
    await social.register(await house.browser())
    assert await social.owner() is not None


# Tokens of the provider


async def kept_tokens(house: House, user_id: str) -> list[Any]:
    return await house.core.db.read(lambda tx: Secrets(tx, TENANT).of(user_id))


@BOTH_DATABASES
async def test_tokens_are_kept_sealed_where_that_is_set(house: House, social: Social) -> None:
    await social.connect(enable_token_storage=True)
    browser = await house.browser()
    await browser.start("Register")
    verification_id = await social.verify(browser)
    assert "access-1" not in str(await browser.state())
    await browser.identify(verification_id, expect=201)
    await browser.submit()
    user = await social.owner()
    assert user is not None
    (secret,) = await kept_tokens(house, user.id)
    assert json.loads(secret.value)["access_token"] == "access-1"
    assert json.loads(secret.value)["refresh_token"] == "refresh-1"
    assert (secret.connector_id, secret.target, secret.identity_id) == (
        CONNECTOR,
        TARGET,
        "person-1",
    )
    assert secret.metadata["hasRefreshToken"] is True
    assert secret.metadata["expiresAt"] > time.time()
    await social.sign_in(await house.browser())
    (newer,) = await kept_tokens(house, user.id)
    assert newer.id != secret.id


async def test_tokens_beyond_measure_are_not_kept(house: House, social: Social) -> None:
    await social.connect(enable_token_storage=True)
    social.idp.person["groups"] = "x" * 20_000
    await social.register(await house.browser())
    user = await social.owner()
    assert user is not None
    assert await kept_tokens(house, user.id) == []
    assert user.identities[TARGET]["details"].get("rawData", {}) == {}


async def test_tokens_are_not_kept_otherwise(house: House, social: Social) -> None:
    await social.register(await house.browser())
    user = await social.owner()
    assert user is not None
    assert await kept_tokens(house, user.id) == []


# The audit log


async def test_each_step_leaves_an_entry_without_secrets(house: House, social: Social) -> None:
    user = await house.add_user("ada")
    await social.link(user.id)
    browser = await house.browser()
    await social.sign_in(browser)
    logs = await house.logs(4)
    keys = [entry.key for entry in logs]
    assert "Interaction.SignIn.Verification.Social.Create" in keys
    assert "Interaction.SignIn.Verification.Social.Submit" in keys
    assert "access-1" not in str([entry.payload for entry in logs])
    code = next(one.fields["code"] for one in social.idp.asked if "code" in one.fields)
    assert code not in str([entry.payload for entry in logs])


# Google's One Tap


async def test_one_tap_counts_for_the_browser_that_it_was_given_to(
    redis_url: str, database_url: str
) -> None:
    stored = {"_logto_google_one_tap_credential": "{credential}"}
    cases: list[tuple[dict[str, str], dict[str, str], tuple[int, str | None]]] = [
        ({"g_csrf_token": "t"}, {"g_csrf_token": "t"}, (200, None)),
        ({}, stored, (200, None)),
        ({"g_csrf_token": "t"}, {"g_csrf_token": "u"}, (400, "session.csrf_token_mismatch")),
        ({"g_csrf_token": "t"}, {}, (400, "session.csrf_token_mismatch")),
        ({}, {}, (400, "session.google_one_tap.cookie_mismatch")),
    ]
    async with open_identity_provider() as idp:
        endpoints = Endpoints(
            authorization=idp.at("authorize"), jwks=idp.at("jwks"), issuers=(idp.issuer,)
        )
        google = replace(
            FACTORIES["google-universal"], provider=partial(Google, endpoints=endpoints)
        )
        async with open_house(redis_url, database_url, 1, {google.id: google}) as house:
            config = {"clientId": CLIENT_ID, "clientSecret": CLIENT_SECRET}
            await Social(house, idp).connect("g", kind="google-universal", config=config)
            claims = {"iss": idp.issuer, "aud": CLIENT_ID, "exp": int(time.time()) + 60, **ADA}
            credential = idp.key.sign(claims)
            for fields, cookies, expected in cases:
                browser = await (await house.browser()).start()
                for name, value in cookies.items():
                    browser.cookies[name] = value.format(credential=credential)
                body = {"connectorData": {"credential": credential, **fields}}
                answer = await Api(browser.client).send(
                    "VerifySocialVerification",
                    connectorId="g",
                    json=body,
                    headers=browser.headers,
                )
                assert (answer.status_code, answer.json().get("code")) == expected
                if answer.status_code == 200:
                    identification = {"verificationId": answer.json()["verificationId"]}
                    refused = await browser.refused("IdentifyUser", identification)
                    assert refused == (404, "user.identity_not_exist")
