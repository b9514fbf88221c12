"""The tokens that a company gave: kept where that is wanted, renewed, forgotten."""

from __future__ import annotations

import sqlalchemy as sa

from gatehouse.storage.statement import Stmt
from tests.http.contract import Api
from tests.http.logto.account.people import Person, open_account_centre, person, stored
from tests.http.logto.experience.office import Office


async def anna(office: Office, connector: str) -> Person:
    """Somebody who signed in through their company."""
    browser = await office.browser("Register")
    await browser.identify(await office.passed(browser, connector, "OIDC"), expect=201)
    (user,) = await office.users()
    await open_account_centre(office.server)
    return await person(office.server, await stored(office.server, user.id))


async def test_tokens_are_kept_sealed_and_handed_to_their_owner(office: Office) -> None:
    connector = await office.connect("OIDC", enable_token_storage=True)
    who = await anna(office, connector)
    given = await who.api("GetEnterpriseSsoIdentityAccessToken", connectorId=connector)
    assert (given["access_token"], given["token_type"]) == ("access-1", "Bearer")
    assert 0 < given["expires_in"] <= 3600
    query = Stmt(sa.text("SELECT value FROM secrets"))
    assert "access-1" not in str(await office.server.core.db.read(lambda tx: tx.row(query)))
    manager = office.server.api(await office.server.management_token())
    shown = await manager(
        "GetUserSsoIdentity",
        userId=who.user_id,
        ssoConnectorId=connector,
        query={"includeTokenSecret": "true"},
    )
    assert shown["tokenSecret"]["metadata"]["hasRefreshToken"] is True
    assert "access-1" not in str(shown)


async def test_an_old_token_is_renewed_or_forgotten(office: Office) -> None:
    office.provider.expires_in = 0
    connector = await office.connect("OIDC", enable_token_storage=True)
    who = await anna(office, connector)
    renewed = await who.api("GetEnterpriseSsoIdentityAccessToken", connectorId=connector)
    assert renewed["access_token"] == "renewed"
    office.provider.refresh_tokens = False
    browser = await office.browser()
    await browser.identify(await office.passed(browser, connector, "OIDC"))
    await browser.submit()
    code = "secrets.third_party_token_set.access_token_expired"
    here = {"connectorId": connector}
    assert (await _refused(who.api, 401, **here)) == code
    code = "secrets.third_party_token_set.token_not_found"
    assert (await _refused(who.api, 404, **here)) == code


async def test_no_tokens_are_kept_where_that_is_not_wanted(office: Office) -> None:
    connector = await office.connect("OIDC")
    who = await anna(office, connector)
    await _refused(who.api, 404, connectorId=connector)
    manager = office.server.api(await office.server.management_token())
    await manager("UpdateSsoConnector", id=connector, json={"enableTokenStorage": True})
    browser = await office.browser()
    await browser.identify(await office.passed(browser, connector, "OIDC"))
    await browser.submit()
    await who.api("GetEnterpriseSsoIdentityAccessToken", connectorId=connector)
    await manager("UpdateSsoConnector", id=connector, json={"enableTokenStorage": False})
    await _refused(who.api, 404, connectorId=connector)


async def test_an_application_needs_the_scope(office: Office) -> None:
    connector = await office.connect("OIDC", enable_token_storage=True)
    who = await anna(office, connector)
    less = await person(office.server, await stored(office.server, who.user_id), "openid")
    await _refused(less.api, 403, connectorId=connector)
    await _refused(who.api.with_token(None), 401, connectorId=connector)


async def _refused(api: Api, status: int, **path: str) -> str:
    answer = await api("GetEnterpriseSsoIdentityAccessToken", expect=status, **path)
    return str(answer["code"])
