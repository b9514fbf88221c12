"""What operators reach over HTTP, at an address of its own: metrics, health, development inbox.

The supervisor serves it, so that it answers while workers are restarting. It must not be reachable
by strangers: the inbox shows messages in full.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from html import escape
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec

from gatehouse.ops.health import OK, UNAVAILABLE, readiness
from gatehouse.ops.metrics import Recorder, Snapshot, SnapshotFile, Total, exposition

if TYPE_CHECKING:
    from gatehouse.storage.records import Message

STALE_SECONDS: Final = 10.0
"""A worker that has not said anything for so long is stuck."""

INBOX_SIZE: Final = 100
"""Messages on the inbox page."""

Response = tuple[int, str, bytes]
ReadInbox = Callable[[int], Awaitable[list["Message"]]]

_TEXT: Final = "text/plain; charset=utf-8"
_HTML: Final = "text/html; charset=utf-8"
_HEADERS: Final = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)


class Workforce:
    """What the workers have said of themselves, living and departed."""

    def __init__(self) -> None:
        self._running: dict[str, SnapshotFile] = {}
        self._departed = Total()
        self.recorder = Recorder()
        """What the supervisor itself counts."""

    def arrived(self, name: str, file: SnapshotFile) -> None:
        """A worker runs and will leave snapshots in `file`."""
        self._running[name] = file

    def departed(self, name: str) -> None:
        """A worker has ended: what it counted is kept, what it was is not."""
        file = self._running.pop(name)
        snapshot = file.read()
        if snapshot is not None:
            self._departed.add(snapshot, running=False)
        file.remove()

    def total(self) -> Total:
        """Everything that was counted since the start."""
        self.recorder.counts("workers").set(len(self._running))
        total = Total()
        total.add(self._departed.as_snapshot())
        own = self.recorder.snapshot()
        own.counters.pop("gatehouse_process_cpu_seconds_total", None)
        own.gauges.pop("gatehouse_process_resident_memory_bytes", None)
        for snapshot in (own, *self._snapshots()):
            total.add(snapshot)
        return total

    def readiness(self) -> tuple[int, Mapping[str, Any]]:
        """Status and body of `/readyz`: ready if every worker is."""
        snapshots = list(self._snapshots())
        fresh = [one for one in snapshots if time.time() - one.taken_at < STALE_SECONDS]
        all_there = bool(self._running) and len(fresh) == len(self._running)
        found = {"workers": OK if all_there else UNAVAILABLE}
        for snapshot in fresh:
            for name, state in snapshot.dependencies.items():
                if found.get(name, OK) == OK:
                    found[name] = state
        return readiness(found)

    def _snapshots(self) -> Iterable[Snapshot]:
        found = (file.read() for file in self._running.values())
        return (snapshot for snapshot in found if snapshot is not None)


class OpsApp:
    """The ASGI application of the operators' address."""

    def __init__(self, workforce: Workforce, read_inbox: ReadInbox) -> None:
        self._workforce = workforce
        self._read_inbox = read_inbox

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request (ASGI)."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
        status, kind, body = await self._respond(scope["method"], scope["path"], host)
        headers = [
            (b"content-type", kind.encode()),
            (b"content-length", str(len(body)).encode()),
            *_HEADERS,
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send(
            {"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body}
        )

    async def _respond(self, method: str, path: str, host: str) -> Response:
        pages: dict[str, Callable[[], Awaitable[Response]]] = {
            "/metrics": self._metrics,
            "/healthz": self._alive,
            "/readyz": self._ready,
            "/inbox": self._inbox,
        }
        page = pages.get(path)
        if page is None:
            return 404, _TEXT, b"not found: there are " + ", ".join(pages).encode() + b"\n"
        if method not in {"GET", "HEAD"}:
            return 405, _TEXT, b"method not allowed\n"
        if path == "/inbox" and not is_plain_host(host):
            return 403, _TEXT, b"open the inbox by localhost or by an IP address\n"
        return await page()

    async def _metrics(self) -> Response:
        kind, body = exposition(self._workforce.total())
        return 200, kind, body

    async def _alive(self) -> Response:
        return _json(200, {"status": OK})

    async def _ready(self) -> Response:
        return _json(*self._workforce.readiness())

    async def _inbox(self) -> Response:
        return 200, _HTML, inbox_page(await self._read_inbox(INBOX_SIZE)).encode()


def is_plain_host(host: str) -> bool:
    """Whether a Host header names localhost or an IP address, with or without a port.

    A name could be any web site's that has been made to resolve to this machine (DNS rebinding),
    whose scripts would then read what only an operator may.
    """
    try:
        name = urlsplit(f"//{host}").hostname
        return name == "localhost" or ip_address(name or "") is not None
    except ValueError:
        return False


def _json(status: int, body: Mapping[str, Any]) -> Response:
    return status, "application/json", msgspec.json.encode(body)


async def _lifespan(receive: Any, send: Any) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


_PAGE: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Development inbox</title>
<style>
:root {{ color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }}
body {{ margin: 2rem auto; max-width: 48rem; padding: 0 1rem; }}
article {{ border: 1px solid #8886; border-radius: .5rem; margin: 1rem 0; padding: .75rem 1rem; }}
h2 {{ font-size: 1rem; margin: 0; }}
header p {{ color: GrayText; margin: 0 0 .5rem; }}
pre {{ margin: 0; overflow-wrap: anywhere; white-space: pre-wrap; }}
</style>
<h1>Development inbox</h1>
<p>Mails and text messages are kept here and sent to nobody. The newest come first.</p>
<main>
{articles}
</main>
</html>
"""
_ARTICLE: Final = """<article>
<header><h2>{title}</h2><p>{channel} to {recipient}, <time>{sent}</time></p></header>
<pre>{body}</pre>
</article>"""


def inbox_page(messages: Iterable[Message]) -> str:
    """The development inbox as a page. Everything that comes from a message is escaped."""
    articles = [
        _ARTICLE.format(
            title=escape(one.subject or one.payload.get("template") or "Text message"),
            channel=escape(one.channel),
            recipient=escape(one.recipient),
            sent=time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(one.created_at / 1000)),
            body=escape(one.body),
        )
        for one in messages
    ]
    return _PAGE.format(articles="\n".join(articles) or "<p>Nothing has arrived yet.</p>")
