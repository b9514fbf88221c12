"""The widgets by which captcha providers ask whether somebody is a person.

A widget needs the provider's own script. The one page that shows it may load that, and only from
where it comes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from gatehouse.actors.captcha import ACTION, Provider, Turnstile

ANSWERS = ("cf-turnstile-response", "g-recaptcha-response")
"""What the widgets call the field they add to a form."""
MAX_TOKEN_LENGTH = 8192
_CLOUDFLARE = "https://challenges.cloudflare.com"
_RECAPTCHA = "https://www.google.com"
_RECAPTCHA_ELSEWHERE = "https://www.recaptcha.net"
_RECAPTCHA_PARTS = ("https://www.gstatic.com", "https://recaptcha.google.com")


@dataclass(frozen=True, slots=True)
class Widget:
    """A provider's widget: where its script is, and from where a page with it may load.

    An `invisible` one asks the person nothing: a script of ours has it look when the form is sent.
    """

    script: str
    style: str
    site_key: str
    action: str
    invisible: bool
    origins: tuple[str, ...]


def widget_of(provider: Provider) -> Widget:
    """The widget of a provider."""
    if isinstance(provider, Turnstile):
        script = f"{_CLOUDFLARE}/turnstile/v0/api.js"
        return Widget(script, "cf-turnstile", provider.site_key, "", False, (_CLOUDFLARE,))
    elsewhere = (provider.domain or "").endswith("recaptcha.net")
    origin = _RECAPTCHA_ELSEWHERE if elsewhere else _RECAPTCHA
    query = f"?render={quote(provider.site_key, safe='')}" if provider.invisible else ""
    return Widget(
        f"{origin}/recaptcha/enterprise.js{query}",
        "g-recaptcha",
        provider.site_key,
        ACTION,
        provider.invisible,
        (origin, *_RECAPTCHA_PARTS),
    )


def answer_in(fields: Mapping[str, Any] | None) -> str | None:
    """The token that a widget put into a form."""
    for name in ANSWERS:
        token = (fields or {}).get(name)
        if isinstance(token, str) and 0 < len(token) <= MAX_TOKEN_LENGTH:
            return token
    return None
