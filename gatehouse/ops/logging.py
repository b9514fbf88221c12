"""Structured logs, one line an event, with the request's id and without any secret.

Whatever is logged, by us or by a library, passes the same processors; the last but one removes
secrets: by the name of a field, and in free text (which is where an exception's message ends up)
by the forms that secrets have on the wire. Code still must not log secrets: this is the net.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, TextIO

import structlog

if TYPE_CHECKING:
    from gatehouse.ops.settings import Settings

REDACTED = "[redacted]"
MAX_DEPTH = 6
"""Nesting of a logged value that is looked into; what lies deeper is left out altogether."""

_SENSITIVE = (
    r"password|passwd|secret|token|authorization|cookie|assertion|credential|code_?verifier|"
    r"session_?id|(?:private|signing|api|vault)_?key|key_?material|saml_?(?:request|response)|"
    r"(?:verification|one_?time|backup|recovery|device|user|sms|email)_?codes?"
)
_CODE = "codes?|otp|totp"
_SECRET_FIELD = re.compile(rf"(?i)(?:{_SENSITIVE})|^(?:{_CODE}|verification)$")
_TEXT_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"-----BEGIN[^-]*PRIVATE KEY-----.*?(?:-----END[^-]*-----|\Z)", re.S), REDACTED),
    (re.compile(r"(?i)\b(bearer|basic|dpop)\s+[\w\-.~+/]+=*"), rf"\1 {REDACTED}"),
    # A JWT, whole or cut.
    (re.compile(r"\beyJ[\w-]{5,}(?:\.[\w-]*){0,4}"), REDACTED),
    # Query strings, forms, cookies: name=value.
    (
        re.compile(
            rf"(?i)\b((?:[\w.-]*(?:{_SENSITIVE})[\w.-]*|{_CODE}|(?:relay)?state|nonce"
            rf"|_interaction[\w.]*|_session[\w.]*)=)[^&;\s\"'<>]+"
        ),
        rf"\1{REDACTED}",
    ),
    # JSON and Python literals: "name": "value", or a list of values.
    (
        re.compile(
            rf"(?i)(['\"](?:\w*(?:{_SENSITIVE})\w*|{_CODE})['\"]\s*:\s*)"
            r"(?:\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|\[[^\]]*\])"
        ),
        rf"\1{REDACTED}",
    ),
    # User information of a URL.
    (re.compile(r"(?<=://)[^/\s@]+:[^/\s@]+(?=@)"), REDACTED),
    # An opaque token of ours: 32 bytes in base64url.
    (re.compile(r"(?<![\w-])[\w-]{43}(?![\w-])"), REDACTED),
)


def redact(value: object, depth: int = 0) -> object:
    """The value without secrets, containers included."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, bytes):
        value = value.decode("utf-8", "backslashreplace")
    if depth >= MAX_DEPTH:
        return REDACTED
    if isinstance(value, Mapping):
        return {
            str(name): REDACTED if _SECRET_FIELD.search(str(name)) else redact(item, depth + 1)
            for name, item in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(item, depth + 1) for item in value]
    return redact_text(str(value))


def redact_text(text: str) -> str:
    """The text without what looks like a secret."""
    for pattern, replacement in _TEXT_RULES:
        text = pattern.sub(replacement, text)
    return text


def _redact_event(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name, value in event.items():
        if name.startswith("_"):  # structlog's own, removed before rendering
            continue
        event[name] = REDACTED if _SECRET_FIELD.search(name) else redact(value)
    return event


def configure_logging(settings: Settings, stream: TextIO | None = None) -> None:
    """Send structlog's and the standard library's logs to `stream` (standard error)."""
    output = stream or sys.stderr
    as_json = settings.log_format == "json" or (
        settings.log_format == "auto" and not output.isatty()
    )
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _redact_event,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(
            colors=output.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    handler = logging.StreamHandler(output)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    level = getattr(logging, settings.log_level.upper())
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for noisy in ("hypercorn.access", "alembic", "sqlalchemy"):
        logging.getLogger(noisy).setLevel(max(level, logging.WARNING))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
