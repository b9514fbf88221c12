"""Which mail addresses a list is about. Pure."""

from __future__ import annotations

import pytest

from gatehouse.actors.email_blocklist import BlocklistPolicy, check_email, is_entry
from gatehouse.actors.refusal import Refused


def blocked(entry: str, email: str) -> bool:
    try:
        check_email(BlocklistPolicy(custom_blocklist=(entry,)), email)
    except Refused:
        return True
    return False


@pytest.mark.parametrize(
    ("entry", "email", "expected"),
    [
        ("ada@example.com", "ada@example.com", True),
        ("ada@example.com", "ADA@Example.COM", True),
        ("ada@example.com", "ada2@example.com", False),
        ("@example.com", "anybody@example.com", True),
        ("@example.com", "anybody@sub.example.com", False),
        ("@*.example.com", "anybody@sub.example.com", True),
        ("@*.example.com", "anybody@example.com", False),
        ("test*@example.com", "test-7@example.com", True),
        ("test*@example.com", "a-test@example.com", False),
        ("*a*b*@example.com", "xxaxxbxx@example.com", True),
        ("*a*b*@example.com", "xxbxxaxx@example.com", False),
        ("a*a@example.com", "a@example.com", False),
        ("a.da@gmail.com", "ad.a@googlemail.com", True),
        ("a.da@example.com", "ad.a@example.com", False),
        ("@googlemail.com", "ada@gmail.com", True),
    ],
)
def test_an_entry_is_about_these_addresses(entry: str, email: str, expected: bool) -> None:
    assert blocked(entry, email) is expected


@pytest.mark.parametrize("text", ["@example.com", "a@example.com", "*@*.example.com", "@x.*"])
def test_an_address_or_a_domain_is_an_entry(text: str) -> None:
    assert is_entry(text)


@pytest.mark.parametrize(
    "text", ["example.com", "@", "@com", "@*", "@*.*", "a b@example.com", "a@b@c.d", "@a..b", ""]
)
def test_anything_else_is_none(text: str) -> None:
    assert not is_entry(text)


def test_matching_takes_no_time_however_many_stars_there_are() -> None:
    assert not blocked("*a" * 120 + "@example.com", "a" * 200 + "b@example.org")
