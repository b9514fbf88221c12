"""What an email address and a phone number look like: one place, for whoever takes one.

An address that is accepted is written into mails, compared, and belongs to one account. So it is
one address, without anything by which a mail program would read two (RFC 5322 §3.4): stricter than
the grammar, which has comments, quotes and lists. Phone numbers are digits, country code first.
"""

from __future__ import annotations

import re

_CHARACTER = r"[^\s@,;:<>()\[\]\"\\\x00-\x1f\x7f]"
_IN_LABEL = r"[^\s@.,;:<>()\[\]\"\\\x00-\x1f\x7f]"

EMAIL = rf"{_CHARACTER}+@{_IN_LABEL}+(?:\.{_IN_LABEL}+)+"
"""An email address, as a pattern that has to match all of it; also one of other alphabets."""
PHONE = r"[0-9]+"
"""A phone number, as such a pattern."""

MAX_EMAIL_LENGTH = 128
"""Characters of an address, as Logto keeps them."""
MAX_PHONE_LENGTH = 20
"""What can be longer is no number (ITU-T E.164 has fifteen digits)."""

_EMAIL, _PHONE = re.compile(EMAIL), re.compile(PHONE)


def is_email(text: str) -> bool:
    """Whether this is one email address."""
    return len(text) <= MAX_EMAIL_LENGTH and _EMAIL.fullmatch(text) is not None


def is_phone(text: str) -> bool:
    """Whether this is a phone number."""
    return len(text) <= MAX_PHONE_LENGTH and _PHONE.fullmatch(text) is not None
