"""Signing in on a device by answering elsewhere (RFC 8628)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest

from gatehouse.actors.device_authorization import DEVICE_AGE_MS, INTERVAL_MS
from gatehouse.storage.applications import Applications
from gatehouse.storage.consent_scopes import ConsentScopes, ScopeKind
from gatehouse.storage.records import Application, CustomClientMetadata
from gatehouse.storage.users import Users
from tests.http.oidc.house import (
    API,
    ISSUER,
    KEY,
    ON_BOTH,
    TENANT,
    House,
    Node,
    answer_experience,
    sent_to,
)
from tests.http.oidc.test_token import refused, together

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
SCOPES = "openid offline_access profile read"


@dataclass
class Device:
    """A device that cannot show a browser."""

    http: httpx.AsyncClient
    clock: Any
    client_id: str = "tv"

    async def ask(self, **changes: str) -> httpx.Response:
        form = {"client_id": self.client_id, "scope": SCOPES, **changes}
        return await self.http.post("/oidc/device/auth", data=form)

    async def asked(self, **changes: str) -> dict[str, Any]:
        answer = await self.ask(**changes)
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "no-store"
        return dict(answer.json())

    async def poll(self, code: str, *, wait: int = INTERVAL_MS, **more: str) -> httpx.Response:
        self.clock.pass_ms(wait)
        form = {"client_id": self.client_id, "grant_type": GRANT, "device_code": code, **more}
        return await self.http.post("/oidc/token", data=form)


def create(tx: Any, client_id: str, **more: Any) -> None:
    custom = CustomClientMetadata(is_device_flow=True)
    Applications(tx, TENANT).create(
        Application(
            id=client_id,
            name=f"The {client_id}",
            type="Native",
            custom_client_metadata=custom,
            **more,
        )
    )


@pytest.fixture
async def device(node: Node, house: House) -> AsyncIterator[Device]:
    """A device of an application that is made for devices."""
    await node.change(create, "tv")
    async with node.client() as http:
        yield Device(http, house.clock)


def said(token: str) -> dict[str, Any]:
    """What a token says that was made while the house's clock was ahead of ours."""
    options: Any = {"verify_aud": False, "verify_iat": False}
    key = jwt.PyJWK(dict(KEY.public_jwk))
    return dict(jwt.decode(token, key, algorithms=["ES256"], options=options))


def csrf_of(page: httpx.Response) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert found is not None
    return found[1]


async def type_code(http: httpx.AsyncClient, code: str, **more: str) -> httpx.Response:
    page = await http.get("/device")
    assert page.status_code == 200
    form = {"csrf": csrf_of(page), "user_code": code, **more}
    return await http.post("/device", data=form)


async def confirm(http: httpx.AsyncClient, code: str, decision: str = "allow") -> httpx.Response:
    page = await type_code(http, code)
    assert "Is this your device?" in page.text
    form = {"csrf": csrf_of(page), "user_code": code, "decision": decision}
    return await http.post("/device", data=form)


async def answer(http: httpx.AsyncClient, code: str, app_id: str = "tv", who: str = "ada") -> None:
    """What the person does, in their browser."""
    sent_to(await confirm(http, code), "/sign-in")
    back = await http.get(await answer_experience(http, app_id, who))
    sent_to(back, "/consent")
    back = await http.get(back.headers["location"])
    back = await http.get(back.headers["location"])
    sent_to(back, "/device/success")
    assert "signed in" in (await http.get("/device/success")).text


@ON_BOTH
async def test_rfc8628_a_device_is_signed_in(http: httpx.AsyncClient, device: Device, node: Node):
    asked = await device.asked(resource=API)
    assert set(asked) == {
        "device_code",
        "user_code",
        "verification_uri",
        "verification_uri_complete",
        "expires_in",
        "interval",
    }
    assert (asked["expires_in"], asked["interval"]) == (600, 5)
    assert asked["verification_uri"] == f"{ISSUER}/device"
    refused(await device.poll(asked["device_code"]), "authorization_pending")
    await answer(http, asked["user_code"])
    body = (await device.poll(asked["device_code"], resource=API)).json()
    assert said(body["id_token"])["sub"] == node.users["ada"]
    assert said(body["access_token"])["scope"] == "read"
    form = {"client_id": "tv", "grant_type": "refresh_token"}
    form["refresh_token"] = body["refresh_token"]
    again = await device.http.post("/oidc/token", data=form)
    assert again.status_code == 200, again.text


