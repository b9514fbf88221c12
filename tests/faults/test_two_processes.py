"""The same thing at the same instant at two servers, each a process of its own: one winner.

Other tests interleave nodes within one process, where they can also move the clock. Here nothing is
shared but Redis, the database and the settings, as on two machines.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pyotp
import pytest
import trio

from gatehouse.http.logto.access import management_audience
from gatehouse.http.oidc.grants.token_exchange import IMPERSONATION
from tests.http.oidc.house import challenge_of, sent_to
from tests.http.oidc.test_device_flow import GRANT, confirm
from tests.ops.installation import Installation
from tests.servers.valkey import Valkey

TIMES = 6
"""How many do the same at once, half of them at either server."""

CALLBACK = "https://app.example/callback"
PASSWORD = "Correct-Horse-9"
KEY = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
CODES = [f"{number:010x}" for number in range(10)]
VERIFIER = "v" * 43
MANAGER = ("management0000000000a", "the management application's secret")


@dataclass
class Pair:
    """Two servers that are one installation, and what was set up in it."""

    urls: tuple[str, str]
    headers: dict[str, str]
    spa: str = ""
    device: str = ""
    exchanger: str = ""
    user: str = ""
    connector: str = ""

    def manage(self, method: str, path: str, body: Any = None) -> Any:
        """A request of an operator's."""
        answer = httpx.request(
            method, f"{self.urls[0]}/api{path}", json=body, headers=self.headers, timeout=30
        )
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _application(pair: Pair, kind: str, **metadata: Any) -> str:
    redirects = [] if metadata.get("isDeviceFlow") else [CALLBACK]
    made = pair.manage(
        "POST",
        "/applications",
        {
            "name": kind,
            "type": kind,
            "oidcClientMetadata": {"redirectUris": redirects, "postLogoutRedirectUris": []},
            "customClientMetadata": metadata,
        },
    )
    return str(made["id"])


def _furnish(pair: Pair) -> None:
    pair.spa = _application(pair, "SPA")
    pair.device = _application(pair, "Native", isDeviceFlow=True)
    pair.exchanger = _application(pair, "SPA", allowTokenExchange=True)
    ada = {"username": "ada", "password": PASSWORD, "primaryEmail": "ada@example.com"}
    pair.user = pair.manage("POST", "/users", ada)["id"]
    factors = f"/users/{pair.user}/mfa-verifications"
    pair.manage("POST", factors, {"type": "Totp", "secret": KEY})
    pair.manage("POST", factors, {"type": "BackupCode", "codes": CODES})
    mock = {
        "connectorId": "mock-social-connector",
        "config": {"clientId": "c", "clientSecret": "s"},
    }
    pair.connector = pair.manage("POST", "/connectors", mock)["id"]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, server_directory: Path) -> Iterator[Pair]:
    """Two servers over one Valkey and one database."""
    valkey = Valkey(server_directory / "pair")
    valkey.start()
    directory = tmp_path_factory.mktemp("pair")
    ports = (_free_port(), _free_port())
    urls = (f"http://127.0.0.1:{ports[0]}", f"http://127.0.0.1:{ports[1]}")
    settings = {
        "PUBLIC_URL": urls[0],
        "DATABASE_URL": f"sqlite:///{directory / 'shared.db'}",
        "REDIS_URL": valkey.url,
        "SECRET_KEYS": "s" * 43,
        "VAULT_KEYS": "k1:" + "A" * 43,
        "M2M_CLIENT_ID": MANAGER[0],
        "M2M_CLIENT_SECRET": MANAGER[1],
        "MOCK_CONNECTORS": str(directory),
        "HASH_THREADS": "1",
    }
    nodes = []
    try:
        for number, port in enumerate(ports):
            (directory / str(number)).mkdir()
            node = Installation(directory / str(number), **settings, BIND=f"127.0.0.1:{port}")
            nodes.append(node)
            node.start()
        grant = {
            "grant_type": "client_credentials",
            "resource": management_audience("default"),
            "scope": "all",
        }
        answer = httpx.post(f"{urls[0]}/oidc/token", data=grant, auth=MANAGER)
        pair = Pair(urls, {"authorization": f"Bearer {answer.json()['access_token']}"})
        _furnish(pair)
        yield pair
    finally:
        for node in nodes:
            node.close()
        valkey.stop()


@pytest.fixture
async def visitors(pair: Pair) -> AsyncIterator[Callable[[], httpx.AsyncClient]]:
    """Makes browsers, at the first of the servers."""
    made: list[httpx.AsyncClient] = []

    def visitor() -> httpx.AsyncClient:
        made.append(httpx.AsyncClient(base_url=pair.urls[0], timeout=30))
        return made[-1]

    yield visitor
    for each in made:
        await each.aclose()


Visitors = Callable[[], httpx.AsyncClient]
Job = Callable[[str], Awaitable[httpx.Response]]


