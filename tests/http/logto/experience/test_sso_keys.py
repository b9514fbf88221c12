"""The keys of a SAML connector: what requests are signed with and assertions encrypted for."""

from __future__ import annotations

from base64 import b64decode
from urllib.parse import parse_qs, urlsplit

from tests.http.contract import Api
from tests.http.logto.experience.office import STATE, Office


async def _metadata(office: Office, connector: str) -> str:
    return (await office.server.client.get(f"/enterprise-sso/{connector}")).text


async def _sign_in(office: Office, connector: str, metadata: str) -> None:
    browser = await office.browser()
    verification, uri = await office.begin(browser, connector)
    form = office.company.answer(uri, sp_metadata=metadata)
    assert b"EncryptedAssertion" in b64decode(form["SAMLResponse"])
    answer = await office.post(connector, form)
    assert answer.status_code == 302, answer.text
    await office.verify(browser, connector, verification, {"state": STATE})


async def test_encrypted_assertions_are_read_while_keys_are_rotated(
    office: Office, api: Api
) -> None:
    connector = await office.connect()
    assert "KeyDescriptor" not in await _metadata(office, connector)
    path = {"id": connector}
    first = await api("CreateSsoConnectorSigningKey", **path, json={"active": True})
    before = await _metadata(office, connector)
    assert before.count(first["certificate"].splitlines()[1]) == 2, "to verify and to encrypt"
    await _sign_in(office, connector, before)
    await api("CreateSsoConnectorSigningKey", **path, json={"active": True})
    after = await _metadata(office, connector)
    assert first["certificate"].splitlines()[1] not in after
    await _sign_in(office, connector, after)
    await _sign_in(office, connector, before)
    await api("DeleteSsoConnectorSigningKey", **path, keyId=first["id"])
    browser = await office.browser()
    _, uri = await office.begin(browser, connector)
    late = await office.post(connector, office.company.answer(uri, sp_metadata=before))
    assert (late.status_code, late.json()["code"]) == (401, "connector.authorization_failed")


async def test_requests_are_signed_and_their_answers_taken(office: Office, api: Api) -> None:
    config = {"metadata": office.company.metadata(), "signAuthnRequest": True}
    connector = await office.connect(config=config)
    browser = await office.browser()
    sent = {"state": STATE, "redirectUri": "https://app.example/callback"}
    refused = await Api(office.server.client).send(
        "CreateEnterpriseSsoVerification",
        connectorId=connector,
        json=sent,
        headers=browser.headers,
    )
    assert refused.json()["code"] == "single_sign_on.sso_signing_unavailable"
    await api("CreateSsoConnectorSigningKey", id=connector, json={"active": True})
    _, uri = await office.begin(browser, connector)
    assert {"SAMLRequest", "RelayState", "SigAlg", "Signature"} <= set(
        parse_qs(urlsplit(uri).query)
    )
    await office.passed(browser, connector)
