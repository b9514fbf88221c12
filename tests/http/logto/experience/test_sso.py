"""Signing in through a company: OpenID Connect and SAML, from the first question to the account."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from gatehouse.actors.cookies import ARRIVAL_COOKIE
from gatehouse.actors.sso.saml import assertion_consumer_url, entity_id
from gatehouse.storage.organizations import Organizations
from gatehouse.storage.organizations_members import OrganizationUsers
from gatehouse.storage.organizations_records import Organization
from gatehouse.storage.sso_connectors import (
    OrganizationJitSsoConnectors,
)
from gatehouse.storage.users import Users
from tests.http.contract import Api
from tests.http.logto.account.people import code_to
from tests.http.logto.experience.office import PAGE, STATE, Office
from tests.http.running import BOTH_DATABASES, TENANT
from tests.servers.saml_identity_provider import SamlIdentityProvider, post_form

BOTH_PROTOCOLS = pytest.mark.parametrize("protocol", ["SAML", "OIDC"])


@BOTH_DATABASES
@BOTH_PROTOCOLS
async def test_somebody_new_gets_an_account_and_signs_in_with_it_again(
    office: Office, protocol: str
) -> None:
    connector = await office.connect(protocol)
    browser = await office.browser()
    verification = await office.passed(browser, connector, protocol)
    body = {"verificationId": verification}
    assert await browser.refused("IdentifyUser", body) == (404, "user.sso_identity_not_exist")
    await browser("UpdateInteractionEvent", json={"interactionEvent": "Register"})
    await browser.identify(verification, expect=201)
    await browser.submit()
    (user,) = await office.users()
    assert (user.name, user.primary_email) == ("Anna", "anna@corp.example")
    again = await office.browser()
    await again.identify(await office.passed(again, connector, protocol))
    await again.submit()
    assert [one.id for one in await office.users()] == [user.id]
    identities = await office.server.core.db.read(
        lambda tx: Users(tx, TENANT).sso_identities(user.id)
    )
    assert [one.sso_connector_id for one in identities] == [connector]


@BOTH_PROTOCOLS
async def test_an_account_with_the_companys_address_is_linked(
    office: Office, protocol: str
) -> None:
    connector = await office.connect(protocol)
    user = await office.add_user(primary_email="Anna@corp.example", name="Old")
    browser = await office.browser()
    await browser.identify(await office.passed(browser, connector, protocol))
    await browser.submit()
    (identity,) = await office.server.core.db.read(
        lambda tx: Users(tx, TENANT).sso_identities(user.id)
    )
    assert identity.detail["email"] == "anna@corp.example"
    assert (await office.users())[0].name == "Old"


async def test_a_company_speaks_for_its_own_domains_only(office: Office) -> None:
    """Otherwise whoever runs one company's identity provider could be anybody."""
    connector = await office.connect(domains=["other.example"])
    victim = await office.add_user(primary_email="anna@corp.example")
    browser = await office.browser()
    verification = await office.passed(browser, connector)
    body = {"verificationId": verification}
    assert await browser.refused("IdentifyUser", body) == (404, "user.sso_identity_not_exist")
    await browser("UpdateInteractionEvent", json={"interactionEvent": "Register"})
    await browser.identify(verification, expect=201)
    (made,) = [user for user in await office.users() if user.id != victim.id]
    assert made.primary_email is None


@pytest.mark.parametrize(
    "email", ["anna@corp.example@evil.example", "an na@corp.example", "@corp.example", 7, ["x"]]
)
async def test_what_is_no_address_is_not_taken_for_one(office: Office, email: object) -> None:
    connector = await office.connect("OIDC", domains=["corp.example", "evil.example"])
    office.provider.person["email"] = email
    browser = await office.browser("Register")
    await browser.identify(await office.passed(browser, connector, "OIDC"), expect=201)
    (made,) = await office.users()
    assert made.primary_email is None


async def test_the_profile_is_kept_up_where_the_connector_says_so(office: Office) -> None:
    connector = await office.connect("OIDC", sync_profile=True)
    await office.add_user(primary_email="anna@corp.example", name="Old")
    office.provider.person["picture"] = "https://corp.example/anna.png"
    browser = await office.browser()
    await browser.identify(await office.passed(browser, connector, "OIDC"))
    await browser.submit()
    (user,) = await office.users()
    assert (user.name, user.avatar) == ("Anna", "https://corp.example/anna.png")


