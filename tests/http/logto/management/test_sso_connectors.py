"""Enterprise single sign-on: connectors are set up with what their identity providers say."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sa

from gatehouse.storage.records import SsoIdentity, User
from gatehouse.storage.sso_connectors import SsoIdentities
from gatehouse.storage.statement import Stmt
from gatehouse.storage.transaction import Transaction
from gatehouse.storage.users import Users
from tests.http.contract import Api
from tests.http.running import BOTH_DATABASES, TENANT, Server
from tests.servers.identity_provider import IdentityProvider, open_identity_provider
from tests.servers.saml_identity_provider import SamlIdentityProvider

RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"


@pytest.fixture
async def provider() -> AsyncIterator[IdentityProvider]:
    async with open_identity_provider() as provider:
        yield provider


def oidc(provider: IdentityProvider, **changes: Any) -> dict[str, Any]:
    config = {"clientId": "us", "clientSecret": "between us", "issuer": provider.issuer}
    return {"providerName": "OIDC", "connectorName": "Corp", "config": config, **changes}


def saml(company: SamlIdentityProvider, **changes: Any) -> dict[str, Any]:
    config = {"metadata": company.metadata()}
    return {"providerName": "SAML", "connectorName": "Corp", "config": config, **changes}


async def test_the_kinds_of_providers_are_listed(api: Api) -> None:
    kinds = {
        one["providerName"]: one["providerType"] for one in await api("ListSsoConnectorProviders")
    }
    assert kinds == {
        "OIDC": "oidc",
        "SAML": "saml",
        "AzureAD": "saml",
        "AzureAdOidc": "oidc",
        "GoogleWorkspace": "oidc",
        "Okta": "oidc",
    }
    await api.with_token(None)("ListSsoConnectorProviders", expect=401)


@BOTH_DATABASES
async def test_an_openid_provider_is_connected_changed_and_disconnected(
    api: Api, provider: IdentityProvider
) -> None:
    made = await api(
        "CreateSsoConnector",
        json=oidc(provider, domains=["Corp.Example"], branding={"displayName": "Corp"}),
    )
    assert made["domains"] == ["corp.example"]
    assert made["config"]["trustUnverifiedEmail"] is False
    shown = await api("GetSsoConnector", id=made["id"])
    assert shown == {**shown, **made}
    assert shown["providerConfig"]["tokenEndpoint"] == provider.at("token")
    assert shown["providerConfig"]["scope"] == "openid profile email"
    changed = await api(
        "UpdateSsoConnector",
        id=made["id"],
        json={"domains": ["other.example"], "syncProfile": True, "connectorName": "Company"},
    )
    assert (changed["domains"], changed["syncProfile"]) == (["other.example"], True)
    assert [one["id"] for one in await api("ListSsoConnectors")] == [made["id"]]
    await api("DeleteSsoConnector", id=made["id"])
    for name in ("GetSsoConnector", "DeleteSsoConnector"):
        await api(name, id=made["id"], expect=404)
    await api("UpdateSsoConnector", id=made["id"], json={}, expect=404)


async def test_connectors_are_listed_by_page(api: Api) -> None:
    for number in range(3):
        await api(
            "CreateSsoConnector", json={"providerName": "SAML", "connectorName": f"Corp {number}"}
        )
    page = await api.send("ListSsoConnectors", query={"page": "2", "page_size": "2"})
    assert len(page.json()) == 1
    assert page.headers["total-number"] == "3"
    refused = await api("ListSsoConnectors", query={"page": "0"}, expect=400)
    assert refused["code"] == "guard.invalid_pagination"


async def test_what_a_saml_provider_says_is_shown(api: Api, company: SamlIdentityProvider) -> None:
    made = await api("CreateSsoConnector", json=saml(company))
    shown = (await api("GetSsoConnector", id=made["id"]))["providerConfig"]
    assert shown["identityProvider"]["entityId"] == company.entity_id
    assert shown["identityProvider"]["signInEndpoint"] == company.sign_in_endpoint
    assert shown["identityProvider"]["isCertificateValid"] is True
    assert shown["serviceProvider"]["entityId"].endswith(f"/enterprise-sso/{made['id']}")
    assert shown["serviceProvider"]["assertionConsumerServiceUrl"].endswith(
        f"/api/authn/single-sign-on/saml/{made['id']}"
    )


async def test_saml_metadata_are_fetched_from_their_address(
    api: Api, company: SamlIdentityProvider, provider: IdentityProvider
) -> None:
    xml = {"content-type": "application/xml"}
    long = f"{company.metadata()}<!-- {'as long as Microsoft likes it ' * 5000} -->"
    provider.answers["/metadata"] = (200, xml, long.encode())
    config = {"metadataUrl": provider.at("metadata")}
    made = await api(
        "CreateSsoConnector", json=saml(company, config=config, providerName="AzureAD")
    )
    shown = await api("GetSsoConnector", id=made["id"])
    assert shown["providerConfig"]["identityProvider"]["entityId"] == company.entity_id


async def test_what_is_known_of_a_saml_provider_can_be_typed_in(
    api: Api, company: SamlIdentityProvider
) -> None:
    config = {
        "entityId": company.entity_id,
        "signInEndpoint": company.sign_in_endpoint,
        "x509Certificate": company.key.certificate,
    }
    made = await api("CreateSsoConnector", json=saml(company, config=config))
    assert made["config"] == config
    for strange in ({"x509Certificate": "none"}, {"signInEndpoint": "javascript:alert(1)"}):
        await api(
            "UpdateSsoConnector", id=made["id"], json={"config": config | strange}, expect=400
        )
    assert (await api("GetSsoConnector", id=made["id"]))["config"] == config


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "guard.invalid_input"),
        ({"providerName": "Pigeon", "connectorName": "x"}, 422, "connector.not_found"),
        (
            {"providerName": "OIDC", "connectorName": "x", "config": {}},
            400,
            "connector.invalid_config",
        ),
        (
            {"providerName": "SAML", "connectorName": "x", "config": {"metadata": "<a/>"}},
            400,
            "connector.invalid_metadata",
        ),
        (
            {
                "providerName": "SAML",
                "connectorName": "x",
                "config": {"metadataUrl": "http://127.0.0.1:1/"},
            },
            400,
            "connector.invalid_metadata",
        ),
        (
            {"providerName": "SAML", "connectorName": "x", "domains": ["gmail.com"]},
            422,
            "single_sign_on.forbidden_domains",
        ),
        (
            {"providerName": "SAML", "connectorName": "x", "domains": ["a.b", "A.B"]},
            422,
            "single_sign_on.duplicated_domains",
        ),
        (
            {"providerName": "SAML", "connectorName": "x", "enableTokenStorage": True},
            422,
            "connector.token_storage_not_supported",
        ),
    ],
)
async def test_a_connector_that_cannot_be_is_not_stored(
    api: Api, body: dict[str, Any], status: int, code: str
) -> None:
    refused = await api("CreateSsoConnector", json=body, expect=status)
    assert refused["code"] == code
    assert await api("ListSsoConnectors") == []


@pytest.mark.parametrize(
    "declaration",
    [
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;">]>',
        '<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd">',
    ],
)
async def test_metadata_with_a_document_type_are_refused(
    api: Api, company: SamlIdentityProvider, declaration: str
) -> None:
    body = saml(company, config={"metadata": declaration + company.metadata()})
    refused = await api("CreateSsoConnector", json=body, expect=400)
    assert refused["code"] == "connector.invalid_metadata"


async def test_metadata_of_another_issuer_are_refused(api: Api, provider: IdentityProvider) -> None:
    """OpenID Connect Discovery §4.3."""
    strange = oidc(provider)
    strange["config"]["issuer"] = provider.url + "/elsewhere"
    provider.answers["/elsewhere/.well-known/openid-configuration"] = (
        200,
        {"content-type": "application/json"},
        json.dumps(provider.metadata).encode(),
    )
    refused = await api("CreateSsoConnector", json=strange, expect=400)
    assert refused["code"] == "connector.invalid_config"


@BOTH_DATABASES
async def test_no_two_connectors_have_one_name(api: Api) -> None:
    body = {"providerName": "SAML", "connectorName": "Corp"}
    await api("CreateSsoConnector", json=body)
    refused = await api("CreateSsoConnector", json=body, expect=409)
    assert refused["code"] == "single_sign_on.duplicate_connector_name"
    other = await api("CreateSsoConnector", json={**body, "connectorName": "Other"})
    await api("UpdateSsoConnector", id=other["id"], json={"connectorName": "Corp"}, expect=409)
    await api("UpdateSsoConnector", id=other["id"], json={"connectorName": "Other"})


async def test_the_client_secret_is_sealed_in_the_database(
    server: Server, api: Api, provider: IdentityProvider
) -> None:
    await api("CreateSsoConnector", json=oidc(provider))

    def stored(tx: Transaction) -> str:
        return str(tx.row(Stmt(sa.text("SELECT config FROM sso_connectors"))))

    assert "between us" not in await server.core.db.read(stored)


@BOTH_DATABASES
async def test_signing_keys_are_rotated_without_a_gap(
    api: Api, company: SamlIdentityProvider
) -> None:
    connector = (await api("CreateSsoConnector", json=saml(company)))["id"]
    signing = {"metadata": company.metadata(), "signAuthnRequest": True}
    refused = await api("UpdateSsoConnector", id=connector, json={"config": signing}, expect=400)
    assert refused["code"] == "single_sign_on.active_signing_key_required"
    first = await api("CreateSsoConnectorSigningKey", id=connector, json={"active": True})
    assert first["fingerprints"]["sha256"]["formatted"].count(":") == 31
    await api("UpdateSsoConnector", id=connector, json={"config": signing})
    second = await api("CreateSsoConnectorSigningKey", id=connector, json={})
    assert (first["active"], second["active"]) == (True, False)
    await api(
        "UpdateSsoConnectorSigningKey", id=connector, keyId=second["id"], json={"active": True}
    )
    active = {
        key["id"]: key["active"] for key in await api("ListSsoConnectorSigningKeys", id=connector)
    }
    assert active == {first["id"]: False, second["id"]: True}
    refused = await api(
        "DeleteSsoConnectorSigningKey", id=connector, keyId=second["id"], expect=400
    )
    assert refused["code"] == "single_sign_on.can_not_delete_active_signing_key"
    refused = await api(
        "UpdateSsoConnectorSigningKey",
        id=connector,
        keyId=second["id"],
        json={"active": False},
        expect=400,
    )
    assert refused["code"] == "single_sign_on.can_not_deactivate_signing_key_in_use"
    await api("DeleteSsoConnectorSigningKey", id=connector, keyId=first["id"])
    await api("DeleteSsoConnectorSigningKey", id=connector, keyId=first["id"], expect=404)


async def test_only_saml_connectors_have_signing_keys(api: Api) -> None:
    body = {"providerName": "Okta", "connectorName": "Okta"}
    connector = (await api("CreateSsoConnector", json=body))["id"]
    for id_ in (connector, "nowhere"):
        await api("ListSsoConnectorSigningKeys", id=id_, expect=404)
        await api("CreateSsoConnectorSigningKey", id=id_, json={}, expect=404)
    await api("CreateSsoConnectorSigningKey", id=connector, json={"active": "yes"}, expect=400)


@BOTH_DATABASES
async def test_people_of_a_connector_join_organizations(api: Api) -> None:
    organization = (await api("CreateOrganization", json={"name": "Corp"}))["id"]
    ids = [
        (await api("CreateSsoConnector", json={"providerName": "SAML", "connectorName": name}))[
            "id"
        ]
        for name in ("one", "two", "three")
    ]
    await api(
        "CreateOrganizationJitSsoConnector", id=organization, json={"ssoConnectorIds": ids[:2]}
    )
    listed = await api("ListOrganizationJitSsoConnectors", id=organization)
    assert {one["id"] for one in listed} == set(ids[:2])
    await api(
        "ReplaceOrganizationJitSsoConnectors", id=organization, json={"ssoConnectorIds": ids[1:]}
    )
    await api("DeleteOrganizationJitSsoConnector", id=organization, ssoConnectorId=ids[1])
    await api(
        "DeleteOrganizationJitSsoConnector", id=organization, ssoConnectorId=ids[1], expect=404
    )
    page = await api.send("ListOrganizationJitSsoConnectors", id=organization, query={"page": "1"})
    assert ([one["id"] for one in page.json()], page.headers["total-number"]) == ([ids[2]], "1")
    refused = await api(
        "CreateOrganizationJitSsoConnector",
        id=organization,
        json={"ssoConnectorIds": ["nowhere"]},
        expect=422,
    )
    assert refused["code"] == "entity.relation_foreign_key_not_found"
    await api(
        "ReplaceOrganizationJitSsoConnectors",
        id="nowhere",
        json={"ssoConnectorIds": ids},
        expect=422,
    )
    await api("ListOrganizationJitSsoConnectors", id="nowhere", expect=404)


@BOTH_DATABASES
async def test_an_identity_is_shown_until_its_connector_is_deleted(
    server: Server, api: Api
) -> None:
    body = {"providerName": "SAML", "connectorName": "Corp"}
    connector = (await api("CreateSsoConnector", json=body))["id"]

    def make(tx: Transaction) -> str:
        user = Users(tx, TENANT).create(User(username="anna"))
        identity = SsoIdentity(
            user_id=user.id, issuer="https://corp", identity_id="7", sso_connector_id=connector
        )
        SsoIdentities(tx, TENANT).create(identity)
        return user.id

    user = await server.core.db.write(make)
    here = {"userId": user, "ssoConnectorId": connector}
    shown = await api("GetUserSsoIdentity", **here)
    assert (shown["ssoIdentity"]["identityId"], shown["ssoIdentity"]["userId"]) == ("7", user)
    await api("DeleteSsoConnector", id=connector)
    refused = await api("GetUserSsoIdentity", **here, expect=404)
    assert refused["code"] == "user.enterprise_sso_identity_not_exists"
    await api("GetUserSsoIdentity", userId="nobody", ssoConnectorId=connector, expect=404)
