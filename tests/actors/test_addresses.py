"""What is one email address, and what a phone number."""

from __future__ import annotations

import pytest

from gatehouse.actors.addresses import is_email, is_phone


@pytest.mark.parametrize(
    "text",
    [
        "ada@example.com",
        "ada.lovelace+news@mail.example.co.uk",
        "o'brien@example.com",
        "ada!#$%&*/=?^_`{|}~-@example.com",
        "ädä@exämple.com",
        "a" * 100 + "@example.com",
    ],
)
def test_one_address_is_an_email_address(text: str) -> None:
    assert is_email(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ada",
        "ada@example",
        "@example.com",
        "ada@",
        "ada@.com",
        "ada@example.",
        "ada@example..com",
        "a@b.c,d@e.f",
        "a@b.c;d@e.f",
        "a@b@c.d",
        "a@b.c d@e.f",
        "Ada <ada@example.com>",
        '"ada"@example.com',
        "ada(comment)@example.com",
        "group:ada@example.com",
        "ada@[127.0.0.1]",
        "ada@example.com\r\nBcc: eve@example.com",
        "ada@example.com\x00",
        "ada@example.com\n",
        "ada\u2028@example.com",
        "a" * 120 + "@example.com",
    ],
)
def test_what_could_be_read_as_another_address_is_none(text: str) -> None:
    assert not is_email(text)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("491701234567", True),
        ("+491701234567", False),
        ("49 170 1234567", False),
        ("٤٩١٧٠", False),
        ("1,2", False),
        ("1\n", False),
        ("", False),
        ("1" * 21, False),
    ],
)
def test_a_phone_number_is_digits_alone(text: str, is_one: bool) -> None:
    assert is_phone(text) is is_one
