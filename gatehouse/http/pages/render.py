"""Turning templates into answers that a browser may not do anything unexpected with.

Every page is sent with a Content-Security-Policy that allows no script (where a passkey is asked
for: one, by a nonce), one stylesheet of ours, one nonced block with the tenant's colours, no
framing, and form submission only to where the flow goes. Templates are compiled once and escape
everything.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gatehouse.actors import accounts
from gatehouse.actors.sign_in_rules import view_settings
from gatehouse.http.call import Reply
from gatehouse.http.pages.captchas import Widget
from gatehouse.http.pages.look import Look, Settings, look_of
from gatehouse.http.pages.messages import Message
from gatehouse.http.pages.one_tap import OneTap
from gatehouse.http.pages.words import Words

if TYPE_CHECKING:
    from gatehouse.actors.core import Core
    from gatehouse.storage.records import SignInExperience

HTML = "text/html; charset=utf-8"

_FOLDER = files("gatehouse.http.pages")
STYLESHEET = (_FOLDER / "static" / "gatehouse.css").read_bytes()
STYLESHEET_PATH = f"/assets/gatehouse-{hashlib.sha256(STYLESHEET).hexdigest()[:12]}.css"
"""Named by its content, so that browsers may keep it for ever."""

SCRIPT = (_FOLDER / "static" / "webauthn.js").read_bytes()
SCRIPT_PATH = f"/assets/webauthn-{hashlib.sha256(SCRIPT).hexdigest()[:12]}.js"
"""The one script, for passkeys alone; named by its content too."""

CAPTCHA_SCRIPT = (_FOLDER / "static" / "captcha.js").read_bytes()
CAPTCHA_SCRIPT_PATH = f"/assets/captcha-{hashlib.sha256(CAPTCHA_SCRIPT).hexdigest()[:12]}.js"
"""What sends an invisible captcha's form."""

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")

_SHARED_HEADERS = (
    ("cache-control", "no-store"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
)


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(str(_FOLDER / "templates")),
        autoescape=True,
        auto_reload=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in environment.list_templates():
        environment.get_template(name)
    return environment


async def page(
    core: Core,
    words: Words,
    template: str,
    values: Mapping[str, object],
    *,
    status: int = 200,
    form_targets: Iterable[str] = (),
    cookies: Iterable[str] = (),
    experience: SignInExperience | None = None,
) -> Reply:
    """One page in the language of `words`, in the tenant's look or that of another `experience`.

    `form_targets` are addresses outside of this server that a submitted form may lead to: browsers
    hold redirects after a submission to the policy's `form-action` as well.
    """
    settings = view_settings(experience or await accounts.sign_in_experience(core), Settings)
    look = look_of(settings)
    targets = (core.public_url, *form_targets)
    return draw(look, words, template, values, status=status, form_targets=targets, cookies=cookies)


def draw(
    look: Look,
    words: Words,
    template: str,
    values: Mapping[str, object],
    *,
    status: int = 200,
    form_targets: Iterable[str] = (),
    cookies: Iterable[str] = (),
) -> Reply:
    """Render a page in a look that is known already, where there is no core to ask."""
    nonce = secrets.token_urlsafe(16)
    error = values.get("error")
    content = (
        _templates()
        .get_template(template)
        .render(
            {
                "nonce": nonce,
                "look": look,
                "t": words,
                "stylesheet": STYLESHEET_PATH,
                "script": None,
                **values,
                "error": error.said(words) if isinstance(error, Message) else None,
            }
        )
    )
    widget, one_tap = values.get("widget"), values.get("one_tap")
    policy = security_policy(
        nonce,
        look.image_origins,
        form_targets,
        script="script" in values,
        widgets=widget.origins if isinstance(widget, Widget) else (),
        one_tap=isinstance(one_tap, OneTap),
    )
    return Reply(
        status,
        content,
        (
            ("content-security-policy", policy),
            # One Tap may go on in a window of Google's, which has to find the way back.
            (
                "cross-origin-opener-policy",
                "same-origin-allow-popups" if one_tap else "same-origin",
            ),
            *_SHARED_HEADERS,
            *words.headers,
        ),
        tuple(cookies),
        HTML,
    )


def security_policy(
    nonce: str,
    images: Iterable[str],
    form_targets: Iterable[str],
    *,
    script: bool = False,
    widgets: Iterable[str] = (),
    one_tap: bool = False,
) -> str:
    """The Content-Security-Policy of a page (CSP Level 3); the nonce lets its `script` run.

    `widgets` are the origins of a captcha's widget, which runs in frames of its own, as Google's
    `one_tap` does.
    """
    sources = " ".join((*widgets, *(OneTap.origins if one_tap else ())))
    scripts = f"script-src 'nonce-{nonce}' {sources}".rstrip()
    targets = " ".join(dict.fromkeys(source for url in form_targets if (source := _source(url))))
    return "; ".join(
        (
            "default-src 'none'",
            *((scripts,) if script or sources else ()),
            *((f"frame-src {sources}", f"connect-src {sources}") if sources else ()),
            f"style-src 'self' 'nonce-{nonce}'" + (f" {OneTap.style}" if one_tap else ""),
            " ".join(("img-src 'self' data:", *images)),
            f"form-action 'self' {targets}".rstrip(),
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


def _source(url: str) -> str | None:
    """An address as a policy's source: its origin, or its scheme where an app claims one."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.scheme in ("http", "https"):
        return f"{parts.scheme}://{parts.netloc}" if _plain(parts.netloc) else None
    return f"{parts.scheme}:" if _SCHEME.fullmatch(parts.scheme) else None


def _plain(netloc: str) -> bool:
    return re.fullmatch(r"[A-Za-z0-9.\-\[\]:]+", netloc) is not None