@BOTH_DATABASES
async def test_people_of_a_company_join_its_organization_once(office: Office) -> None:
    core, connector = office.server.core, await office.connect()

    def prepare(tx: Any) -> str:
        made = Organizations(tx, TENANT).create(Organization(name="Corp"))
        OrganizationJitSsoConnectors(tx, TENANT).add(made.id, [connector])
        return made.id

    organization = await core.db.write(prepare)
    user = await office.add_user(primary_email="anna@corp.example")
    browser = await office.browser()
    await browser.identify(await office.passed(browser, connector))
    await browser.submit()

    def members(tx: Any) -> set[str]:
        return OrganizationUsers(tx, TENANT).members(organization)

    assert await core.db.read(members) == {user.id}
    await core.db.write(lambda tx: OrganizationUsers(tx, TENANT).remove(organization, [user.id]))
    again = await office.browser()
    await again.identify(await office.passed(again, connector))
    await again.submit()
    assert await core.db.read(members) == set()


async def test_the_connectors_of_an_address_are_found(office: Office) -> None:
    connector = await office.connect()
    api = Api(office.server.client)

    async def found(email: str) -> list[str]:
        reply = await api("GetEnabledSsoConnectors", query={"email": email})
        return list(reply["connectorIds"])

    assert await found("Anna@CORP.example") == [connector]
    assert await found("anna@other.example") == []
    await office.connect(name="half", config={}, domains=["half.example"])
    assert await found("a@half.example") == []
    await office.settle(single_sign_on_enabled=False)
    assert await found("anna@corp.example") == []
    refused = await api("GetEnabledSsoConnectors", query={"email": "nobody"}, expect=400)
    assert refused["code"] == "guard.invalid_input"


async def test_single_sign_on_can_be_switched_off(office: Office) -> None:
    connector = await office.connect()
    browser = await office.browser()
    verification = await office.passed(browser, connector)
    await office.settle(single_sign_on_enabled=False)
    body = {"verificationId": verification}
    assert await browser.refused("IdentifyUser", body) == (
        422,
        "user.sign_in_method_not_enabled",
    )


async def test_people_of_a_company_do_not_sign_in_by_password(
    office: Office,
) -> None:
    methods = [
        {
            "identifier": "email",
            "password": True,
            "verificationCode": False,
            "isPasswordPrimary": True,
        }
    ]
    await office.settle(sign_in={"methods": methods})
    made = await office.server.core.hasher.hash("wombat-9-hill")
    await office.add_user(
        primary_email="anna@corp.example",
        password_hash=made.digest,
        password_algorithm=made.algorithm,
    )
    browser = await office.browser()
    identifier = {"type": "email", "value": "anna@corp.example"}
    reply = await browser(
        "CreatePasswordVerification", json={"identifier": identifier, "password": "wombat-9-hill"}
    )
    connector = await office.connect()
    api = Api(office.server.client)
    answer = await api.send(
        "IdentifyUser",
        json={"verificationId": reply["verificationId"]},
        headers=browser.headers,
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "session.sso_enabled")
    (named,) = answer.json()["data"]["ssoConnectors"]
    assert named["id"] == connector
    assert "config" not in named


async def test_a_response_is_good_once(office: Office) -> None:
    connector = await office.connect()
    browser = await office.browser()
    _, uri = await office.begin(browser, connector)
    form = office.company.answer(uri)
    assert (await office.post(connector, form)).status_code == 302
    assert (await office.post(connector, form)).status_code == 404


async def test_of_two_posts_at_the_same_instant_one_wins(office: Office) -> None:
    connector = await office.connect()
    browser = await office.browser()
    _, uri = await office.begin(browser, connector)
    form = office.company.answer(uri)
    answers: list[int] = []

    async def post() -> None:
        answers.append((await office.post(connector, form)).status_code)

    async with trio.open_nursery() as nursery:
        for _ in range(4):
            nursery.start_soon(post)
    assert answers.count(302) == 1
    assert set(answers) <= {302, 401, 404}


async def test_an_assertion_is_good_once_whatever_it_is_wrapped_in(office: Office) -> None:
    """It is remembered in Redis until it expires, for every node."""
    core, connector = office.server.core, await office.connect()
    await _allow_unasked(office, connector)
    response = office.company.respond(
        sp_entity_id=entity_id(core.public_url, connector),
        acs_url=assertion_consumer_url(core.public_url, connector),
        in_response_to=None,
    )
    assert (await office.post(connector, post_form(response))).status_code == 302
    replayed = await office.post(
        connector, post_form(response.replace("<ns0:Status>", "<ns0:Status >"))
    )
    assert (replayed.status_code, replayed.json()["code"]) == (
        401,
        "connector.authorization_failed",
    )


