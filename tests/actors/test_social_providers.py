"""Each provider: where it sends people, and whom it takes them for afterwards."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from gatehouse.actors.connectors.factories import FACTORIES
from gatehouse.actors.connectors.factory import InvalidConfig
from gatehouse.actors.connectors.social.apple import Apple
from gatehouse.actors.connectors.social.azuread import AzureAd
from gatehouse.actors.connectors.social.backchannel import Backchannel
from gatehouse.actors.connectors.social.discord import Discord
from gatehouse.actors.connectors.social.facebook import Facebook
from gatehouse.actors.connectors.social.github import GitHub
from gatehouse.actors.connectors.social.google import Google
from gatehouse.actors.connectors.social.oauth_client import TokenSet, new_handshake
from gatehouse.actors.connectors.social.oidc import seconds
from gatehouse.actors.connectors.social.provider import (
    MAX_ID,
    MAX_RAW_BYTES,
    Endpoints,
    Identified,
    Redeemed,
    SocialProvider,
    social_user,
)
from gatehouse.actors.outbound import Outbound
from gatehouse.actors.refusal import Reason, Refused
from tests.servers.identity_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    IdentityProvider,
    as_json,
    open_identity_provider,
)

BACK = "https://gatehouse.example/callback/one"
CREDENTIALS = {"clientId": CLIENT_ID, "clientSecret": CLIENT_SECRET}


@pytest.fixture
async def idp() -> AsyncIterator[IdentityProvider]:
    async with open_identity_provider() as provider:
        yield provider


def backchannel() -> Backchannel:
    return Backchannel(Outbound(allow_private=True), lambda: time.time_ns() // 1_000_000)


def endpoints(idp: IdentityProvider) -> Endpoints:
    return Endpoints(
        authorization=idp.at("authorize"),
        token=idp.at("token"),
        user=idp.at("userinfo"),
        emails=idp.at("emails"),
        jwks=idp.at("jwks"),
        issuers=(idp.issuer,),
    )


def config_of(factory_id: str, **settings: Any) -> Any:
    return FACTORIES[factory_id].read({**CREDENTIALS, **settings})


def standard(idp: IdentityProvider, factory_id: str, **settings: Any) -> SocialProvider:
    """One of the two generic connectors, told where the provider is."""
    told: dict[str, Any] = {
        "authorizationEndpoint": idp.at("authorize"),
        "tokenEndpoint": idp.at("token"),
    }
    if factory_id == "oidc":
        told["scope"] = "profile email"
        told["idTokenVerificationConfig"] = {"jwksUri": idp.at("jwks"), "issuer": idp.issuer}
    else:
        told["userInfoEndpoint"] = idp.at("userinfo")
    make = FACTORIES[factory_id].provider
    assert make is not None
    return make(config_of(factory_id, **told | settings))


async def sign_in(idp: IdentityProvider, provider: SocialProvider, **more: Any) -> Identified:
    handshake = new_handshake(BACK)
    answer = await idp.visit(provider.authorization_uri(handshake))
    return await provider.identify(backchannel(), handshake, answer | more)


def shown(identified: Identified) -> tuple[Any, ...]:
    user = identified.user
    return user.id, user.email, user.phone, user.name, user.avatar


ADA = {
    "sub": "42",
    "name": "Ada",
    "email": "ada@example.com",
    "email_verified": True,
    "picture": "https://example.com/ada.png",
}


async def test_google(idp: IdentityProvider) -> None:
    provider = Google(
        config_of("google-universal", prompts=["consent"], offlineAccess=True), endpoints(idp)
    )
    uri = parse_qs(urlsplit(provider.authorization_uri(new_handshake(BACK))).query)
    assert uri["scope"] == ["openid profile email"]
    assert (uri["prompt"], uri["access_type"]) == (["consent"], ["offline"])
    idp.person = ADA
    identified = await sign_in(idp, provider)
    assert shown(identified) == ("42", "ada@example.com", None, "Ada", ADA["picture"])
    assert identified.user.raw_data["email_verified"] is True
    assert identified.tokens is not None
    assert identified.tokens.refresh_token == "refresh-1"


async def test_google_without_an_id_token_is_asked_for_the_person(idp: IdentityProvider) -> None:
    idp.person = {**ADA, "email_verified": False}
    identified = await sign_in(
        idp, Google(config_of("google-universal", scope="email"), endpoints(idp))
    )
    assert shown(identified) == ("42", None, None, "Ada", ADA["picture"])
    assert idp.count("userinfo") == 1


async def test_google_one_tap(idp: IdentityProvider) -> None:
    provider = Google(config_of("google-universal"), endpoints(idp))
    claims = {"iss": idp.issuer, "aud": CLIENT_ID, "exp": int(time.time()) + 60, **ADA}
    identified = await provider.one_tap(backchannel(), idp.key.sign(claims))
    assert identified.user.email == "ada@example.com"
    with pytest.raises(Refused):
        await provider.one_tap(backchannel(), idp.key.sign({**claims, "aud": "another"}))


@pytest.mark.parametrize(
    ("public", "emails", "email"),
    [
        ("public@example.com", as_json([]), "public@example.com"),
        (
            None,
            as_json(
                [
                    {"email": "old@example.com", "primary": False, "verified": True},
                    {"email": "ada@example.com", "primary": True, "verified": True},
                ]
            ),
            "ada@example.com",
        ),
        (
            None,
            as_json([{"email": "ada@example.com", "primary": True, "verified": False}]),
            None,
        ),
        (None, as_json({"message": "Resource not accessible"}, 403), None),
    ],
)
async def test_github(idp: IdentityProvider, public: Any, emails: Any, email: str | None) -> None:
    idp.person = {"id": 7, "name": None, "email": public, "avatar_url": "https://example.com/7"}
    idp.answers["/emails"] = emails
    identified = await sign_in(idp, GitHub(config_of("github-universal"), endpoints(idp)))
    assert shown(identified) == ("7", email, None, None, "https://example.com/7")


async def test_apple_answers_by_form_and_redeems_no_code(idp: IdentityProvider) -> None:
    provider = Apple(FACTORIES["apple-universal"].read({"clientId": CLIENT_ID}), endpoints(idp))
    idp.person = {"sub": "001.ada", "email": "ada@example.com", "email_verified": "true"}
    told = {"name": {"firstName": "Ada", "lastName": "King"}, "email": "victim@example.com"}
    identified = await sign_in(idp, provider, user=json.dumps(told))
    assert shown(identified) == ("001.ada", "ada@example.com", None, "Ada King", None)
    assert idp.count("token") == 0


@pytest.mark.parametrize(
    "person",
    [{"sub": "1", "email": "a@b.co"}, {"sub": "1", "email": "a@b.co", "email_verified": 0}],
)
async def test_an_address_that_apple_did_not_verify_is_left_out(
    idp: IdentityProvider, person: dict[str, Any]
) -> None:
    provider = Apple(FACTORIES["apple-universal"].read({"clientId": CLIENT_ID}), endpoints(idp))
    idp.person = person
    assert (await sign_in(idp, provider, user="{broken")).user.email is None


async def test_an_id_token_of_apple_from_another_sign_in_is_refused(idp: IdentityProvider) -> None:
    provider = Apple(FACTORIES["apple-universal"].read({"clientId": CLIENT_ID}), endpoints(idp))
    stolen = await idp.visit(provider.authorization_uri(new_handshake(BACK)))
    mine = new_handshake(BACK)
    with pytest.raises(Refused) as refused:
        await provider.identify(backchannel(), mine, {"id_token": stolen["id_token"]})
    assert refused.value.reason is Reason.ID_TOKEN_INVALID
    with pytest.raises(Refused):
        await provider.identify(backchannel(), mine, {"code": "c"})


@pytest.mark.parametrize(
    ("directory", "email"), [("contoso.example", "ada@example.com"), ("common", None)]
)
async def test_an_address_of_microsoft_counts_in_one_directory_alone(
    idp: IdentityProvider, directory: str, email: str | None
) -> None:
    config = config_of(
        "azuread-universal",
        cloudInstance=f"{idp.url}/",
        tenantId=directory,
        scopes="Calendars.Read User.Read",
        prompts=["select_account"],
    )
    idp.person = {"id": "object-1", "displayName": "Ada", "mail": "ada@example.com"}
    provider = AzureAd(config, graph=idp.at("me"))
    uri = urlsplit(provider.authorization_uri(new_handshake(BACK)))
    assert uri.path == f"/{directory}/oauth2/v2.0/authorize"
    query = parse_qs(uri.query)
    assert query["scope"] == ["User.Read Calendars.Read"]
    assert query["prompt"] == ["select_account"]
    handshake = new_handshake(BACK)
    tokens = TokenSet(access_token="access-1")
    user = await provider.user(Redeemed(backchannel(), handshake, {}, tokens))
    assert (user.id, user.email, user.name) == ("object-1", email, "Ada")


async def test_facebook(idp: IdentityProvider) -> None:
    idp.person = {
        "id": "9",
        "name": "Ada",
        "email": "ada@example.com",
        "picture": {"data": {"url": "https://example.com/9.png"}},
    }
    identified = await sign_in(idp, Facebook(config_of("facebook-universal"), endpoints(idp)))
    assert shown(identified) == ("9", "ada@example.com", None, "Ada", "https://example.com/9.png")
    assert idp.asked[-1].fields == {"fields": "id,name,email,picture"}


async def test_tokens_of_facebook_are_exchanged_for_longer_ones(idp: IdentityProvider) -> None:
    provider = Facebook(config_of("facebook-universal"), endpoints(idp))
    idp.answers["/token"] = as_json({"access_token": "long", "expires_in": 5_184_000})
    tokens = await provider.lasting(backchannel(), TokenSet(access_token="short"))
    assert (tokens.access_token, tokens.expires_in) == ("long", 5_184_000)
    asked = idp.asked[-1].fields
    assert (asked["grant_type"], asked["fb_exchange_token"]) == ("fb_exchange_token", "short")
    google = Google(config_of("google-universal"), endpoints(idp))
    assert await google.lasting(backchannel(), tokens) is tokens


@pytest.mark.parametrize(("verified", "email"), [(True, "ada@example.com"), (False, None)])
async def test_discord(idp: IdentityProvider, verified: bool, email: str | None) -> None:
    idp.person = {
        "id": "80",
        "username": "ada",
        "avatar": "abc",
        "email": "ada@example.com",
        "verified": verified,
    }
    identified = await sign_in(idp, Discord(config_of("discord-universal"), endpoints(idp)))
    avatar = "https://cdn.discordapp.com/avatars/80/abc"
    assert shown(identified) == ("80", email, None, "ada", avatar)


async def test_oauth2_in_the_providers_own_words(idp: IdentityProvider) -> None:
    idp.person = {"data": {"uid": 5, "mail": "ada@example.com", "tel": "+49 151 1234567"}}
    names = {"id": "data.uid", "email": "data.mail", "phone": "data.tel", "name": "data.no.way"}
    provider = standard(
        idp,
        "oauth2",
        profileMap=names,
        scope="read",
        customConfig={"audience": "people"},
        tokenEndpointAuthMethod="client_secret_basic",
    )
    identified = await sign_in(idp, provider)
    assert shown(identified) == ("5", "ada@example.com", "491511234567", None, None)
    assert [one.fields.get("audience") for one in idp.asked[:2]] == ["people", "people"]


async def test_oidc(idp: IdentityProvider) -> None:
    idp.person = {**ADA, "phone_number": "+491511234567", "phone_number_verified": True}
    provider = standard(idp, "oidc", authRequestOptionalConfig={"acrValues": "loa2"})
    identified = await sign_in(idp, provider)
    assert shown(identified) == ("42", "ada@example.com", "491511234567", "Ada", ADA["picture"])
    asked = idp.asked[0].fields
    assert (asked["scope"], asked["acr_values"]) == ("profile email openid", "loa2")


@pytest.mark.parametrize(
    ("verified", "settings", "email"),
    [
        (None, {}, None),
        (False, {}, None),
        ("true", {}, None),
        ("true", {"acceptStringTypedBooleanClaims": True}, "ada@example.com"),
        ("false", {"acceptStringTypedBooleanClaims": True}, None),
        (None, {"trustUnverifiedEmail": True}, "ada@example.com"),
        (False, {"trustUnverifiedEmail": True}, None),
    ],
)
async def test_what_is_believed_of_an_address(
    idp: IdentityProvider, verified: Any, settings: dict[str, Any], email: str | None
) -> None:
    idp.person = {"sub": "1", "email": "ada@example.com", "email_verified": verified}
    identified = await sign_in(idp, standard(idp, "oidc", **settings))
    assert identified.user.email == email


async def test_rfc_9700_4_4_a_mixed_up_answer_is_refused(idp: IdentityProvider) -> None:
    for provider in (
        standard(idp, "oidc"),
        standard(idp, "oidc", idTokenVerificationConfig={"jwksUri": idp.at("jwks")}),
    ):
        with pytest.raises(Refused):
            await sign_in(idp, provider, iss="https://attacker.example")


async def test_what_a_provider_denies_is_not_authorized(idp: IdentityProvider) -> None:
    idp.denies = "access_denied"
    for kind in ("oidc", "oauth2"):
        with pytest.raises(Refused) as refused:
            await sign_in(idp, standard(idp, kind))
        assert refused.value.reason is Reason.AUTHORIZATION_FAILED


async def test_the_mock_takes_anybody_for_anybody() -> None:
    factory = FACTORIES["mock-social-connector"]
    assert factory.mock
    assert factory.provider is not None
    provider = factory.provider(config_of("mock-social-connector"))
    handshake = new_handshake(BACK)
    assert provider.authorization_uri(handshake).startswith("http://mock-social/?state=")
    said = {
        "code": "any",
        "userId": "u1",
        "email": "a@b.co",
        "tokenResponse": {"access_token": "t"},
    }
    identified = await provider.identify(backchannel(), handshake, said)
    assert (identified.user.id, identified.user.email) == ("u1", "a@b.co")
    assert identified.tokens == TokenSet(access_token="t")
    assert "t" not in identified.user.raw_data.values()
    somebody = await provider.identify(backchannel(), handshake, {"code": "any"})
    assert somebody.user.id.startswith("mock-social-sub-")


# What is not usable


@pytest.mark.parametrize("identifier", [None, "", True, 1.5, ["1"], "a\x00b", "x" * (MAX_ID + 1)])
def test_nobody_without_an_identifier(identifier: Any) -> None:
    with pytest.raises(Refused) as refused:
        social_user(identifier, raw={})
    assert refused.value.reason is Reason.CONNECTOR_RESPONSE_INVALID


def test_what_is_not_usable_is_left_out() -> None:
    user = social_user(
        1,
        raw={"much": "x" * MAX_RAW_BYTES},
        email="no address",
        phone="none",
        name="  A\nB  " + "c" * 200,
        avatar="javascript:alert(1)",
    )
    assert (user.email, user.phone, user.avatar, user.raw_data) == (None, None, None, {})
    assert user.name is not None
    assert user.name.startswith("A B")
    assert len(user.name) <= 128


@pytest.mark.parametrize(
    ("span", "length"), [(5, 5), ("10", 10), ("5 minutes", 300), ("2h", 7200), ("1 day", 86400)]
)
def test_spans_of_time(span: Any, length: int) -> None:
    assert seconds(span) == length


GOOD_OIDC = {
    **CREDENTIALS,
    "authorizationEndpoint": "https://idp.example/a",
    "tokenEndpoint": "https://idp.example/t",
    "scope": "openid",
    "idTokenVerificationConfig": {"jwksUri": "https://idp.example/jwks"},
}


@pytest.mark.parametrize(
    ("factory", "config"),
    [
        ("google-universal", {}),
        ("google-universal", {**CREDENTIALS, "prompts": ["login"]}),
        ("github-universal", {**CREDENTIALS, "clientId": "a\nb"}),
        ("apple-universal", {"clientId": ""}),
        (
            "azuread-universal",
            {**CREDENTIALS, "cloudInstance": "https://login.example", "tenantId": "../../x"},
        ),
        ("oauth2", {**CREDENTIALS, "authorizationEndpoint": "https://a.example"}),
        ("oidc", {**GOOD_OIDC, "authorizationEndpoint": "javascript:alert(1)"}),
        ("oidc", {**GOOD_OIDC, "tokenEndpointAuthMethod": "none"}),
        ("oidc", {**GOOD_OIDC, "idTokenVerificationConfig": {}}),
        (
            "oidc",
            {
                **GOOD_OIDC,
                "idTokenVerificationConfig": {"jwksUri": "https://a.b", "algorithms": ["HS256"]},
            },
        ),
        (
            "oidc",
            {
                **GOOD_OIDC,
                "idTokenVerificationConfig": {"jwksUri": "https://a.b", "clockTolerance": "soon"},
            },
        ),
    ],
)
def test_a_configuration_that_cannot_be_used_is_refused(factory: str, config: Any) -> None:
    FACTORIES["oidc"].read(GOOD_OIDC)
    with pytest.raises(InvalidConfig):
        FACTORIES[factory].read(config)


def test_configurations_show_no_secret() -> None:
    assert CLIENT_SECRET not in repr(config_of("google-universal"))
    assert CLIENT_SECRET not in repr(config_of("oidc", **{**GOOD_OIDC, **CREDENTIALS}))
