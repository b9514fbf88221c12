"""How messages are worded: a template for each use, in which `{{name}}` stands for a value."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Literal

import msgspec

MAX_TEXT = 16 * 1024
"""Characters of a template."""
MAX_SUBJECT = 256
MAX_TEMPLATES = 64

REQUIRED_USES = ("SignIn", "Register", "ForgotPassword", "Generic")
"""What every connector that words its messages itself must have a template for."""

_HOLE = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_.]{0,63})\s*\}\}")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")

ContentType = Literal["text/plain", "text/html"]
Subject = Annotated[str, msgspec.Meta(max_length=MAX_SUBJECT)]
Text = Annotated[str, msgspec.Meta(max_length=MAX_TEXT)]


class Template(msgspec.Struct, frozen=True, rename="camel"):
    """The wording of one kind of message."""

    usage_type: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    subject: Subject = ""
    content: Text = ""
    content_type: ContentType = "text/plain"
    reply_to: str | None = None
    send_from: str | None = None


class Worded(msgspec.Struct, frozen=True):
    """A message in its words; the subject is one line, and so are the addresses."""

    subject: str
    body: str
    content_type: ContentType
    reply_to: str | None = None
    send_from: str | None = None


class TemplateNotFound(LookupError):  # noqa: N818 - it reads as what happened
    """There is no wording for this use."""


def word(templates: Iterable[Template], usage: str, payload: Mapping[str, str]) -> Worded:
    """Put a message into words; a use without a template is worded as `Generic`.

    Values are escaped in HTML, and cannot begin a new line in a subject. Raises TemplateNotFound.
    """
    known = {template.usage_type: template for template in templates}
    template = known.get(usage) or known.get("Generic")
    if template is None:
        raise TemplateNotFound(usage)
    in_html = template.content_type == "text/html"
    shown = {name: html.escape(value) for name, value in payload.items()} if in_html else payload
    return Worded(
        _line(template.subject, payload),
        _fill(template.content, shown),
        template.content_type,
        reply_to=_line(template.reply_to or "", payload) or None,
        send_from=_line(template.send_from or "", payload) or None,
    )


def _line(text: str, values: Mapping[str, str]) -> str:
    return _CONTROLS.sub(" ", _fill(text, values)).strip()


def _fill(text: str, values: Mapping[str, str]) -> str:
    return _HOLE.sub(lambda hole: values.get(hole[1], ""), text)


def nested(values: Mapping[str, str]) -> dict[str, object]:
    """Values as an object: `application.name` becomes the `name` of `application`."""
    whole: dict[str, object] = {}
    for path, value in values.items():
        *way, last = path.split(".")
        inner: object = whole
        for name in way:
            inner = inner.setdefault(name, {}) if isinstance(inner, dict) else None
        if isinstance(inner, dict):
            inner[last] = value
        else:
            whole[path] = value
    return whole


def require_uses(templates: Iterable[Template]) -> None:
    """Raises ValueError for uses that every connector must have a template for and this lacks."""
    known = {template.usage_type for template in templates}
    if missing := [use for use in REQUIRED_USES if use not in known]:
        raise ValueError(f"a template is missing for {', '.join(missing)}")


_WHAT_FOR = {
    "SignIn": "to sign in",
    "Register": "to create your account",
    "ForgotPassword": "to choose a new password",
    "Generic": "to verify that this is you",
}

BUILT_IN = (
    *(
        Template(
            use,
            f"Your code {purpose}",
            f"Enter {{{{code}}}} {purpose}. The code works for 10 minutes.",
        )
        for use, purpose in _WHAT_FOR.items()
    ),
    Template(
        "OrganizationInvitation",
        "You are invited to {{organization.name}}",
        "You are invited to join {{organization.name}}. {{link}} {{code}}",
    ),
    Template("Test", "Test message", "Gatehouse can deliver messages ({{mark}})."),
)
"""The wording where a connector has none of its own, and what new ones are offered."""