async def at_once(pair: Pair, job: Job, *more: Job) -> list[httpx.Response]:
    """The answers to one job done several times, or to several jobs, by both servers in turn."""
    jobs = (job, *more) if more else (job,) * TIMES
    answers: list[httpx.Response | None] = [None] * len(jobs)

    async def run(number: int) -> None:
        answers[number] = await jobs[number](pair.urls[number % 2])

    async with trio.open_nursery() as nursery:
        for number in range(len(jobs)):
            nursery.start_soon(run, number)
    return [one for one in answers if one is not None]


def statuses(answers: list[httpx.Response]) -> list[int]:
    return sorted(one.status_code for one in answers)


def request(client_id: str) -> dict[str, str]:
    return {
        "client_id": client_id,
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "scope": "openid offline_access",
        "prompt": "consent",
        "state": "state",
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
    }


async def experience(
    http: httpx.AsyncClient, app: str, path: str, body: Any = None, *, method: str = "POST"
) -> Any:
    """A step of a sign-in that has to succeed."""
    headers = {"logto-app-id": app}
    answer = await http.request(method, f"/api/experience{path}", json=body, headers=headers)
    assert answer.status_code < 300, answer.text
    return answer.json() if answer.content else None


async def arrived(http: httpx.AsyncClient, app: str, event: str = "SignIn") -> None:
    """A browser that was sent here, with an interaction that has begun."""
    sent_to(await http.get("/oidc/auth", params=request(app)), "/sign-in")
    await experience(http, app, "", {"interactionEvent": event}, method="PUT")


async def identified(http: httpx.AsyncClient, app: str) -> httpx.AsyncClient:
    """A browser in which somebody has given their password."""
    name = {"type": "username", "value": "ada"}
    body = {"identifier": name, "password": PASSWORD}
    verified = await experience(http, app, "/verification/password", body)
    await experience(http, app, "/identification", verified)
    return http


async def proven(http: httpx.AsyncClient, app: str) -> httpx.AsyncClient:
    """A browser in which they have shown their second factor, too; each time another code."""
    code = CODES.pop()
    await experience(http, app, "/verification/backup-code/verify", {"code": code})
    return http


async def consented(http: httpx.AsyncClient, answer: httpx.Response) -> str:
    """From the consent page to a code."""
    sent_to(answer, "/consent")
    answer = await http.get(answer.headers["location"])
    answer = await http.get(answer.headers["location"])
    return sent_to(answer, CALLBACK)["code"]


async def signed_in(http: httpx.AsyncClient, app: str) -> str:
    """The whole way to a code."""
    await arrived(http, app)
    await proven(await identified(http, app), app)
    submitted = await experience(http, app, "/submit")
    return await consented(http, await http.get(submitted["redirectTo"]))


def redemption(app: str, code: str) -> dict[str, str]:
    return {
        "client_id": app,
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    }


def shown(http: httpx.AsyncClient, app: str, path: str, body: Any) -> Job:
    """A browser does a step of its sign-in at one of the servers."""

    async def step(url: str) -> httpx.Response:
        headers = {"logto-app-id": app}
        return await http.post(f"{url}/api/experience{path}", json=body, headers=headers)

    return step


async def test_a_code_is_redeemed_once_and_a_refresh_has_one_successor(
    pair: Pair, visitors: Visitors
) -> None:
    http = visitors()
    code = await signed_in(http, pair.spa)
    form = redemption(pair.spa, code)
    answers = await at_once(pair, lambda url: http.post(f"{url}/oidc/token", data=form))
    winners = [one.json() for one in answers if one.status_code == 200]
    assert len(winners) <= 1
    for one in winners:  # the others presented a code that was used: all of it is revoked
        bearer = {"authorization": f"Bearer {one['access_token']}"}
        assert (await http.get("/oidc/me", headers=bearer)).status_code == 401

    again = await http.get("/oidc/auth", params=request(pair.spa))
    code = await consented(http, again)
    token = (await http.post("/oidc/token", data=redemption(pair.spa, code))).json()
    form = {
        "client_id": pair.spa,
        "grant_type": "refresh_token",
        "refresh_token": token["refresh_token"],
    }
    answers = await at_once(pair, lambda url: http.post(f"{url}/oidc/token", data=form))
    assert statuses(answers) == [200] * TIMES
    assert len({one.json()["refresh_token"] for one in answers}) == 1


async def test_two_tabs_and_a_double_submit_are_one_sign_in(pair: Pair, visitors: Visitors) -> None:
    http, app = visitors(), pair.spa
    await arrived(http, app)
    await proven(await identified(http, app), app)
    submits = await at_once(pair, shown(http, app, "/submit", None))
    ways = {one.json()["redirectTo"] for one in submits if one.status_code == 200}
    assert len(ways) == 1
    path = ways.pop().removeprefix(pair.urls[0])
    resumed = await at_once(pair, lambda url: http.get(f"{url}{path}"))
    assert statuses(resumed) == [303] + [400] * (TIMES - 1)


