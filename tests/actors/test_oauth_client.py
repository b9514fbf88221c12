"""This server as a client of providers: what it sends, and what it believes."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest

from gatehouse.actors.connectors.social.backchannel import REFETCH_S, Backchannel
from gatehouse.actors.connectors.social.oauth_client import (
    MAX_CODE,
    Handshake,
    OAuthClient,
    TokenSet,
    check_issuer,
    code_of,
    new_handshake,
)
from gatehouse.actors.connectors.social.oidc_client import IdTokenRules, verify_id_token
from gatehouse.actors.outbound import Outbound
from gatehouse.actors.refusal import Reason, Refused
from tests.servers.identity_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    Answer,
    IdentityProvider,
    SigningKey,
    as_json,
    as_text,
    open_identity_provider,
)

BACK = "https://gatehouse.example/callback/one"


@dataclass
class Meeting:
    """A client, a provider, and the way between them."""

    provider: IdentityProvider
    backchannel: Backchannel
    client: OAuthClient

    async def redeem(self, handshake: Handshake, **parameters: str | None) -> TokenSet:
        uri = self.client.authorization_uri(handshake, **parameters)
        answer = await self.provider.visit(uri)
        return await self.client.redeem(self.backchannel, handshake, code_of(handshake, answer))

    async def claims(self, **rules: Any) -> dict[str, Any]:
        """Sign in with OpenID Connect and believe the ID token, or not."""
        handshake = new_handshake(BACK)
        tokens = await self.redeem(handshake, scope="openid", nonce=handshake.nonce)
        return await self.verify(tokens.id_token, nonce=handshake.nonce, **rules)

    async def verify(
        self, token: str | None, nonce: str | None = None, **rules: Any
    ) -> dict[str, Any]:
        told = IdTokenRules(
            jwks_uri=self.provider.at("jwks"), audience=CLIENT_ID, issuers=(self.provider.issuer,)
        )
        return await verify_id_token(self.backchannel, replace(told, **rules), token, nonce=nonce)


@pytest.fixture
async def meeting() -> AsyncIterator[Meeting]:
    async with open_identity_provider() as provider:
        backchannel = Backchannel(Outbound(allow_private=True), lambda: time.time_ns() // 1_000_000)
        client = OAuthClient(
            CLIENT_ID, CLIENT_SECRET, provider.at("authorize"), provider.at("token")
        )
        yield Meeting(provider, backchannel, client)


def test_an_authorization_request_says_what_it_must() -> None:
    client = OAuthClient(
        "id", "secret", "https://idp.example/auth?tenant=a", "", extra={"kind": "x", "state": "y"}
    )
    handshake = new_handshake(BACK, "chosen")
    url = urlsplit(client.authorization_uri(handshake, scope="a b", prompt=None))
    assert (url.netloc, url.path) == ("idp.example", "/auth")
    assert dict(parse_qsl(url.query)) == {
        "tenant": "a",
        "kind": "x",
        "client_id": "id",
        "response_type": "code",
        "redirect_uri": BACK,
        "state": "chosen",
        "scope": "a b",
        "code_challenge": handshake.code_challenge,
        "code_challenge_method": "S256",
    }


def test_handshakes_are_never_the_same_and_show_nothing() -> None:
    one, other = new_handshake(BACK), new_handshake(BACK)
    assert one.state != other.state
    assert one.nonce != other.nonce
    assert one.code_verifier != other.code_verifier
    assert one.code_verifier is not None
    assert 43 <= len(one.code_verifier) <= 128
    assert one.state not in repr(one)


@pytest.mark.parametrize(
    "method", ["client_secret_basic", "client_secret_post", "client_secret_jwt"]
)
async def test_a_code_is_redeemed_by_a_client_that_proves_itself(
    meeting: Meeting, method: Any
) -> None:
    meeting.client = replace(meeting.client, authentication=method)
    tokens = await meeting.redeem(new_handshake(BACK), scope="read")
    assert tokens == TokenSet(
        access_token="access-1",
        refresh_token="refresh-1",
        token_type="Bearer",
        scope="read",
        expires_in=3600,
    )
    assert "access-1" not in repr(tokens)
    sent = meeting.provider.asked[-1]
    assert ("client_secret" in sent.fields) == (method == "client_secret_post")


async def test_another_secret_is_refused(meeting: Meeting) -> None:
    meeting.client = replace(meeting.client, client_secret="another")
    with pytest.raises(Refused) as refused:
        await meeting.redeem(new_handshake(BACK))
    assert refused.value.reason is Reason.CONNECTOR_FAILED
    assert refused.value.params["description"] == "the provider answered invalid_client"


async def test_a_code_that_was_begun_elsewhere_is_of_no_use(meeting: Meeting) -> None:
    begun = new_handshake(BACK)
    answer = await meeting.provider.visit(meeting.client.authorization_uri(begun))
    injected = new_handshake(BACK, begun.state)
    with pytest.raises(Refused) as refused:
        await meeting.client.redeem(meeting.backchannel, injected, code_of(injected, answer))
    assert refused.value.reason is Reason.AUTH_CODE_INVALID


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({}, Reason.AUTH_CODE_INVALID),
        ({"code": ""}, Reason.AUTH_CODE_INVALID),
        ({"code": 1}, Reason.AUTH_CODE_INVALID),
        ({"code": "c" * (MAX_CODE + 1)}, Reason.AUTH_CODE_INVALID),
        ({"code": "c", "state": "another"}, Reason.VERIFICATION_FAILED),
        ({"code": "c", "state": 1}, Reason.VERIFICATION_FAILED),
        ({"error": "access_denied", "state": "mine"}, Reason.AUTHORIZATION_FAILED),
        ({"error": "server_error"}, Reason.CONNECTOR_FAILED),
        ({"error": ["<script>"]}, Reason.CONNECTOR_FAILED),
    ],
)
def test_an_answer_that_is_none_is_refused(answer: dict[str, Any], reason: Reason) -> None:
    with pytest.raises(Refused) as refused:
        code_of(new_handshake(BACK, "mine"), answer)
    assert refused.value.reason is reason
    assert "<script" not in str(refused.value.params)


def test_rfc_9207_an_answer_of_another_provider_is_refused() -> None:
    check_issuer({"code": "c"}, ("https://one.example",))
    check_issuer({"iss": "https://one.example"}, ("https://one.example",))
    check_issuer({"iss": "https://any.example"}, ())
    with pytest.raises(Refused):
        check_issuer({"iss": "https://other.example"}, ("https://one.example",))


async def test_tokens_may_come_as_a_form(meeting: Meeting) -> None:
    meeting.provider.answers["/token"] = as_text("access_token=a&token_type=bearer&expires_in=60")
    tokens = await meeting.redeem(new_handshake(BACK))
    assert tokens == TokenSet(access_token="a", token_type="bearer", expires_in=60)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (as_json({}), Reason.CONNECTOR_RESPONSE_INVALID),
        (as_json([]), Reason.CONNECTOR_RESPONSE_INVALID),
        (as_json({"access_token": 1}), Reason.CONNECTOR_RESPONSE_INVALID),
        (as_text("[" * 60_000), Reason.CONNECTOR_RESPONSE_INVALID),
        (as_json({"error": "bad_verification_code"}), Reason.AUTH_CODE_INVALID),
        (as_json({"error": "<b>"}, 400), Reason.CONNECTOR_FAILED),
        (as_text("oops", 500), Reason.CONNECTOR_FAILED),
    ],
)
async def test_an_answer_without_tokens_is_refused(
    meeting: Meeting, answer: Answer, reason: Reason
) -> None:
    meeting.provider.answers["/token"] = answer
    with pytest.raises(Refused) as refused:
        await meeting.redeem(new_handshake(BACK))
    assert refused.value.reason is reason


async def test_a_provider_that_is_gone_is_told_of(meeting: Meeting) -> None:
    meeting.client = replace(meeting.client, token_endpoint="http://127.0.0.1:1/token")
    with pytest.raises(Refused) as refused:
        await meeting.redeem(new_handshake(BACK))
    assert refused.value.reason is Reason.CONNECTOR_FAILED


async def test_tokens_are_renewed_and_the_refresh_token_stays(meeting: Meeting) -> None:
    tokens = await meeting.client.refresh(meeting.backchannel, "refresh-1")
    assert (tokens.access_token, tokens.refresh_token) == ("renewed", "refresh-1")
    with pytest.raises(Refused):
        await meeting.client.refresh(meeting.backchannel, "another")


async def test_a_protected_resource_is_asked_with_the_token(meeting: Meeting) -> None:
    url = meeting.provider.at("userinfo")
    assert await meeting.backchannel.protected(url, "access-1") == meeting.provider.person
    with pytest.raises(Refused) as refused:
        await meeting.backchannel.protected(url, "another")
    assert refused.value.reason is Reason.PROVIDER_TOKEN_INVALID


# ID tokens


async def test_an_id_token_is_believed(meeting: Meeting) -> None:
    meeting.provider.person = {"sub": "42", "name": "Ada"}
    claims = await meeting.claims()
    assert (claims["sub"], claims["name"]) == ("42", "Ada")


NOW = int(time.time())


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "https://another.example"},
        {"iss": None},
        {"aud": "another-client"},
        {"aud": [CLIENT_ID, "another-client"]},
        {"azp": "another-client"},
        {"exp": NOW - 3600},
        {"exp": None},
        {"exp": "soon"},
        {"nbf": NOW + 3600},
        {"iat": NOW + 3600},
        {"nonce": "another"},
        {"nonce": None},
        {"sub": None},
        {"sub": 7},
        {"sub": ""},
    ],
    ids=lambda change: (
        str(change).replace(str(NOW + 3600), "later").replace(str(NOW - 3600), "past")
    ),
)
async def test_openid_connect_core_3_1_3_7_an_id_token_that_is_wrong_is_refused(
    meeting: Meeting, change: dict[str, Any]
) -> None:
    def tampered(claims: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in (claims | change).items() if value is not None}

    meeting.provider.tamper = tampered
    with pytest.raises(Refused) as refused:
        await meeting.claims()
    assert refused.value.reason is Reason.ID_TOKEN_INVALID


async def test_several_audiences_need_a_party(meeting: Meeting) -> None:
    meeting.provider.tamper = lambda claims: {
        **claims,
        "aud": [CLIENT_ID, "another"],
        "azp": CLIENT_ID,
    }
    assert (await meeting.claims())["azp"] == CLIENT_ID


async def test_an_operator_can_ask_for_more(meeting: Meeting) -> None:
    await meeting.claims(subject="person-1", algorithms=("ES256",), max_age=300, type="JWT")
    for rules in (
        {"subject": "person-2"},
        {"algorithms": ("RS256",)},
        {"type": "logout+jwt"},
        {"max_age": -3600},
    ):
        with pytest.raises(Refused):
            await meeting.claims(**rules)


def unsigned(claims: dict[str, Any]) -> str:
    return jwt.encode(claims, "", "none")


def signed_with_the_secret(claims: dict[str, Any]) -> str:
    return jwt.encode(claims, CLIENT_SECRET, "HS256", {"kid": "first"})


def signed_by_another(claims: dict[str, Any]) -> str:
    return SigningKey("first").sign(claims)


@pytest.mark.parametrize(
    "forge",
    [
        unsigned,
        signed_with_the_secret,
        signed_by_another,
        lambda claims: None,
        lambda claims: "no.token.at-all",
        lambda claims: "x" * 100_000,
    ],
)
async def test_a_forged_id_token_is_refused(meeting: Meeting, forge: Any) -> None:
    claims = {
        "iss": meeting.provider.issuer,
        "aud": CLIENT_ID,
        "sub": "person-1",
        "exp": int(time.time()) + 300,
    }
    assert await meeting.verify(meeting.provider.key.sign(claims))
    with pytest.raises(Refused) as refused:
        await meeting.verify(forge(claims))
    assert refused.value.reason is Reason.ID_TOKEN_INVALID


async def test_keys_are_fetched_once_and_again_for_a_new_key(meeting: Meeting) -> None:
    await meeting.claims()
    await meeting.claims()
    assert meeting.provider.count("jwks") == 1
    meeting.provider.key = SigningKey("second")
    with pytest.raises(Refused):  # not again so soon
        await meeting.claims()
    assert meeting.provider.count("jwks") == 1
    meeting.backchannel._documents = {
        url: (fetched - REFETCH_S, document)
        for url, (fetched, document) in meeting.backchannel._documents.items()
    }
    await meeting.claims()
    assert meeting.provider.count("jwks") == 2
