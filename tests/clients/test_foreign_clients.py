"""Clients that nobody here wrote sign a person in, refresh and sign out, over a real socket.

Each is a program of its own. This side is the person's browser: it follows redirects, answers the
sign-in through the Experience API, confirms signing out, and stops where the client's own address
begins.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest
import trio

from tests.http.oidc.house import API, CALLBACK, GOODBYE, SECRET, answer_experience

HERE = Path(__file__).parent
OURS = "https://app.example/"
"""The client's own origin: nothing is there, and the browser stops before it."""
LOGTO = [sys.executable, str(HERE / "logto_sdk.py")]
OPENID_CLIENT = ["node", str(HERE / "openid_client.mjs")]
MAX_HOPS = 10


class Browser:
    """A person at a browser."""

    def __init__(self, http: httpx.AsyncClient, client_id: str) -> None:
        self.http = http
        self.client_id = client_id

    async def visit(self, url: str) -> str:
        """Follow a link until it leads to the client's own address; that address."""
        answer = await self.http.get(url)
        for _ in range(MAX_HOPS):
            if answer.has_redirect_location:
                url = urljoin(str(answer.url), answer.headers["location"])
            elif answer.url.path == "/oidc/session/end":
                answer = await self._confirm(answer)
                continue
            else:
                raise AssertionError(f"{answer.status_code} at {answer.url}: {answer.text}")
            if url.startswith(OURS):
                return url
            if "/sign-in" in url:
                url = await answer_experience(self.http, self.client_id, "ada")
            answer = await self.http.get(url)
        raise AssertionError("too many redirects")

    async def _confirm(self, page: httpx.Response) -> httpx.Response:
        form = page.text.partition("<form")[2].partition("<button")[0]
        fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
        action = re.search(r'action="([^"]+)"', form)
        assert action is not None
        return await self.http.post(action[1], data={**fields, "logout": "yes"})


async def lines_of(stream: trio.abc.ReceiveStream) -> AsyncIterator[dict[str, Any]]:
    buffer = b""
    async for chunk in stream:
        *lines, buffer = (buffer + chunk).split(b"\n")
        for line in lines:
            yield json.loads(line)


async def run(
    command: list[str], settings: dict[str, Any], browser: Browser
) -> tuple[dict[str, Any], list[str]]:
    """Run a client's program; its report, and where the browser arrived each time."""
    arrivals: list[str] = []
    report: dict[str, Any] = {}
    process = await trio.lowlevel.open_process(
        [*command, json.dumps(settings)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        with trio.fail_after(30):
            async for told in lines_of(process.stdout):
                if "report" in told:
                    report = told["report"]
                else:
                    arrivals.append(await browser.visit(told["visit"]))
                    answer = json.dumps({"arrived": arrivals[-1]}) + "\n"
                    await process.stdin.send_all(answer.encode())
            assert await process.wait() == 0
    finally:
        process.kill()
    return report, arrivals


def require_node() -> None:
    if shutil.which("node") is None:
        pytest.skip("Node.js is not installed, which openid-client runs on")
    if not (HERE / "node_modules" / "openid-client").is_dir():
        pytest.skip("openid-client is not installed: run `npm ci` in tests/clients")


@pytest.mark.parametrize(
    ("command", "client_id"),
    [
        pytest.param(LOGTO, "web", id="logto"),
        pytest.param(OPENID_CLIENT, "web", id="openid-client-confidential"),
        pytest.param(OPENID_CLIENT, "spa", id="openid-client-public"),
    ],
)
async def test_a_client_signs_in_refreshes_and_signs_out(
    origin: str, ada: str, command: list[str], client_id: str
):
    if command is OPENID_CLIENT:
        require_node()
    settings = {
        "origin": origin,
        "client_id": client_id,
        "client_secret": SECRET if client_id == "web" else None,
        "redirect_uri": CALLBACK,
        "goodbye": GOODBYE,
        "resource": API,
    }
    async with httpx.AsyncClient(base_url=origin) as http:
        browser = Browser(http, client_id)
        report, arrivals = await run(command, settings, browser)
        assert report["sub"] == ada
        assert report["username"] == "ada"
        assert report["email"] == "ada@example.com"
        assert report["audience"] == API
        assert report["scope"] == "read"
        assert report["rotated"] is True
        assert report.get("active", [True, False]) == [True, False]
        assert [url.partition("?")[0] for url in arrivals] == [CALLBACK, GOODBYE]
        assert "_session" not in http.cookies