async def test_a_device_code_gives_tokens_once(pair: Pair, visitors: Visitors) -> None:
    http, app = visitors(), pair.device
    asking = {"client_id": app, "scope": "openid offline_access"}
    asked = (await http.post("/oidc/device/auth", data=asking)).json()
    sent_to(await confirm(http, asked["user_code"]), "/sign-in")
    await experience(http, app, "", {"interactionEvent": "SignIn"}, method="PUT")
    await proven(await identified(http, app), app)
    back = await http.get((await experience(http, app, "/submit"))["redirectTo"])
    back = await http.get(back.headers["location"])
    sent_to(await http.get(back.headers["location"]), "/device/success")
    form = {"client_id": app, "grant_type": GRANT, "device_code": asked["device_code"]}
    answers = await at_once(pair, lambda url: http.post(f"{url}/oidc/token", data=form))
    assert statuses(answers) == [200] + [400] * (TIMES - 1)


async def test_a_pushed_request_is_taken_once(pair: Pair, visitors: Visitors) -> None:
    http = visitors()
    pushed = (await http.post("/oidc/request", data=request(pair.spa))).json()
    params = {"client_id": pair.spa, "request_uri": pushed["request_uri"]}
    answers = await at_once(pair, lambda url: http.get(f"{url}/oidc/auth", params=params))
    assert statuses(answers) == [303] + [400] * (TIMES - 1)


async def test_a_subject_token_is_exchanged_once(pair: Pair, visitors: Visitors) -> None:
    http = visitors()
    made = pair.manage("POST", "/subject-tokens", {"userId": pair.user})
    form = {
        "client_id": pair.exchanger,
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": made["subjectToken"],
        "subject_token_type": IMPERSONATION,
    }
    answers = await at_once(pair, lambda url: http.post(f"{url}/oidc/token", data=form))
    assert statuses(answers) == [200] + [400] * (TIMES - 1)


@pytest.mark.parametrize("factor", ["totp", "backup-code"])
async def test_a_second_factor_is_good_once(pair: Pair, visitors: Visitors, factor: str) -> None:
    browsers = [visitors() for _ in range(4)]
    for http in browsers:
        await arrived(http, pair.spa)
        await identified(http, pair.spa)
    given = {"code": pyotp.TOTP(KEY).now() if factor == "totp" else CODES.pop()}
    path = f"/verification/{factor}/verify"
    answers = await at_once(pair, *[shown(http, pair.spa, path, given) for http in browsers])
    assert statuses(answers) == [200, 400, 400, 400]


async def test_a_one_time_token_is_good_once(pair: Pair, visitors: Visitors) -> None:
    made = pair.manage("POST", "/one-time-tokens", {"email": "ada@example.com"})
    body = {"identifier": {"type": "email", "value": made["email"]}, "token": made["token"]}
    browsers = [visitors() for _ in range(4)]
    for http in browsers:
        await arrived(http, pair.spa)
    path = "/verification/one-time-token/verify"
    answers = await at_once(pair, *[shown(http, pair.spa, path, body) for http in browsers])
    assert statuses(answers) == [200, 400, 400, 400]


async def test_what_a_social_provider_answers_is_looked_at_once(
    pair: Pair, visitors: Visitors
) -> None:
    http, app = visitors(), pair.spa
    await arrived(http, app)
    path = f"/verification/social/{pair.connector}"
    back = f"{pair.urls[0]}/callback/{pair.connector}"
    asked = {"state": "state", "redirectUri": back}
    begun = await experience(http, app, f"{path}/authorization-uri", asked)
    answer = {"code": "code", "state": "state", "redirectUri": back, "userId": "somebody"}
    body = {"verificationId": begun["verificationId"], "connectorData": answer}
    answers = await at_once(pair, shown(http, app, f"{path}/verify", body))
    assert [one for one in statuses(answers) if one == 200] == [200]
    assert all(status < 500 for status in statuses(answers))


async def test_of_two_who_register_one_name_one_has_it(pair: Pair, visitors: Visitors) -> None:
    name = {"type": "username", "value": "newcomer"}
    body = {"identifier": name, "password": PASSWORD}
    browsers = [visitors() for _ in range(4)]
    jobs = []
    for http in browsers:
        await arrived(http, pair.spa, "Register")
        made = await experience(http, pair.spa, "/verification/new-password-identity", body)
        jobs.append(shown(http, pair.spa, "/identification", made))
    answers = await at_once(pair, *jobs)
    assert [one for one in statuses(answers) if one < 300] == [201]
    assert {one for one in statuses(answers) if one >= 300} == {422}
