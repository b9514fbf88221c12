"""What a client of Logto's API does: get a token, make users, sign in. Requests, no waiting."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from bench.client import Answer, LoadError, Session, ask, request
from bench.servers import Server

MANAGEMENT = "https://default.logto.app/api"
PASSWORD = "correct-Horse-7-battery"
FORM = ("content-type", "application/x-www-form-urlencoded")
JSON = ("content-type", "application/json")
SIGN_IN_REQUESTS = 9


def host_of(url: str) -> str:
    """The Host field for a server."""
    return urlsplit(url).netloc


def token_request(server: Server) -> bytes:
    """A client_credentials request for the Management API (RFC 6749 section 4.4, RFC 8707)."""
    credentials = f"{server.client_id}:{server.client_secret}".encode()
    basic = ("authorization", f"Basic {base64.b64encode(credentials).decode()}")
    form = {"grant_type": "client_credentials", "resource": MANAGEMENT, "scope": "all"}
    body = urlencode(form).encode()
    return request("POST", "/oidc/token", host_of(server.url), FORM, basic, body=body)


def make_users(server: Server, count: int) -> list[str]:
    """Users with `PASSWORD`, made through the Management API; their names."""
    answer = ask(server.url, token_request(server))
    token = json.loads(_expect(answer, 200).body)["access_token"]
    bearer = ("authorization", f"Bearer {token}")
    names = [f"bench_{secrets.token_hex(6)}" for _ in range(count)]
    for name in names:
        body = json.dumps({"username": name, "password": PASSWORD}).encode()
        data = request("POST", "/api/users", host_of(server.url), JSON, bearer, body=body)
        _expect(ask(server.url, data), 200)
    return names


class Management:
    """The Management API of a server, as the bearer of a token sees it."""

    def __init__(self, server: Server) -> None:
        answer = ask(server.url, token_request(server))
        token = json.loads(_expect(answer, 200).body)["access_token"]
        self._url, self._host = server.url, host_of(server.url)
        self._bearer = ("authorization", f"Bearer {token}")

    def request(self, method: str, path: str, body: object = None) -> bytes:
        """A request, with a JSON body if there is one."""
        if body is None:
            return request(method, path, self._host, self._bearer)
        data = json.dumps(body).encode()
        return request(method, path, self._host, JSON, self._bearer, body=data)

    def create(self, path: str, body: object) -> str:
        """Create something; its id."""
        answer = _expect(ask(self._url, self.request("POST", path, body)), 200, 201)
        return str(json.loads(answer.body)["id"])


def _expect(answer: Answer, *statuses: int) -> Answer:
    if answer.status not in statuses:
        raise LoadError(f"the server answers {answer.status}: {answer.body[:300]!r}")
    return answer


@dataclass
class _Browser:
    """Cookies, and the requests of a browser that has them."""

    host: str
    cookies: dict[str, str] = field(default_factory=dict)

    def request(self, method: str, path: str, body: object = None) -> bytes:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        fields = [("cookie", cookie)] if cookie else []
        if body is None:
            return request(method, path, self.host, *fields)
        return request(method, path, self.host, JSON, *fields, body=json.dumps(body).encode())

    def keep(self, answer: Answer, *statuses: int) -> Answer:
        for line in _expect(answer, *statuses).header("set-cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            if value:
                self.cookies[name] = value
            else:
                self.cookies.pop(name, None)
        return answer

    def follow(self, answer: Answer) -> bytes:
        (location,) = answer.header("location")
        return self.request("GET", _path(location))


def _path(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def sign_in(server: Server, username: str) -> Session:
    """The nine requests from the authorization endpoint to the tokens, with PKCE (RFC 7636)."""
    browser = _Browser(host_of(server.url))
    verifier = secrets.token_urlsafe(32)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
    query = {
        "client_id": server.application,
        "redirect_uri": server.redirect_uri,
        "response_type": "code",
        "scope": "openid profile",
        "state": secrets.token_urlsafe(8),
        "code_challenge": challenge.rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    browser.keep((yield browser.request("GET", f"/oidc/auth?{urlencode(query)}")), 303)
    event = {"interactionEvent": "SignIn"}
    browser.keep((yield browser.request("PUT", "/api/experience", event)), 204)
    identifier = {"identifier": {"type": "username", "value": username}, "password": PASSWORD}
    path = "/api/experience/verification/password"
    answer = browser.keep((yield browser.request("POST", path, identifier)), 200)
    verified = {"verificationId": json.loads(answer.body)["verificationId"]}
    path = "/api/experience/identification"
    browser.keep((yield browser.request("POST", path, verified)), 204)
    answer = browser.keep((yield browser.request("POST", "/api/experience/submit", {})), 200)
    path = _path(json.loads(answer.body)["redirectTo"])
    answer = browser.keep((yield browser.request("GET", path)), 302, 303)
    answer = browser.keep((yield browser.follow(answer)), 302, 303)
    answer = browser.keep((yield browser.follow(answer)), 302, 303)
    (location,) = answer.header("location")
    code = dict(pair.split("=", 1) for pair in urlsplit(location).query.split("&"))["code"]
    form = {
        "grant_type": "authorization_code",
        "client_id": server.application,
        "redirect_uri": server.redirect_uri,
        "code": code,
        "code_verifier": verifier,
    }
    body = urlencode(form).encode()
    _expect((yield request("POST", "/oidc/token", browser.host, FORM, body=body)), 200)
