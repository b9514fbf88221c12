"""Logs: structured, with the request's id, and without secrets wherever they come from."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from gatehouse.ops.logging import REDACTED, configure_logging, redact, redact_text
from gatehouse.ops.settings import load_settings

JWT = "eyJhbGciOiJFUzM4NCJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"
OPAQUE = "kX9" + "a" * 37 + "-_Z"


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    monkeypatch.setenv("GATEHOUSE_LOG_FORMAT", "json")
    stream = io.StringIO()
    configure_logging(load_settings(), stream)
    return stream


def last(stream: io.StringIO) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(stream.getvalue().splitlines()[-1])
    return line


def test_a_line_has_its_request(stream: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r1"):
        structlog.get_logger().info("happened", number=1)
    line = last(stream)
    assert (line["event"], line["request_id"], line["number"]) == ("happened", "r1", 1)
    assert line["level"] == "info"
    assert "timestamp" in line


def test_a_library_logs_the_same_way(stream: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r2"):
        logging.getLogger("library").warning("GET /callback?code=%s&x=1", "abc")
    line = last(stream)
    assert line["request_id"] == "r2"
    assert line["event"] == f"GET /callback?code={REDACTED}&x=1"


def test_an_exception_is_logged_without_what_it_quotes(stream: io.StringIO) -> None:
    try:
        raise ValueError(f"cannot read {JWT} with password=hunter2")  # noqa: TRY301
    except ValueError:
        structlog.get_logger().exception("failed")
    text = stream.getvalue()
    assert "Traceback" in text
    assert "hunter2" not in text
    assert JWT not in text


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "new_password",
        "client_secret",
        "access_token",
        "Authorization",
        "cookie",
        "code",
        "codes",
        "clientSecret",
        "totp_secret",
        "oneTimeToken",
        "privateKey",
        "signing_key",
        "apiKey",
        "userCode",
        "SAMLResponse",
    ],
)
def test_a_field_with_a_secret_name_is_empty(stream: io.StringIO, name: str) -> None:
    structlog.get_logger().info("happened", **{name: "hunter2", "inner": {name: ["hunter2"]}})
    assert "hunter2" not in stream.getvalue()
    assert last(stream)[name] == REDACTED


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer hunter2",
        "authorization: basic hunter2==",
        "/oidc/token?grant_type=x&code=hunter2&state=hunter2",
        "refresh_token=hunter2; path=/",
        "_session=hunter2; _session.sig=hunter2",
        '{"password": "hunter2", "verificationCode": "1"}',
        "{'client_secret': 'hunter2'}",
        '{"codes": ["0123456789", "hunter2"], "verificationCode": "hunter2"}',
        '{"backupCodes": ["hunter2"], "privateKey": "hunter2", "signingKey": "hunter2"}',
        "SAMLResponse=hunter2%3D&RelayState=hunter2",
        "/one-time-token?one_time_token=hunter2&login_hint=a%40b.example",
        "otpauth://totp/Gatehouse:a?secret=hunter2&issuer=Gatehouse",
        "user_code=hunter2&device_code=hunter2",
        "postgresql://user:hunter2@host/db",
        "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----",
        f"token {JWT.replace('c2lnbmF0dXJl', 'hunter2')}",
    ],
)
def test_secrets_in_free_text_are_found(text: str) -> None:
    assert "hunter2" not in redact_text(text)


def test_opaque_tokens_are_found_and_ids_are_kept() -> None:
    text = redact_text(f"redeemed {OPAQUE} for user abcdefghijkl by demo-app")
    assert text == f"redeemed {REDACTED} for user abcdefghijkl by demo-app"


@given(
    st.recursive(
        st.text() | st.integers() | st.none(),
        lambda c: st.lists(c) | st.dictionaries(st.text(), c),
        max_leaves=20,
    )
)
def test_any_value_can_be_logged(value: object) -> None:
    json.dumps(redact(value))