async def test_rfc8628_3_3_1_the_link_fills_in_the_code_and_still_asks(
    http: httpx.AsyncClient, device: Device
):
    asked = await device.asked()
    complete = urlsplit(asked["verification_uri_complete"])
    assert parse_qs(complete.query) == {"user_code": [asked["user_code"]]}
    to = await http.get(f"{complete.path}?{complete.query}")
    sent_to(to, "/device?user_code=")
    page = await http.get(to.headers["location"])
    assert f'value="{asked["user_code"]}"' in page.text
    assert "The tv" not in page.text
    sent_to(await http.get("/oidc/device"), "/device")
    refused(await device.poll(asked["device_code"]), "authorization_pending")


@pytest.mark.parametrize("write", [str.lower, lambda code: code.replace("-", ""), " {} ".format])
async def test_the_code_may_be_typed_in_any_way(
    http: httpx.AsyncClient, device: Device, write: Any
):
    page = await type_code(http, write((await device.asked())["user_code"]))
    assert "The tv" in page.text


async def test_rfc8628_3_5_a_device_that_asks_too_fast_has_to_slow_down(device: Device):
    code = (await device.asked())["device_code"]
    refused(await device.poll(code), "authorization_pending")
    refused(await device.poll(code, wait=INTERVAL_MS - 1000), "slow_down")
    refused(await device.poll(code, wait=INTERVAL_MS + 1000), "slow_down")
    refused(await device.poll(code, wait=4 * INTERVAL_MS), "authorization_pending")


async def test_rfc8628_3_5_codes_expire(http: httpx.AsyncClient, device: Device, house: House):
    asked = await device.asked()
    house.clock.pass_ms(DEVICE_AGE_MS)
    page = await type_code(http, asked["user_code"])
    assert "not known" in page.text
    refused(await device.poll(asked["device_code"]), "expired_token")


async def test_the_person_may_say_no(http: httpx.AsyncClient, device: Device):
    asked = await device.asked()
    sent_to(await confirm(http, asked["user_code"], "deny"), "/device/denied")
    assert (await http.get("/device/denied")).status_code == 200
    refused(await device.poll(asked["device_code"]), "access_denied")
    assert "not known" in (await type_code(http, asked["user_code"])).text


async def test_an_application_that_is_not_ours_asks_for_consent(
    http: httpx.AsyncClient, device: Device, node: Node
):
    await node.change(lambda tx: create(tx, "foreign", is_third_party=True))
    await node.change(
        lambda tx: ConsentScopes(tx, TENANT, "foreign").add(ScopeKind.USER, ["profile"])
    )
    foreign = Device(device.http, device.clock, "foreign")
    asked = await foreign.asked()
    sent_to(await confirm(http, asked["user_code"]), "/sign-in")
    page = await http.get(await answer_experience(http, "foreign", "ada"))
    page = await http.get(page.headers["location"])
    assert "The foreign asks for access" in page.text
    form = {"csrf": csrf_of(page), "decision": "deny"}
    back = await http.post("/consent?app_id=foreign", data=form)
    sent_to(await http.get(back.headers["location"]), "/device/denied")
    refused(await foreign.poll(asked["device_code"]), "access_denied")


async def test_who_is_signed_in_already_only_confirms(http: httpx.AsyncClient, device: Device):
    await answer(http, (await device.asked())["user_code"])
    asked = await device.asked()
    back = await confirm(http, asked["user_code"])
    sent_to(back, "/consent")
    back = await http.get(back.headers["location"])
    back = await http.get(back.headers["location"])
    sent_to(back, "/device/success")
    assert (await device.poll(asked["device_code"])).status_code == 200


async def test_a_code_is_good_once_and_its_replay_revokes_what_it_gave(
    http: httpx.AsyncClient, device: Device
):
    asked = await device.asked()
    await answer(http, asked["user_code"])
    body = (await device.poll(asked["device_code"])).json()
    bearer = {"authorization": f"Bearer {body['access_token']}"}
    assert (await http.get("/oidc/me", headers=bearer)).status_code == 200
    refused(await device.poll(asked["device_code"]), "invalid_grant")
    assert (await http.get("/oidc/me", headers=bearer)).status_code == 401