async def test_a_forged_response_leaves_the_exchange_open(office: Office) -> None:
    connector = await office.connect()
    browser = await office.browser()
    _, uri = await office.begin(browser, connector)
    stranger = SamlIdentityProvider()
    refused = await office.post(connector, stranger.answer(uri))
    assert (refused.status_code, refused.json()["code"]) == (401, "connector.authorization_failed")
    assert (await office.post(connector, office.company.answer(uri))).status_code == 302


@pytest.mark.parametrize(
    ("form", "status", "code"),
    [
        ({}, 400, "guard.invalid_input"),
        ({"SAMLResponse": ""}, 400, "guard.invalid_input"),
        ({"SAMLResponse": "A" * 210_000}, 400, "guard.invalid_input"),
        ({"SAMLResponse": "x"}, 404, "session.connector_validation_session_not_found"),
        (
            {"SAMLResponse": "x", "RelayState": "y"},
            404,
            "session.connector_validation_session_not_found",
        ),
        (
            {"SAMLResponse": "x", "RelayState": "a" * 43},
            404,
            "session.connector_validation_session_not_found",
        ),
    ],
)
async def test_what_nobody_asked_for_is_refused(
    office: Office, form: dict[str, str], status: int, code: str
) -> None:
    connector = await office.connect()
    answer = await office.post(connector, form)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    body = {"SAMLResponse": "x"}
    await Api(office.server.client)(
        "AssertSingleSignOnSaml", connectorId="nowhere", json=body, expect=404
    )


async def test_an_answer_is_good_in_the_interaction_that_asked(office: Office) -> None:
    """Login CSRF: what an attacker proved does not sign the victim's browser in."""
    connector = await office.connect()
    attacker, victim = await office.browser(), await office.browser()
    _, uri = await office.begin(attacker, connector)
    await office.post(connector, office.company.answer(uri))
    verification, _ = await office.begin(victim, connector)
    refused = await victim.refused(
        "VerifyEnterpriseSsoVerification",
        {"verificationId": verification, "connectorData": {"state": STATE}},
        connectorId=connector,
    )
    assert refused == (400, "session.connector_validation_session_not_found")


@pytest.mark.parametrize(
    "data", [{"code": "x", "state": "another"}, {"error": "access_denied"}, {}, {"code": "made up"}]
)
async def test_a_strange_answer_of_an_openid_provider_is_refused(
    office: Office, data: dict[str, str]
) -> None:
    connector = await office.connect("OIDC")
    browser = await office.browser()
    verification, _ = await office.begin(browser, connector)
    status, _ = await browser.refused(
        "VerifyEnterpriseSsoVerification",
        {"verificationId": verification, "connectorData": data},
        connectorId=connector,
    )
    assert status in (400, 401)


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "https://elsewhere"},
        {"aud": "another"},
        {"nonce": "another"},
        {"exp": 1},
        {"iat": 1},
    ],
)
async def test_an_id_token_that_is_not_right_is_refused(
    office: Office, wrong: dict[str, Any]
) -> None:
    """OpenID Connect Core §3.1.3.7."""
    connector = await office.connect("OIDC")
    office.provider.tamper = lambda claims: {**claims, **wrong}
    browser = await office.browser()
    verification, uri = await office.begin(browser, connector)
    refused = await browser.refused(
        "VerifyEnterpriseSsoVerification",
        {"verificationId": verification, "connectorData": await office.provider.visit(uri)},
        connectorId=connector,
    )
    assert refused == (401, "connector.social_invalid_id_token")


async def test_an_unverified_address_of_an_openid_provider_links_nobody(office: Office) -> None:
    connector = await office.connect("OIDC")
    await office.add_user(primary_email="anna@corp.example")
    office.provider.person["email_verified"] = False
    browser = await office.browser()
    body = {"verificationId": await office.passed(browser, connector, "OIDC")}
    assert await browser.refused("IdentifyUser", body) == (404, "user.sso_identity_not_exist")


async def test_a_verification_belongs_to_its_connector(office: Office) -> None:
    connector, other = await office.connect(), await office.connect(name="other", domains=[])
    browser = await office.browser()
    verification, _ = await office.begin(browser, connector)
    refused = await browser.refused(
        "VerifyEnterpriseSsoVerification",
        {"verificationId": verification, "connectorData": {}},
        connectorId=other,
    )
    assert refused == (404, "session.verification_session_not_found")
    refused = await browser.refused(
        "CreateEnterpriseSsoVerification",
        {"state": STATE, "redirectUri": PAGE},
        connectorId="nowhere",
    )
    assert refused == (404, "entity.not_exists_with_id")
    refused = await browser.refused(
        "CreateEnterpriseSsoVerification",
        {"state": STATE, "redirectUri": "javascript:alert(1)"},
        connectorId=connector,
    )
    assert refused == (400, "guard.invalid_input")


