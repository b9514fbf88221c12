"""What an application may do as a client follows from its type and its settings."""

import pytest

from gatehouse.actors.clients import Client, client_of
from gatehouse.storage.records import (
    Application,
    ApplicationSecret,
    CustomClientMetadata,
    OidcClientMetadata,
)

NOW = 1_700_000_000_000
DAY_MS = 24 * 3600 * 1000


def client(
    type_: str = "Traditional",
    *,
    uris: tuple[str, ...] = ("https://app.example/callback",),
    secrets: tuple[ApplicationSecret, ...] = (),
    legacy: str | None = None,
    **custom: object,
) -> Client:
    application = Application(
        id="app",
        name="App",
        type=type_,  # type: ignore[arg-type]
        secret=legacy,
        oidc_client_metadata=OidcClientMetadata(redirect_uris=list(uris)),
        custom_client_metadata=CustomClientMetadata(**custom),  # type: ignore[arg-type]
    )
    return client_of(application, secrets)


@pytest.mark.parametrize(
    ("type_", "public", "grants"),
    [
        ("Native", True, {"authorization_code", "refresh_token"}),
        ("SPA", True, {"authorization_code", "refresh_token"}),
        ("Traditional", False, {"authorization_code", "refresh_token"}),
        ("Protected", False, {"authorization_code", "refresh_token"}),
        ("MachineToMachine", False, {"client_credentials"}),
        ("SAML", False, {"authorization_code"}),
    ],
)
def test_the_type_decides_the_grants(type_: str, public: bool, grants: set[str]):
    known = client(type_)
    assert known.public is public
    assert known.grant_types == grants


@pytest.mark.parametrize(
    ("custom", "days"),
    [
        ({}, 14),
        ({"refresh_token_ttl_in_days": 3}, 3),
        ({"refresh_token_ttl": 2 * 24 * 3600}, 2),
        ({"refresh_token_ttl": 1, "refresh_token_ttl_in_days": 90}, 90),
    ],
)
def test_refresh_tokens_live_as_long_as_is_set(custom: dict[str, object], days: int):
    assert client(**custom).refresh.ttl == days * DAY_MS


@pytest.mark.parametrize(
    ("type_", "setting", "rotates", "extends"),
    [
        ("SPA", False, True, False),
        ("Native", False, True, True),
        ("Traditional", False, False, True),
        ("Traditional", None, True, True),
    ],
)
def test_public_clients_always_rotate(
    type_: str, setting: bool | None, rotates: bool, extends: bool
):
    policy = client(type_, rotate_refresh_token=setting).refresh
    assert (policy.rotate, policy.extend) == (rotates, extends)


def secret(value: str, expires_at: int | None = None) -> ApplicationSecret:
    return ApplicationSecret(application_id="app", name=value, value=value, expires_at=expires_at)


def test_any_secret_that_has_not_expired_is_accepted():
    known = client(secrets=(secret("one"), secret("two", NOW)), legacy="old")
    assert known.authenticates("one", NOW)
    assert known.authenticates("old", NOW)
    assert known.authenticates("two", NOW - 1)
    assert not known.authenticates("two", NOW)
    assert not known.authenticates("", NOW)
    assert not known.authenticates("öne", NOW)


def test_a_client_without_secrets_authenticates_with_none():
    assert not client().authenticates("", NOW)


def test_secrets_are_not_shown():
    assert "hidden-secret" not in repr(client(secrets=(secret("hidden-secret"),)))


def test_scripts_may_come_from_redirect_uris_and_registered_origins():
    known = client(
        uris=("https://app.example:8443/callback", "com.example:/callback"),
        cors_allowed_origins=["https://scripts.example"],
    )
    assert known.allows_origin("https://app.example:8443")
    assert known.allows_origin("https://scripts.example")
    assert not known.allows_origin("https://app.example")
    assert not known.allows_origin("null")
    assert not known.allows_origin("com.example://")


@pytest.mark.parametrize(
    ("presented", "accepted"),
    [
        ("http://127.0.0.1:1/cb", True),
        ("http://127.0.0.1/cb", True),
        ("http://[::1]:1/cb", True),
        ("http://127.0.0.1:1/cb?x=1", False),
        ("http://127.0.0.1:1/cb#x", False),
        ("http://127.0.0.1:1/CB", False),
        ("http://127.0.0.1:-1/cb", False),
        ("http://127.0.0.1.evil.example:1/cb", False),
        ("http://127.0.0.1:1@evil.example/cb", False),
        ("http://127.0.0.1:1\\@evil.example/cb", False),
        ("http://evil.example\\@127.0.0.1:1/cb", False),
        ("HTTP://127.0.0.1:1/cb", False),
        ("http://127.0.0.1:1/cb\n", False),
        ("http://127.0.0.1:\u0661/cb", False),
        ("http://127.0.0.1:/cb", False),
        ("http://127.0.0.1:1\t/cb", False),
    ],
)
def test_only_the_port_of_a_loopback_address_may_differ(presented: str, accepted: bool):
    known = client("Native", uris=("http://127.0.0.1/cb", "http://[::1]/cb"))
    assert known.redirects_to(presented) is accepted


def test_registered_wildcards_stand_for_addresses_and_origins():
    known = client("SPA", uris=("https://pr-*.example.com/callback", "https://app.example/x"))
    assert known.redirects_to("https://pr-1.example.com/callback")
    assert known.redirects_to("https://app.example/x")
    assert not known.redirects_to("https://pr-*.example.com/callback")
    assert not known.redirects_to("https://evil.com/callback")
    assert known.allows_origin("https://pr-1.example.com")
    assert not known.allows_origin("https://pr-1.example.com.evil.com")
