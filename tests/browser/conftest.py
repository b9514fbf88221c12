"""A real browser, and a real server as an operator starts it."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PASSWORD = "wombat-9-hill"
VERIFIER = "v" * 43
START = "from gatehouse.ops.cli import main; main()"
TIMEOUT_MS = 10_000


@dataclass(frozen=True)
class Server:
    """A server that was started by its command line."""

    url: str
    management: httpx.Client
    messages: Path

    @property
    def callback(self) -> str:
        """Where applications have people sent back to: nothing is there, and no script."""
        return f"{self.url}/callback"

    def authorize_url(self, **parameters: str) -> str:
        """Where an application sends somebody who is to sign in."""
        digest = hashlib.sha256(VERIFIER.encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        query = {
            "client_id": "demo-app",
            "redirect_uri": self.callback,
            "response_type": "code",
            "scope": "openid profile",
            "state": "the-state",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **parameters,
        }
        return f"{self.url}/oidc/auth?{urlencode(query)}"

    def mail(self, recipient: str) -> dict[str, Any]:
        """The last mail that was sent, once it is to this recipient."""
        file = self.messages / "mock_email_record.txt"
        for _ in range(500):
            if file.exists() and file.read_text().endswith("\n"):
                last: dict[str, Any] = json.loads(file.read_text())
                if last["address"] == recipient:
                    file.unlink()
                    return last
            time.sleep(0.02)
        raise AssertionError(f"nothing was sent to {recipient}")

    def manage(self, method: str, path: str, body: Any = None) -> Any:
        """Call the Management API."""
        answer = self.management.request(method, f"/api{path}", json=body)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The server as `gatehouse serve` starts it, with the embedded default."""
    with tempfile.TemporaryDirectory(prefix="gh-", dir="/tmp") as folder:
        environment = {
            **os.environ,
            "GATEHOUSE_DATA_DIR": folder,
            "GATEHOUSE_BIND": "127.0.0.1:0",
            "GATEHOUSE_METRICS_BIND": "127.0.0.1:0",
            "GATEHOUSE_DEMO_PASSWORD": PASSWORD,
            "GATEHOUSE_MOCK_CONNECTORS": f"{folder}/messages",
            "GATEHOUSE_ALLOW_PRIVATE_ADDRESSES": "true",
        }
        process = subprocess.Popen(
            [sys.executable, "-c", START, "serve"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=(Path(folder) / "errors").open("wb"),
            text=True,
        )
        try:
            url = announced(process)
            kept = json.loads((Path(folder) / "management-credentials.json").read_text())
            with manager(url, kept) as client:
                server = Server(url, client, Path(folder) / "messages")
                uris = {"redirectUris": [f"{url}/demo-app", server.callback]}
                metadata = {**uris, "postLogoutRedirectUris": [f"{url}/demo-app"]}
                server.manage("PATCH", "/applications/demo-app", {"oidcClientMetadata": metadata})
                yield server
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def announced(process: subprocess.Popen[str]) -> str:
    """The address that a starting server prints."""
    assert process.stdout is not None
    for line in process.stdout:
        found = re.search(r"serves (http://\S+)", line)
        if found:
            return found[1]
    raise AssertionError("the server did not start")


def manager(url: str, kept: dict[str, str]) -> httpx.Client:
    """A client that may manage the server."""
    answer = httpx.post(
        f"{url}/oidc/token",
        data={
            "grant_type": "client_credentials",
            "resource": kept["management_resource"],
            "scope": "all",
        },
        auth=(kept["management_client_id"], kept["management_client_secret"]),
    )
    assert answer.status_code == 200, answer.text
    token = answer.json()["access_token"]
    return httpx.Client(base_url=url, headers={"authorization": f"Bearer {token}"})


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Chromium, started once."""
    if CHROMIUM is None:
        message = "Chromium is not installed: the pages are not tested in a browser"
        if os.environ.get("GATEHOUSE_REQUIRE_ALL") == "1":
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Browser, server: Server) -> Iterator[Callable[..., Page]]:
    """Open pages in fresh profiles; whatever a page loads or complains about is held against it."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_one(**options: Any) -> Page:
        context = chromium.new_context(base_url=server.url, **options)
        contexts.append(context)
        context.set_default_timeout(TIMEOUT_MS)
        page = context.new_page()
        page.on("console", lambda message: _note(complaints, message.type, message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: _same_origin(complaints, server.url, request.url))
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert complaints == []


def _note(complaints: list[str], kind: str, text: str) -> None:
    if kind == "error" and "status of 4" not in text:
        complaints.append(text)


def _same_origin(complaints: list[str], origin: str, url: str) -> None:
    if not url.startswith((f"{origin}/", "data:")):
        complaints.append(f"loaded {url}")


@pytest.fixture
def keep_screenshot(tmp_path: Path) -> Callable[[Page, str], Path]:
    """Keep a picture of a page where GATEHOUSE_SCREENSHOTS says, else with the test's files."""
    folder = Path(os.environ.get("GATEHOUSE_SCREENSHOTS", tmp_path))

    def keep(page: Page, name: str) -> Path:
        path = folder / f"{name}.png"
        page.screenshot(path=path, full_page=True)
        return path

    return keep
