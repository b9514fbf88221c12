"""The older Interaction API: second factors, social providers, companies, consent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from gatehouse.actors.authorization import ConsentResult, LoginResult
from gatehouse.actors.cookies import SESSION_COOKIE
from gatehouse.actors.interaction import Prompt
from gatehouse.actors.session import SignIn, address
from gatehouse.actors.tokens import new_uid
from gatehouse.storage.organizations import Organizations
from gatehouse.storage.organizations_members import OrganizationUsers
from gatehouse.storage.organizations_records import Organization
from gatehouse.storage.transaction import Transaction
from tests.http.authenticator import Authenticator
from tests.http.logto.experience.browsing import APPLICATION, Browser
from tests.http.logto.experience.factors import (
    CODES,
    add_backup_codes,
    add_totp,
    code,
    factors_of,
    mfa,
)
from tests.http.logto.experience.house import PASSWORD, TENANT, House
from tests.http.logto.experience.office import PAGE, STATE, Office
from tests.http.logto.experience.social import BACK, CONNECTOR, Social
from tests.http.logto.interaction.calling import call, refused, send, submit
from tests.servers.identity_provider import open_identity_provider

BY_PASSWORD = {"username": "ada", "password": PASSWORD}
REQUIRED = (403, "session.mfa.require_mfa_verification")
MISSING = (422, "user.missing_mfa")


async def signing_in(house: House) -> Browser:
    """A browser in which somebody has shown their password."""
    browser = await house.browser()
    await call(browser, "PUT", json={"event": "SignIn", "identifier": BY_PASSWORD})
    return browser


# Second factors


async def test_a_second_factor_is_shown_to_sign_in_and_makes_no_account(house: House) -> None:
    browser = await house.browser()
    await call(browser, "PUT", json={"event": "Register", "profile": BY_PASSWORD})
    only = (400, "session.mfa.mfa_sign_in_only")
    assert await refused(browser, "PUT", "/mfa", {"type": "Totp", "code": "123456"}) == only
    assert await refused(browser, "POST", "/verification/webauthn-authentication") == only
    assert await house.find_user("ada") is None


async def test_an_authenticator_app_is_set_up_and_shown(house: House) -> None:
    await house.settle(**mfa("Totp", policy="Mandatory"))
    user = await house.add_user("ada")
    browser = await signing_in(house)
    assert await refused(browser, "POST", "/submit") == MISSING
    made = await call(browser, "POST", "/verification/totp", expect=200)
    assert made["secretQrCode"].startswith("data:image/png;base64,")
    await call(browser, "POST", "/bind-mfa", {"type": "Totp", "code": code(house, made["secret"])})
    await submit(browser)
    assert [factor.type for factor in await factors_of(house, user.id)] == ["Totp"]
    again = await signing_in(house)
    assert await refused(again, "POST", "/submit") == REQUIRED
    shown = {"type": "Totp", "code": code(house, made["secret"], 1)}
    await call(again, "PUT", "/mfa", shown)
    await submit(again)


async def test_a_backup_code_is_shown(house: House) -> None:
    await house.settle(**mfa("Totp", "BackupCode"))
    user = await house.add_user("ada")
    await add_totp(house, user)
    await add_backup_codes(house, user)
    browser = await signing_in(house)
    assert (await refused(browser, "PUT", "/mfa", {"type": "BackupCode", "code": "x"}))[0] == 400
    await call(browser, "PUT", "/mfa", {"type": "BackupCode", "code": CODES[0]})
    await submit(browser)


async def test_a_key_is_set_up_and_shown(house: House) -> None:
    await house.settle(**mfa("WebAuthn", policy="Mandatory"))
    await house.add_user("ada")
    device = Authenticator()
    browser = await signing_in(house)
    options = await call(browser, "POST", "/verification/webauthn-registration", expect=200)
    await call(browser, "POST", "/bind-mfa", device.register(options))
    await submit(browser)
    again = await signing_in(house)
    assert await refused(again, "POST", "/submit") == REQUIRED
    options = await call(again, "POST", "/verification/webauthn-authentication", expect=200)
    await call(again, "PUT", "/mfa", device.sign(options))
    await submit(again)


async def test_second_factors_are_declined_where_that_is_allowed(house: House) -> None:
    await house.add_user("ada")
    await house.settle(**mfa("Totp"))
    browser = await signing_in(house)
    await call(browser, "PUT", "/mfa-skipped", {"mfaSkipped": True})
    await submit(browser)
    await house.settle(**mfa("Totp", policy="Mandatory"))
    strict = await signing_in(house)
    assert (await refused(strict, "PUT", "/mfa-skipped", {"mfaSkipped": True}))[0] == 422


async def test_nothing_is_bound_that_was_not_begun(house: House) -> None:
    await house.settle(**mfa("Totp"))
    await house.add_user("ada")
    browser = await signing_in(house)
    gone = (404, "session.verification_session_not_found")
    for body in ({"type": "Totp", "code": "123456"}, {"type": "BackupCode"}):
        assert await refused(browser, "POST", "/bind-mfa", body) == gone


# Social providers


@pytest.fixture
async def social(house: House) -> AsyncIterator[Social]:
    async with open_identity_provider() as idp:
        idp.person = {"sub": "person-1", "name": "Ada"}
        social = Social(house, idp)
        await social.connect()
        await house.settle(
            sign_up={"identifiers": [], "password": False, "verify": False},
            sign_in={"methods": []},
        )
        yield social


async def come_back(social: Social, browser: Browser) -> None:
    """Go to the provider, come back, and show who one is there."""
    body = {"connectorId": CONNECTOR, "state": "the page's", "redirectUri": BACK}
    path = "/verification/social-authorization-uri"
    uri = (await call(browser, "POST", path, body, expect=200))["redirectTo"]
    data = await social.idp.visit(uri)
    identifier = {"connectorId": CONNECTOR, "connectorData": data}
    await call(browser, "PATCH", "/identifiers", identifier)


async def test_somebody_signs_in_through_a_provider(house: House, social: Social) -> None:
    user = await house.add_user("ada")
    await social.link(user.id)
    browser = await house.browser()
    await call(browser, "PUT", json={"event": "SignIn"})
    await come_back(social, browser)
    await submit(browser)
    assert (await browser.state()).user_id == user.id


async def test_somebody_new_registers_through_a_provider(house: House, social: Social) -> None:
    browser = await house.browser()
    await call(browser, "PUT", json={"event": "SignIn"})
    await come_back(social, browser)
    assert await refused(browser, "POST", "/submit") == (422, "user.identity_not_exist")
    await call(browser, "PUT", "/event", {"event": "Register"})
    await call(browser, "PATCH", "/profile", {"connectorId": CONNECTOR})
    await submit(browser)
    owner = await social.owner()
    assert owner is not None
    assert owner.id == (await browser.state()).user_id


async def test_without_having_been_there_nobody_comes_back(house: House, social: Social) -> None:
    browser = await house.browser()
    await call(browser, "PUT", json={"event": "SignIn"})
    identifier = {"connectorId": CONNECTOR, "connectorData": {"code": "x"}}
    status, _ = await refused(browser, "PATCH", "/identifiers", identifier)
    assert status == 400


# Companies


async def arrive_from(office: Office, connector: str) -> tuple[Browser, dict[str, Any]]:
    """A browser that was at the company, and what it brought back."""
    browser = await Browser(office.server.core, office.server.client).arrive()
    path = f"/single-sign-on/{connector}/authorization-url"
    body = {"state": STATE, "redirectUri": PAGE}
    uri = (await call(browser, "POST", path, body, expect=200))["redirectTo"]
    return browser, await office.provider.visit(uri)


async def test_somebody_registers_and_signs_in_through_a_company(office: Office) -> None:
    connector = await office.connect("OIDC")
    browser, data = await arrive_from(office, connector)
    path = f"/single-sign-on/{connector}"
    unknown = (404, "user.sso_identity_not_exist")
    assert await refused(browser, "POST", f"{path}/authentication", data) == unknown
    await call(browser, "POST", f"{path}/registration", expect=200)
    (user,) = await office.users()
    assert user.primary_email == "anna@corp.example"
    again, data = await arrive_from(office, connector)
    done = await call(again, "POST", f"{path}/authentication", data, expect=200)
    assert done["redirectTo"].endswith(again.uid)
    assert (await again.state()).user_id == user.id


async def test_who_was_not_at_the_company_does_not_come_back(office: Office) -> None:
    connector = await office.connect("OIDC")
    browser = await office.browser()
    for step in ("authentication", "registration"):
        path = f"/single-sign-on/{connector}/{step}"
        assert (await refused(browser, "POST", path, {}))[0] == 400


async def test_a_company_is_found_by_an_address(office: Office) -> None:
    connector = await office.connect("OIDC")
    path = "/api/interaction/single-sign-on/connectors"
    for email, found in (("x@corp.example", [connector]), ("x@other.example", [])):
        answer = await office.server.client.get(path, params={"email": email})
        assert (answer.status_code, answer.json()) == (200, found)
    assert (await office.server.client.get(path, params={"email": "x"})).status_code == 400


# Consent


async def consenting(house: House) -> tuple[Browser, str]:
    """A browser that is signed in and has been sent to be asked; and whose it is."""
    user = await house.add_user("ada", name="Ada")
    session_id = new_uid()
    login = LoginResult(user_id=user.id, amr=("pwd",), auth_time=house.core.clock())
    await house.core.engine.turn(address(TENANT, session_id), SignIn(login))
    browser = Browser(house.core, house.client)
    browser.keep(SESSION_COOKIE, session_id)
    return await browser.arrive(Prompt.CONSENT, APPLICATION, session_id), user.id


async def test_it_is_said_what_an_application_asks_for(house: House) -> None:
    browser, user_id = await consenting(house)
    info = await call(browser, "GET", "/consent", expect=200)
    assert info["application"] == {"id": "demo-app", "name": "Demo-App"}
    assert info["user"]["id"] == user_id
    assert set(info["user"]) == {
        "id",
        "name",
        "avatar",
        "username",
        "primaryEmail",
        "primaryPhone",
    }
    assert info["missingOIDCScope"] == ["profile"]
    assert (info["organizations"], info["missingResourceScopes"]) == ([], [])


async def test_consent_is_given(house: House) -> None:
    browser, _ = await consenting(house)
    reply = await call(browser, "POST", "/consent", {}, expect=200)
    assert reply["redirectTo"].endswith(f"/oidc/auth/{browser.uid}")
    assert isinstance((await browser.state()).result, ConsentResult)


async def test_an_application_may_act_only_where_the_person_is_a_member(house: House) -> None:
    browser, user_id = await consenting(house)

    def found(tx: Transaction) -> tuple[str, str]:
        organizations = Organizations(tx, TENANT)
        mine = organizations.create(Organization(name="Mine"))
        others = organizations.create(Organization(name="Others"))
        OrganizationUsers(tx, TENANT).add(mine.id, [user_id])
        return mine.id, others.id

    mine, others = await house.core.db.write(found)
    answer = await send(browser, "POST", "/consent", {"organizationIds": [mine, others]})
    assert (answer.status_code, answer.json()["code"]) == (422, "organization.require_membership")
    assert (await browser.state()).result is None
    await call(browser, "POST", "/consent", {"organizationIds": [mine]}, expect=200)


async def test_who_is_to_sign_in_is_not_asked_for_consent(house: House) -> None:
    browser = await house.browser()
    wrong = (400, "session.invalid_interaction_type")
    assert await refused(browser, "GET", "/consent") == wrong
    assert await refused(browser, "POST", "/consent", {}) == wrong
