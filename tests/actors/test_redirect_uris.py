"""Where browsers may be sent: exactly what was registered, and what wildcards stand for."""

from __future__ import annotations

import pytest

from gatehouse.actors.redirect_uris import is_redirect_uri, matches_pattern, origin_matches


@pytest.mark.parametrize(
    ("pattern", "uri"),
    [
        ("https://*.example.com/callback", "https://preview-1.example.com/callback"),
        ("https://pr-*.example.com/callback", "https://pr-17.example.com/callback"),
        ("https://pr-*.example.com/callback", "https://PR-17.EXAMPLE.com/callback"),
        ("https://*.*.example.com/", "https://a.b.example.com/"),
        ("https://*.example.com", "https://a.example.com/"),
        ("https://*.example.com:443/x", "https://a.example.com/x"),
        ("https://*.example.com:8443/x", "https://a.example.com:8443/x"),
        ("https://example.com/*/callback", "https://example.com/a/callback"),
        ("https://example.com/*/callback", "https://example.com/a/b/callback"),
        ("https://example.com/app/*", "https://example.com/app/"),
        ("https://example.com/*?fixed=1", "https://example.com/a?fixed=1"),
        ("com.example.app://callback/*", "com.example.app://callback/done"),
    ],
)
def test_a_wildcard_stands_for_part_of_a_host_or_of_a_path(pattern: str, uri: str) -> None:
    assert matches_pattern(pattern, uri)


@pytest.mark.parametrize(
    ("pattern", "uri"),
    [
        ("https://*.example.com/callback", "https://example.com/callback"),
        ("https://*.example.com/callback", "https://a.b.example.com/callback"),
        ("https://*.example.com/callback", "https://evil.com/callback"),
        ("https://*.example.com/callback", "https://a.example.com.evil.com/callback"),
        ("https://*.example.com/callback", "https://evil.com/.example.com/callback"),
        ("https://*.example.com/callback", "https://evil.com#.example.com/callback"),
        ("https://*.example.com/callback", "https://evil.com?.example.com/callback"),
        ("https://*.example.com/callback", "https://evil.com\\.example.com/callback"),
        ("https://*.example.com/callback", "https://a@b.example.com/callback"),
        ("https://*.example.com/callback", "https://evil.com:80@b.example.com/callback"),
        ("https://*.example.com/callback", "http://a.example.com/callback"),
        ("https://*.example.com/callback", "https://a.example.com:444/callback"),
        ("https://*.example.com/callback", "https://a.example.com/callback/"),
        ("https://*.example.com/callback", "https://a.example.com/callback?x=1"),
        ("https://*.example.com/callback", "https://a.example.com/callback#x"),
        ("https://*.example.com/callback", "https://*.example.com/callback"),
        ("https://*.example.com/callback", "https://.example.com/callback"),
        ("https://*.example.com/callback", "https://a.example.com/callback\n"),
        ("https://*.example.com/callback", " https://a.example.com/callback"),
        ("https://*.example.com/callback", "https://a\u3002example.com/callback"),
        ("https://example.com/app/*", "https://example.com/app"),
        ("https://example.com/app/*", "https://example.com/app/../admin"),
        ("https://example.com/app/*", "https://example.com/app/%2e%2E/admin"),
        ("https://example.com/app/*", "https://example.com/app/.."),
        ("https://example.com/app/*", "https://example.com/app/x?y=1"),
        ("https://example.com/app/*", "https://example.com/app/x#y"),
        ("https://example.com/app/*", "https://example.com/app\\x"),
    ],
)
def test_and_for_nothing_else(pattern: str, uri: str) -> None:
    assert not matches_pattern(pattern, uri)


@pytest.mark.parametrize(
    ("pattern", "uri"),
    [
        ("https://*.com/callback", "https://evil.com/callback"),
        ("https://example.*/callback", "https://example.com/callback"),
        ("https://a.*.com/callback", "https://a.evil.com/callback"),
        ("https://*/callback", "https://evil.com/callback"),
        ("*://a.example.com/callback", "https://a.example.com/callback"),
        ("https://a.example.com:*/callback", "https://a.example.com:99/callback"),
        ("https://a.example.com/callback?*", "https://a.example.com/callback?x"),
        ("https://x@*.example.com/", "https://x@a.example.com/"),
        ("https://[*]/", "https://[::1]/"),
    ],
)
def test_a_pattern_that_says_too_much_matches_nothing(pattern: str, uri: str) -> None:
    assert not matches_pattern(pattern, uri)


def test_origins_follow_from_patterns() -> None:
    assert origin_matches("https://*.example.com/callback", "https://a.example.com")
    assert not origin_matches("https://*.example.com/callback", "https://a.example.com:444")
    assert not origin_matches("https://*.example.com/callback", "https://evil.com")
    assert not origin_matches("https://example.com/*", "https://evil.com")
    assert not origin_matches("https://*.example.com/callback", "null")


@pytest.mark.parametrize(
    "uri",
    [
        "https://example.com",
        "https://example.com/callback?a=1",
        "http://localhost:3000/callback",
        "http://127.0.0.1/callback",
        "http://[::1]:9000/callback",
        "https://*.example.com/callback",
        "com.example.app:/callback",
        "io.logto.app://callback",
    ],
)
def test_addresses_that_can_be_registered(uri: str) -> None:
    assert is_redirect_uri(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "javascript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "blob:https://example.com/x",
        "myapp:/callback",
        "https://example.com/#fragment",
        "https://user:pass@example.com/",
        "https://example.com\\@evil.com/",
        "https://example.com/ space",
        "https://example.com/\n",
        "https://ex\u00e4mple.com/",
        "//example.com/",
        "/callback",
        "https:example.com",
        "https://" + "a" * 2100,
    ],
)
def test_addresses_that_cannot(uri: str) -> None:
    assert not is_redirect_uri(uri)
