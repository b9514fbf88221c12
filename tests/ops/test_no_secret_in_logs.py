"""A sign-in and an operator's work, logged as loudly as can be, leave no secret in the log."""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64encode
from functools import partial
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.ops.conftest import Install

PASSWORD = "correct-Horse-7-battery"
CLIENT_SECRET = "a-secret-for-the-manager"


class SignIn:
    """A browser and an application that sign the demo user in, and remember every secret."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.browser = httpx.Client(base_url=url)
        self.verifier = secrets.token_urlsafe(32)
        self.seen = {PASSWORD, CLIENT_SECRET, self.verifier}

    def run(self) -> None:
        code = self.authorize()
        tokens = self.redeem({"grant_type": "authorization_code", "code": code})
        refreshed = self.redeem(
            {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
        )
        bearer = {"authorization": f"Bearer {refreshed['access_token']}"}
        self.browser.get("/oidc/me", headers=bearer).raise_for_status()

    def authorize(self) -> str:
        digest = sha256(self.verifier.encode()).digest()
        query = {
            "client_id": "demo-app",
            "redirect_uri": f"{self.url}/demo-app",
            "response_type": "code",
            "scope": "openid offline_access profile",
            "prompt": "consent",
            "state": secrets.token_urlsafe(16),
            "code_challenge": urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        self.browser.get("/oidc/auth", params=query)
        experience = "/api/experience"
        self.browser.put(experience, json={"interactionEvent": "SignIn"}).raise_for_status()
        for password in (f"{PASSWORD}-not", PASSWORD):
            self.seen.add(password)
            answer = self.browser.post(
                f"{experience}/verification/password",
                json={
                    "identifier": {"type": "username", "value": "demo"},
                    "password": password,
                },
            )
        self.browser.post(
            f"{experience}/identification",
            json={"verificationId": answer.json()["verificationId"]},
        ).raise_for_status()
        location = self.browser.post(f"{experience}/submit").json()["redirectTo"]
        while "code=" not in location:
            self.remember_cookies()
            answer = self.browser.get(location)
            assert answer.has_redirect_location, answer.text
            location = answer.headers["location"]
        code = parse_qs(urlsplit(location).query)["code"][0]
        self.seen.add(code)
        return code

    def redeem(self, grant: dict[str, str]) -> dict[str, str]:
        answer = self.browser.post(
            "/oidc/token",
            data={
                **grant,
                "client_id": "demo-app",
                "redirect_uri": f"{self.url}/demo-app",
                "code_verifier": self.verifier,
            },
        )
        assert answer.status_code == 200, answer.text
        tokens: dict[str, str] = answer.json()
        self.seen |= {text for name, text in tokens.items() if name.endswith("_token")}
        return tokens

    def remember_cookies(self) -> None:
        self.seen |= {
            cookie.value
            for cookie in self.browser.cookies.jar
            if cookie.value and cookie.name != "_logto"
        }


def make_secrets(url: str, token: str) -> set[str]:
    """An operator makes one of everything that has a secret, and shows what they were given."""
    manager = httpx.Client(base_url=url, headers={"authorization": f"Bearer {token}"}, timeout=30)
    post = partial(_post, manager)
    found = manager.get("/api/users")
    assert found.is_success, found.text
    user = f"/api/users/{found.json()[0]['id']}"
    application = post("/api/applications", name="Web", type="Traditional")
    secret = post(f"/api/applications/{application['id']}/secrets", name="mine")
    totp = post(f"{user}/mfa-verifications", type="Totp")
    codes = post(f"{user}/mfa-verifications", type="BackupCode")["codes"]
    link = post("/api/one-time-tokens", email="somebody@example.com")
    pat = post(f"{user}/personal-access-tokens", name="mine")
    hook = post(
        "/api/hooks", name="h", events=["User.Created"], config={"url": "https://a.example"}
    )
    providers = {"social": secrets.token_hex(12), "company": secrets.token_hex(12)}
    post(
        "/api/connectors",
        connectorId="github-universal",
        config={"clientId": "us", "clientSecret": providers["social"]},
    )
    config = {"clientId": "us", "clientSecret": providers["company"]}
    config["issuer"] = "https://company.invalid"
    company = {"providerName": "OIDC", "connectorName": "Company", "config": config}
    assert manager.post("/api/sso-connectors", json=company).status_code == 400
    post("/api/saml-applications", name="Service provider")
    return {
        secret["value"],
        totp["secret"],
        *codes,
        link["token"],
        pat["value"],
        hook["signingKey"],
        *providers.values(),
    }


def _post(client: httpx.Client, path: str, **body: object) -> Any:
    answer = client.post(path, json=body)
    assert answer.is_success, answer.text
    return answer.json()


def test_signing_in_and_managing_leave_no_secret_in_the_log(install: Install) -> None:
    gatehouse = install(
        LOG_LEVEL="debug",
        ACCESS_LOG="true",
        DEMO_PASSWORD=PASSWORD,
        M2M_CLIENT_ID="manager",
        M2M_CLIENT_SECRET=CLIENT_SECRET,
    )
    gatehouse.start()
    sign_in = SignIn(gatehouse.url.replace("127.0.0.1", "localhost"))
    sign_in.run()
    manager = {"grant_type": "client_credentials", "scope": "all"}
    manager["resource"] = "https://default.logto.app/api"
    token = httpx.post(
        f"{gatehouse.url}/oidc/token", data=manager, auth=("manager", CLIENT_SECRET)
    ).json()["access_token"]
    seen = {*sign_in.seen, token, *make_secrets(gatehouse.url, token)}
    # What goes wrong is logged in most detail: ask wrongly with every secret there is.
    for secret in seen:
        httpx.get(f"{gatehouse.url}/oidc/me", headers={"authorization": f"Bearer {secret}"})
        httpx.get(f"{gatehouse.url}/one-time-token", params={"one_time_token": secret})
        httpx.post(
            f"{gatehouse.url}/oidc/token",
            data={"grant_type": "authorization_code", "client_id": "demo-app", "code": secret},
        )
    gatehouse.stop()
    log = gatehouse.log.read_text()
    assert log.count('"request_id"') > 10
    assert [secret for secret in seen if secret in log] == []
    assert "PRIVATE KEY" not in log