async def test_the_browser_sees_no_secret_of_a_verification(office: Office) -> None:
    connector = await office.connect("OIDC")
    browser = await office.browser()
    await office.begin(browser, connector)
    (shown,) = (await browser("GetInteraction"))["verificationRecords"]
    assert set(shown) == {"id", "type", "connectorId"}
    await office.passed(browser, connector, "OIDC")
    (shown,) = (await browser("GetInteraction"))["verificationRecords"]
    assert shown["enterpriseSsoUserInfo"]["id"] == "anna-7"
    assert set(shown) == {"id", "type", "connectorId", "enterpriseSsoUserInfo", "issuer"}


async def test_our_metadata_are_where_our_name_says(office: Office) -> None:
    connector = await office.connect()
    answer = await office.server.client.get(f"/enterprise-sso/{connector}")
    assert answer.headers["content-type"].startswith("application/samlmetadata+xml")
    assert entity_id(office.server.core.public_url, connector) in answer.text
    assert (await office.server.client.get("/enterprise-sso/nowhere")).status_code == 404


async def test_a_client_can_begin_where_a_company_sends_somebody(office: Office) -> None:
    core, connector = office.server.core, await office.connect()
    await _allow_unasked(
        office,
        connector,
        auto_send_authorization_request=False,
        client_idp_initiated_auth_callback_uri="https://app.example/sso?from=corp",
    )
    response = office.company.respond(
        sp_entity_id=entity_id(core.public_url, connector),
        acs_url=assertion_consumer_url(core.public_url, connector),
        in_response_to=None,
    )
    answer = await office.post(connector, post_form(response))
    onward = f"https://app.example/sso?from=corp&ssoConnectorId={connector}"
    assert answer.headers["location"] == onward
    cookies = answer.headers.get_list("set-cookie")
    assert all("; samesite=lax; httponly" in one for one in cookies), cookies
    browser = await office.browser()
    office.server.client.cookies.clear()
    browser.keep(ARRIVAL_COOKIE, answer.cookies[ARRIVAL_COOKIE])
    verification, uri = await office.begin(browser, connector)
    assert uri.startswith(f"{PAGE}?")
    await office.verify(browser, connector, verification, {"state": STATE})


async def _allow_unasked(office: Office, connector: str, **more: Any) -> None:
    from gatehouse.storage.sso_connectors import SsoIdpInitiatedConfig, SsoIdpInitiatedConfigs

    record = SsoIdpInitiatedConfig(
        sso_connector_id=connector,
        default_application_id="demo-app",
        redirect_uri=PAGE,
        **{"auto_send_authorization_request": True, **more},
    )
    await office.server.core.db.write(lambda tx: SsoIdpInitiatedConfigs(tx, TENANT).put(record))


async def test_sign_in_pages_are_told_of_the_companies(office: Office) -> None:
    looks = {"displayName": "Corp & Sons", "logo": "https://corp.example/logo.png"}
    connector = await office.connect(branding=looks)
    await office.connect(name="nobody's", domains=[])
    api = Api(office.server.client)
    told = (await api("GetSignInExperienceConfig"))["ssoConnectors"]
    assert told == [{"id": connector, "connectorName": "Corp & Sons", "logo": looks["logo"]}]
    manager = office.server.api(await office.server.management_token())
    await manager("UpdateSsoConnector", id=connector, json={"branding": {"displayName": "Corp"}})
    (told,) = (await api("GetSignInExperienceConfig"))["ssoConnectors"]
    assert told["connectorName"] == "Corp"
    await office.settle(single_sign_on_enabled=False)
    assert (await api("GetSignInExperienceConfig"))["ssoConnectors"] == []


async def test_an_address_of_a_company_is_not_taken_otherwise(office: Office) -> None:
    """Neither a new account nor one that exists gets it by a code that was sent there."""
    sign_up = {"identifiers": ["email"], "password": False, "verify": True}
    await office.settle(sign_up=sign_up)
    await office.connect()
    browser = await office.browser("Register")
    identifier = {"type": "email", "value": "anna@corp.example"}
    sent = await browser(
        "CreateAndSendVerificationCode",
        json={"identifier": identifier, "interactionEvent": "Register"},
    )
    code = await code_to(office.server, "anna@corp.example")
    given = {"identifier": identifier, "verificationId": sent["verificationId"], "code": code}
    await browser("VerifyVerificationCodeVerification", json=given)
    body = {"verificationId": sent["verificationId"]}
    assert await browser.refused("IdentifyUser", body) == (422, "session.sso_enabled")
    added = {"type": "email", **body}
    assert await browser.refused("AddUserProfile", added) == (422, "session.sso_enabled")
    assert await office.users() == []
