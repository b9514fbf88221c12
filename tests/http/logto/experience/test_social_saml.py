"""A SAML identity provider as a social connector: asked, answered once, and believed as any is."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import httpx
import pytest

from gatehouse.actors.sso.configs import SamlMetadataText
from gatehouse.actors.sso.identity_providers import read_saml_metadata
from gatehouse.actors.sso.saml import KeyPair, ServiceProvider
from gatehouse.storage.records import User
from gatehouse.storage.tenants import SignInExperiences
from gatehouse.storage.users import Users
from tests.http.contract import Api, check_answer
from tests.http.logto.experience.browsing import Browser
from tests.http.running import TENANT, Server
from tests.servers.saml_identity_provider import SamlIdentityProvider, new_key

ID = "corp-saml"
PAGE = "https://app.example/callback/corp"
STATE = "the page's state"
ENTITY = "https://sp.example/metadata"


def config(server: Server, company: SamlIdentityProvider, **changes: Any) -> dict[str, Any]:
    return {
        "entityID": ENTITY,
        "x509Certificate": company.key.certificate,
        "idpMetadataXml": company.metadata(),
        "assertionConsumerServiceUrl": f"{server.url}/api/authn/saml/{ID}",
        "profileMap": {"email": "email", "name": "name"},
        **changes,
    }


async def connect(server: Server, api: Api, company: SamlIdentityProvider, **changes: Any) -> None:
    metadata = {"target": "corp", "name": {"en": "Corp"}}
    body = {"id": ID, "connectorId": "saml", "metadata": metadata}
    await api("CreateConnector", json={**body, "config": config(server, company, **changes)})
    settings: dict[str, Any] = {
        "social_sign_in_connector_targets": ["corp"],
        "sign_up": {"identifiers": [], "password": False, "verify": False},
    }
    await server.core.db.write(lambda tx: SignInExperiences(tx, TENANT).change(**settings))
    server.core.directory.forget()


async def begin(browser: Browser) -> tuple[str, str]:
    reply = await browser(
        "CreateSocialVerification",
        connectorId=ID,
        json={"state": STATE, "redirectUri": PAGE},
    )
    return reply["verificationId"], reply["authorizationUri"]


async def post(server: Server, form: dict[str, str], connector: str = ID) -> httpx.Response:
    answer = await server.client.post(f"/api/authn/saml/{connector}", data=form)
    check_answer("AssertSaml", answer)
    return answer


async def verify(browser: Browser, verification: str) -> httpx.Response:
    api = Api(browser.client)
    return await api.send(
        "VerifySocialVerification",
        connectorId=ID,
        json={"verificationId": verification, "connectorData": {"state": STATE}},
        headers=browser.headers,
    )


@pytest.mark.parametrize("signs", [False, True])
async def test_somebody_is_linked_and_signs_in_through_it(
    server: Server, api: Api, company: SamlIdentityProvider, signs: bool
) -> None:
    key = new_key()
    signing = {"signAuthnRequest": True, "privateKey": key.private_key}
    await connect(server, api, company, **(signing if signs else {}))
    user = await server.core.db.write(
        lambda tx: Users(tx, TENANT).create(User(primary_email="anna@corp.example"))
    )
    browser = await (await Browser(server.core, server.client).arrive()).start()
    verification, uri = await begin(browser)
    assert ("&Signature=" in uri) is signs
    answer = await post(server, company.answer(uri))
    assert answer.status_code == 302
    assert answer.headers["location"].startswith(f"{PAGE}?state=")
    passed = await verify(browser, verification)
    assert passed.status_code == 200, passed.text
    assert (await verify(browser, verification)).status_code == 400
    body = {"verificationId": verification, "linkSocialIdentity": True}
    await browser("IdentifyUser", json=body)
    await browser.submit()
    linked = await server.core.db.read(lambda tx: Users(tx, TENANT).get(user.id))
    assert linked.identities["corp"]["userId"] == "anna@corp"


async def test_an_encrypted_assertion_is_read(
    server: Server, api: Api, company: SamlIdentityProvider
) -> None:
    key, acs_url = new_key(), f"{server.url}/api/authn/saml/{ID}"
    ours = ServiceProvider(
        ENTITY,
        acs_url,
        SamlMetadataText(metadata=""),
        read_saml_metadata(company.metadata().encode()),
        KeyPair(key.private_key, key.certificate),
        (key.private_key,),
    )
    await connect(server, api, company, encryptAssertion=True, encPrivateKey=key.private_key)
    browser = await (await Browser(server.core, server.client).arrive()).start()
    verification, uri = await begin(browser)
    form = company.answer(uri, sp_metadata=ours.own_metadata())
    assert b"EncryptedAssertion" in b64decode(form["SAMLResponse"])
    assert (await post(server, form)).status_code == 302
    assert (await verify(browser, verification)).status_code == 200


async def test_a_response_is_good_once_and_from_the_provider_alone(
    server: Server, api: Api, company: SamlIdentityProvider
) -> None:
    await connect(server, api, company)
    browser = await (await Browser(server.core, server.client).arrive()).start()
    verification, uri = await begin(browser)
    assert (await verify(browser, verification)).status_code == 400
    verification, uri = await begin(browser)
    forged = SamlIdentityProvider(key=new_key()).answer(uri)
    assert (await post(server, forged)).status_code == 401
    form = company.answer(uri)
    assert (await post(server, form, "nowhere")).status_code == 404
    assert (await post(server, form)).status_code == 302
    assert (await post(server, form)).status_code == 404
    assert (await post(server, {"SAMLResponse": "x"})).status_code == 400
    assert (await post(server, {"SAMLResponse": "x", "RelayState": "y"})).status_code == 404


@pytest.mark.parametrize(
    "strange",
    [
        {"idpMetadataXml": "<a/>"},
        {"signAuthnRequest": True},
        {"signAuthnRequest": True, "privateKey": "none"},
        {"encryptAssertion": True},
        {"encryptAssertion": True, "encPrivateKey": "none"},
        {"requestSignatureAlgorithm": "http://www.w3.org/2000/09/xmldsig#rsa-sha1"},
        {"assertionConsumerServiceUrl": "javascript:alert(1)"},
    ],
)
async def test_a_configuration_that_cannot_be_used_is_refused(
    server: Server, api: Api, company: SamlIdentityProvider, strange: dict[str, Any]
) -> None:
    body = {
        "connectorId": "saml",
        "metadata": {"target": "corp", "name": {"en": "Corp"}},
        "config": config(server, company, **strange),
    }
    refused = await api("CreateConnector", json=body, expect=400)
    assert refused["code"] == "connector.invalid_config"