async def test_of_two_nodes_that_are_polled_at_once_one_gives_tokens(
    http: httpx.AsyncClient, device: Device, house: House
):
    asked = await device.asked()
    await answer(http, asked["user_code"])
    house.clock.pass_ms(INTERVAL_MS)
    async with house.node() as second, second.client() as there:
        other = Device(there, house.clock)
        code = asked["device_code"]
        answers = await together(device.poll(code, wait=0), other.poll(code, wait=0))
    assert sorted(one.status_code for one in answers) == [200, 400]


async def test_of_two_people_who_answer_one_does(
    http: httpx.AsyncClient, device: Device, node: Node
):
    asked = await device.asked()
    async with node.client() as other:
        sent_to(await confirm(other, asked["user_code"]), "/sign-in")
        url = await answer_experience(other, "tv", "bob")
        await answer(http, asked["user_code"])
        back = await other.get(url)
        back = await other.get(back.headers["location"])
        back = await other.get(back.headers["location"])
        sent_to(back, "/device/late")
        assert "too late" in (await other.get("/device/late")).text
    body = (await device.poll(asked["device_code"])).json()
    assert said(body["id_token"])["sub"] == node.users["ada"]


async def test_a_user_suspended_meanwhile_gets_nothing(
    http: httpx.AsyncClient, device: Device, node: Node
):
    asked = await device.asked()
    await answer(http, asked["user_code"])
    await node.change(lambda tx: Users(tx, TENANT).set_suspended(node.users["ada"], True))
    refused(await device.poll(asked["device_code"]), "invalid_grant")


async def test_rfc8628_5_1_guessing_codes_is_stopped(http: httpx.AsyncClient, device: Device):
    asked = await device.asked()
    for _ in range(10):
        assert "not known" in (await type_code(http, "BBBB-BBBB")).text
    assert "Too many wrong codes" in (await type_code(http, asked["user_code"])).text


async def test_asking_is_limited(device: Device):
    answers = [await device.ask() for _ in range(31)]
    assert {one.status_code for one in answers[:30]} == {200}
    refused(answers[30], "slow_down", 429)
    assert int(answers[30].headers["retry-after"]) >= 1


@pytest.mark.parametrize("typed", ["", "x", "AAAA-AAAA", "é" * 8, "BCDF" * 5000])
async def test_what_is_no_code_leads_nowhere(http: httpx.AsyncClient, device: Device, typed: str):
    page = await type_code(http, typed)
    assert "not known" in page.text or page.status_code == 400


async def test_another_site_cannot_answer_for_the_person(
    http: httpx.AsyncClient, device: Device, node: Node
):
    asked = await device.asked()
    async with node.client() as other:
        stolen = csrf_of(await other.get("/device"))
    await http.get("/device")
    for csrf in ("", "AAAAAAAAAAAAAAAAAAAAAA", stolen):
        form = {"csrf": csrf, "user_code": asked["user_code"], "decision": "deny"}
        assert "open for too long" in (await http.post("/device", data=form)).text
    refused(await device.poll(asked["device_code"]), "authorization_pending")


async def test_only_the_device_itself_gets_the_tokens(
    http: httpx.AsyncClient, device: Device, node: Node
):
    await node.change(create, "radio")
    code = (await device.asked())["device_code"]
    radio = Device(device.http, device.clock, "radio")
    refused(await radio.poll(code), "invalid_grant")
    refused(await device.poll("A" * 43), "invalid_grant")
    form = {"client_id": "tv", "grant_type": "refresh_token", "refresh_token": code}
    refused(await http.post("/oidc/token", data=form), "invalid_grant")


async def test_only_applications_for_devices_may_ask(device: Device):
    refused(await Device(device.http, device.clock, "native").ask(), "unauthorized_client")
    refused(await device.ask(client_id="nobody"), "invalid_client", 401)
    refused(await device.ask(prompt="none"), "invalid_request")
    refused(await device.ask(resource="https://unknown.example"), "invalid_target")
    params = {"client_id": "tv", "response_type": "code", "redirect_uri": "https://x.example/"}
    refused(await device.http.get("/oidc/auth", params=params), "invalid_redirect_uri")


async def test_the_pages_allow_no_script_and_no_frame(http: httpx.AsyncClient, device: Device):
    page = await type_code(http, (await device.asked())["user_code"])
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "<script" not in page.text


async def test_it_is_announced(http: httpx.AsyncClient):
    document = (await http.get("/oidc/.well-known/openid-configuration")).json()
    assert document["device_authorization_endpoint"] == f"{ISSUER}/device/auth"
    assert GRANT in document["grant_types_supported"]
