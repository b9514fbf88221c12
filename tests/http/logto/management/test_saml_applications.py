"""Service providers and the keys that sign for them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.http.contract import Api
from tests.http.logto.saml.service_provider import (
    CONFIG,
    EMAIL,
    KEY,
    PERSISTENT,
    REDIRECT_BINDING,
)
from tests.http.running import BOTH_DATABASES


def elliptic_certificate() -> str:
    """The certificate of a key that signs and cannot encrypt."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sp.example")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    builder = builder.public_key(key.public_key()).serial_number(1)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    builder = builder.not_valid_before(start).not_valid_after(start + timedelta(days=36_500))
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


async def test_a_certificate_that_only_signs_may_be_registered(api: Api) -> None:
    encryption = {"encryptAssertion": False, "certificate": elliptic_certificate()}
    made = await api("CreateSamlApplication", json={**CONFIG, "encryption": encryption})
    assert made["encryption"] == encryption


@BOTH_DATABASES
async def test_a_service_provider_is_registered_changed_and_forgotten(api: Api) -> None:
    made = await api("CreateSamlApplication", json=CONFIG, expect=201)
    assert made["type"] == "SAML"
    assert made["nameIdFormat"] == PERSISTENT
    assert made["acsUrl"] == CONFIG["acsUrl"]
    assert made["encryption"] is None
    encryption = {
        "encryptAssertion": True,
        "encryptThenSign": False,
        "certificate": KEY.certificate,
    }
    changed = await api(
        "UpdateSamlApplication",
        id=made["id"],
        json={
            "attributeMapping": {"email": "mail", "shoe_size": "none"},
            "encryption": encryption,
            "nameIdFormat": EMAIL,
            "description": "Wages",
        },
    )
    assert changed["attributeMapping"] == {"email": "mail"}
    assert changed["encryption"] == encryption
    assert changed["entityId"] == CONFIG["entityId"]
    assert await api("GetSamlApplication", id=made["id"]) == changed
    shown = await api("GetApplication", id=made["id"])
    (callback,) = shown["oidcClientMetadata"]["redirectUris"]
    assert callback.endswith(f"/api/saml-applications/{made['id']}/callback")
    await api("DeleteSamlApplication", id=made["id"], expect=204)
    await api("GetSamlApplication", id=made["id"], expect=404)


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"name": ""}, 400, "guard.invalid_input"),
        ({"entityId": "x" * 129}, 400, "guard.invalid_input"),
        ({"nameIdFormat": "kerberos"}, 400, "guard.invalid_input"),
        ({"attributeMapping": {"email": 1}}, 400, "guard.invalid_input"),
        ({"acsUrl": {"binding": "x", "url": "https://a.example"}}, 400, "guard.invalid_input"),
        (
            {"acsUrl": {**CONFIG["acsUrl"], "url": "javascript:alert(1)"}},
            400,
            "guard.invalid_input",
        ),
        (
            {"acsUrl": {"binding": REDIRECT_BINDING, "url": "https://a.example"}},
            422,
            "application.saml.acs_url_binding_not_supported",
        ),
        ({"entityId": "a\u0001b"}, 400, "guard.invalid_input"),
        ({"attributeMapping": {"email": "a\u0001b"}}, 400, "guard.invalid_input"),
        (
            {"acsUrl": {**CONFIG["acsUrl"], "url": "https://a.example/\n"}},
            400,
            "guard.invalid_input",
        ),
        ({"encryption": {"encryptAssertion": True}}, 400, "guard.invalid_input"),
        (
            {"encryption": {"certificate": "none"}},
            400,
            "application.saml.invalid_certificate_pem_format",
        ),
        (
            {
                "encryption": {
                    "encryptAssertion": True,
                    "encryptThenSign": True,
                    "certificate": elliptic_certificate(),
                }
            },
            400,
            "application.saml.invalid_certificate_pem_format",
        ),
    ],
)
async def test_a_service_provider_that_makes_no_sense_is_refused(
    api: Api, change: dict[str, Any], status: int, code: str
) -> None:
    refused = await api("CreateSamlApplication", json={**CONFIG, **change}, expect=status)
    assert refused["code"] == code
    assert await api("ListApplications", query={"types": "SAML"}) == []


@BOTH_DATABASES
async def test_one_key_signs_and_the_others_can_be_deleted(api: Api) -> None:
    id_ = (await api("CreateSamlApplication", json=CONFIG))["id"]
    (first,) = await api("ListSamlApplicationSecrets", id=id_)
    assert first["active"]
    made = await api("CreateSamlApplicationSecret", id=id_, json={"lifeSpanInYears": 2})
    assert not made["active"]
    assert "privateKey" not in made
    certificate = x509.load_pem_x509_certificate(made["certificate"].encode())
    digits = certificate.fingerprint(hashes.SHA256()).hex().upper()
    assert made["fingerprints"]["sha256"]["unformatted"] == digits
    assert made["expiresAt"] == int(certificate.not_valid_after_utc.timestamp()) * 1000
    path = {"id": id_, "secretId": made["id"]}
    turned = await api("UpdateSamlApplicationSecret", **path, json={"active": True})
    assert turned["active"]
    listed = await api("ListSamlApplicationSecrets", id=id_)
    assert {one["id"]: one["active"] for one in listed} == {first["id"]: False, made["id"]: True}
    refused = await api("DeleteSamlApplicationSecret", **path, expect=400)
    assert refused["code"] == "application.saml.can_not_delete_active_secret"
    await api("DeleteSamlApplicationSecret", id=id_, secretId=first["id"], expect=204)
    await api("DeleteSamlApplicationSecret", id=id_, secretId=first["id"], expect=404)
    await api("UpdateSamlApplicationSecret", **path, json={"active": False})
    assert [one["active"] for one in await api("ListSamlApplicationSecrets", id=id_)] == [False]


async def test_keys_live_a_whole_number_of_years(api: Api) -> None:
    id_ = (await api("CreateSamlApplication", json=CONFIG))["id"]
    for years in (0, 1.5, "1", 101):
        await api(
            "CreateSamlApplicationSecret", id=id_, json={"lifeSpanInYears": years}, expect=400
        )
    await api("UpdateSamlApplicationSecret", id=id_, secretId="x", json={}, expect=400)


async def test_the_two_apis_for_applications_are_kept_apart(api: Api) -> None:
    spa = (await api("CreateApplication", json={"name": "a", "type": "SPA"}))["id"]
    saml = (await api("CreateSamlApplication", json=CONFIG))["id"]
    for operation, body in (
        ("GetSamlApplication", None),
        ("UpdateSamlApplication", {"name": "b"}),
        ("DeleteSamlApplication", None),
        ("ListSamlApplicationSecrets", None),
        ("CreateSamlApplicationSecret", {"lifeSpanInYears": 1}),
    ):
        refused = await api(operation, id=spa, json=body, expect=422)
        assert refused["code"] == "application.saml.saml_application_only"
    for operation, body in (("UpdateApplication", {"name": "b"}), ("DeleteApplication", None)):
        refused = await api(operation, id=saml, json=body, expect=400)
        assert refused["code"] == "application.saml.use_saml_app_api"
