"""npm's typed client of the Management API makes, reads, changes and deletes each kind of thing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import trio

from tests.http.running import CLIENT_ID, CLIENT_SECRET, run_server

HERE = Path(__file__).parent
WHOLE_LIFE = ["create", "read", "list", "update", "delete"]
LESS = {
    "applicationSecrets": {"read"},
    "scopes": {"read"},
    "personalAccessTokens": {"read"},
    "captchaProvider": {"list"},
    "samlApplications": {"list"},
    "domains": {"update"},
}
"""What the API has no operation for."""
SINGLE = ["signInExperience", "accountCenter", "adminConsole", "idToken"]


async def test_the_typed_client_manages_each_kind_of_resource(
    sqlite_url: str, redis_url: str
) -> None:
    if shutil.which("node") is None:
        pytest.skip("Node.js is not installed, which @logto/api runs on")
    if not (HERE / "node_modules" / "@logto" / "api").is_dir():
        pytest.skip("@logto/api is not installed: run `npm ci` in tests/clients")
    async with run_server(sqlite_url, redis_url) as server:
        settings = {"origin": server.url, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        with trio.fail_after(60):
            ran = await trio.run_process(
                ["node", str(HERE / "logto_api.mjs"), json.dumps(settings)], capture_stdout=True
            )
    report = json.loads(ran.stdout)["report"]
    assert len(report) == 26
    for kind, steps in report.items():
        life = ["update", "read"] if kind in SINGLE else WHOLE_LIFE
        assert steps == [step for step in life if step not in LESS.get(kind, ())], kind
