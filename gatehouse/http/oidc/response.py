"""The authorization response: how code or error travel back to the client.

As query or fragment of the redirect URI (RFC 6749 §4.1.2, OAuth 2.0 Multiple Response Types §2.1)
or as a form that the browser posts there (OAuth 2.0 Form Post Response Mode §2). Each carries
`state` and `iss`, so that a client never takes one server's answer for another's (RFC 9207 §2).
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode, urlsplit

from gatehouse.http.call import Reply
from gatehouse.http.oidc.dialect import NO_STORE

if TYPE_CHECKING:
    from gatehouse.actors.core import Core

RESPONSE_MODES = ("form_post", "fragment", "query")

_SUBMIT = "document.forms[0].submit()"
_SUBMIT_HASH = b64encode(hashlib.sha256(_SUBMIT.encode()).digest()).decode()


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a response goes, and how. The redirect URI must have been checked."""

    redirect_uri: str
    response_mode: str
    state: str | None


def respond_to_client(
    core: Core, to: Destination, answer: Mapping[str, str], cookies: Sequence[str] = ()
) -> Reply:
    """Send the browser back to the client."""
    fields = {**answer, **({} if to.state is None else {"state": to.state}), "iss": core.issuer}
    if to.response_mode == "form_post":
        return post_form(to.redirect_uri, fields, cookies)
    encoded = urlencode(fields, quote_via=quote, safe="")
    if to.response_mode == "fragment":
        return go_to(f"{to.redirect_uri}#{encoded}", cookies)
    separator = "&" if urlsplit(to.redirect_uri).query else "?"
    return go_to(f"{to.redirect_uri}{separator}{encoded}", cookies)


def go_to(location: str, cookies: Sequence[str] = ()) -> Reply:
    """Send the browser on, by a redirect that no cache keeps."""
    return Reply(303, None, (("location", location), *NO_STORE), cookies)


def post_form(action: str, fields: Mapping[str, str], cookies: Sequence[str]) -> Reply:
    """Send the browser on with a form that submits itself; `action` must have been checked."""
    inputs = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in fields.items()
    )
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Continue</title></head>'
        f'<body><form method="post" action="{escape(action)}">{inputs}'
        '<noscript><p>You are signed in.</p><button type="submit">Continue</button></noscript>'
        f"</form><script>{_SUBMIT}</script></body></html>"
    )
    policy = (
        f"default-src 'none'; script-src 'sha256-{_SUBMIT_HASH}'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
    headers = (("content-security-policy", policy), *NO_STORE)
    return Reply(200, page, headers, cookies, "text/html; charset=utf-8")
