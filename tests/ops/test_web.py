"""The operators' address: what it serves, and that the inbox cannot be used against its reader."""

from __future__ import annotations

from typing import Any

import pytest

from gatehouse.ops.web import INBOX_SIZE, OpsApp, Workforce, inbox_page
from gatehouse.storage.records import Message


def message(**fields: Any) -> Message:
    given = {"channel": "email", "recipient": "ada@example.com", "body": "Hello", **fields}
    return Message(**given)


async def ask(
    path: str, method: str = "GET", host: str = "localhost:3009"
) -> tuple[int, dict[bytes, bytes], bytes]:
    async def read_inbox(limit: int) -> list[Message]:
        assert limit == INBOX_SIZE
        return [message(subject="Welcome")]

    sent: list[dict[str, Any]] = []

    async def send(event: dict[str, Any]) -> None:
        sent.append(event)

    app = OpsApp(Workforce(), read_inbox)
    headers = [(b"host", host.encode())]
    scope = {"type": "http", "method": method, "path": path, "headers": headers}
    await app(scope, None, send)
    return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/metrics", b"gatehouse_workers 0.0"),
        ("/healthz", b'{"status":"ok"}'),
        ("/inbox", b"<h2>Welcome</h2>"),
    ],
)
async def test_its_pages(path: str, content: bytes) -> None:
    status, headers, body = await ask(path)
    assert status == 200
    assert content in body
    assert headers[b"cache-control"] == b"no-store"


async def test_nothing_is_ready_without_workers() -> None:
    status, _, body = await ask("/readyz")
    assert (status, b'"workers":"unavailable"' in body) == (503, True)


async def test_it_has_nothing_else_and_changes_nothing() -> None:
    assert (await ask("/"))[0] == 404
    assert (await ask("/metrics", "POST"))[0] == 405
    assert (await ask("/inbox", "HEAD"))[2] == b""


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("127.0.0.1:3009", 200),
        ("[::1]:3009", 200),
        ("10.0.0.7:3009", 200),
        ("rebound.example:3009", 403),
        ("localhost.example", 403),
        ("[", 403),
        ("", 403),
    ],
)
async def test_a_web_site_that_resolves_here_cannot_read_the_inbox(host: str, status: int) -> None:
    assert (await ask("/inbox", host=host))[0] == status
    assert (await ask("/metrics", host=host))[0] == 200


def test_a_message_cannot_bring_markup_into_the_inbox() -> None:
    hostile = "<script>alert(1)</script>\"'&"
    page = inbox_page([message(subject=hostile, recipient=hostile, body=hostile)])
    assert "<script>" not in page
    assert page.count("&lt;script&gt;") == 3


def test_an_empty_inbox_says_so() -> None:
    assert "Nothing has arrived" in inbox_page([])
