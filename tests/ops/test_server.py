"""Starting, serving, crashing and stopping, with real processes."""

from __future__ import annotations

import json
import os
import re
import signal
import ssl
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.ops.conftest import Install
from tests.ops.installation import Installation, eventually, raw_connection
from tests.servers.certificates import Certificates
from tests.servers.valkey import Valkey

STATUS = b"GET /api/status HTTP/1.1\r\nhost: localhost\r\n\r\n"


def gone(pid: int) -> bool:
    """Whether a process has ended, reaped or not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"
    except FileNotFoundError:
        return True


def mode_of(installation: Installation, name: str) -> int:
    return stat.S_IMODE((installation.data_dir / name).stat().st_mode)


def test_a_first_start_serves_and_says_where(install: Install) -> None:
    gatehouse = install()
    gatehouse.start()
    assert httpx.get(f"{gatehouse.url}/api/status").status_code == 204
    assert "/demo-app" in gatehouse.output
    assert httpx.get(f"{gatehouse.url}/demo-app").text.startswith("<!doctype html>")
    assert gatehouse.stop() == 0


def test_the_credentials_are_shown_once_and_kept_for_their_owner(install: Install) -> None:
    gatehouse = install(PUBLIC_URL="http://localhost:3001")
    gatehouse.start()
    name = "management-credentials.json"
    kept = json.loads((gatehouse.data_dir / name).read_text())
    assert kept["management_client_secret"] in gatehouse.output
    assert kept["demo_password"] in gatehouse.output
    for private in (name, "secret-keys", "vault-keys", "gatehouse.db"):
        assert mode_of(gatehouse, private) == 0o600
    assert mode_of(gatehouse, "valkey") == 0o700
    gatehouse.stop()
    gatehouse.start()
    assert kept["management_client_secret"] not in gatehouse.output
    assert json.loads((gatehouse.data_dir / name).read_text()) == kept


def test_the_credentials_let_a_program_manage_the_server(install: Install) -> None:
    gatehouse = install(M2M_CLIENT_ID="manager", M2M_CLIENT_SECRET="a-secret-of-my-own")
    gatehouse.start()
    answer = httpx.post(
        f"{gatehouse.url}/oidc/token",
        data={
            "grant_type": "client_credentials",
            "resource": "https://default.logto.app/api",
            "scope": "all",
        },
        auth=("manager", "a-secret-of-my-own"),
    )
    assert answer.status_code == 200, answer.text
    bearer = {"authorization": f"Bearer {answer.json()['access_token']}"}
    users = httpx.get(f"{gatehouse.url}/api/users", headers=bearer).json()
    assert [user["username"] for user in users] == ["demo"]


def test_what_redis_holds_survives_a_restart(install: Install) -> None:
    gatehouse = install()
    gatehouse.start()
    before = (gatehouse.data_dir / "valkey" / "appendonlydir").exists()
    gatehouse.stop()
    gatehouse.start()
    assert before
    assert httpx.get(f"{gatehouse.url}/readyz").status_code == 200


def test_two_servers_do_not_share_a_data_directory(install: Install) -> None:
    gatehouse = install()
    gatehouse.start()
    second = gatehouse.run("serve")
    assert second.returncode == 1
    assert "GATEHOUSE_DATA_DIR" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_killed_server_leaves_nothing_that_stops_the_next(install: Install) -> None:
    gatehouse = install()
    gatehouse.start()
    gatehouse.stop(signal.SIGKILL)
    gatehouse.start()
    assert httpx.get(f"{gatehouse.url}/readyz").status_code == 200
    assert gatehouse.stop() == 0


def test_an_address_in_use_is_said_in_one_line(install: Install) -> None:
    gatehouse, other = install(), install()
    gatehouse.start()
    other.settings["BIND"] = gatehouse.url.removeprefix("http://")
    failed = other.run("serve")
    assert failed.returncode == 1
    assert "cannot listen on 127.0.0.1" in failed.stderr
    assert "Traceback" not in failed.stderr


@pytest.mark.parametrize("workers", ["1", "2"])
def test_no_accepted_request_is_dropped_by_a_stop(install: Install, workers: str) -> None:
    gatehouse = install(WORKERS=workers)
    gatehouse.start()
    url = gatehouse.url
    # Half of the connections have sent half of a request, the others wait in the backlog or idle.
    started = [raw_connection(url) for _ in range(20)]
    for connection in started:
        connection.sendall(STATUS[:20])
    idle = [raw_connection(url) for _ in range(20)]
    stopping = threading.Thread(target=gatehouse.stop)
    stopping.start()
    for connection in started:
        connection.sendall(STATUS[20:])
    for connection in idle:
        connection.sendall(STATUS)
    for connection in started + idle:
        assert connection.recv(65536).startswith(b"HTTP/1.1 204")
        connection.close()
    stopping.join()
    assert gatehouse.process is not None
    assert gatehouse.process.returncode == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_stop_under_load_answers_whatever_it_accepted(install: Install, workers: str) -> None:
    gatehouse = install(WORKERS=workers)
    gatehouse.start()
    url = gatehouse.url
    stopping = threading.Event()

    def ask_until_refused(_: int) -> int:
        """Requests on connections of their own; how many were answered before one was refused."""
        answered = 0
        while True:
            try:
                with raw_connection(url) as connection:
                    connection.sendall(STATUS)
                    reply = connection.recv(65536)
            except ConnectionRefusedError:
                return answered
            except ConnectionResetError:
                # The kernel refused it in its own way: the socket was closed in between.
                assert stopping.is_set()
                return answered
            assert reply.startswith(b"HTTP/1.1 204")
            answered += 1

    with ThreadPoolExecutor(8) as clients:
        running = [clients.submit(ask_until_refused, n) for n in range(8)]
        eventually(lambda: gatehouse.metric("gatehouse_http_requests_total") > 50)
        stopping.set()
        assert gatehouse.stop() == 0
        assert sum(one.result() for one in running) > 50


def test_a_crashed_worker_is_replaced_and_the_others_serve_on(install: Install) -> None:
    gatehouse = install(WORKERS="2")
    gatehouse.start()
    before = gatehouse.children()
    assert len(before) == 2
    for _ in range(50):
        httpx.get(f"{gatehouse.url}/api/status")
    eventually(lambda: gatehouse.metric("gatehouse_http_requests_total") >= 50)
    os.kill(before[0], signal.SIGKILL)
    eventually(lambda: len(set(gatehouse.children()) - set(before)) == 1)
    assert httpx.get(f"{gatehouse.url}/api/status").status_code == 204
    eventually(lambda: httpx.get(f"{gatehouse.ops_url}/readyz").status_code == 200)
    assert gatehouse.metric("gatehouse_worker_restarts_total") == 1
    # What the dead one counted is not forgotten.
    assert gatehouse.metric("gatehouse_http_requests_total") >= 50
    assert gatehouse.stop() == 0


def test_workers_end_with_a_supervisor_that_was_killed(install: Install) -> None:
    gatehouse = install(WORKERS="2")
    gatehouse.start()
    workers = gatehouse.children()
    gatehouse.stop(signal.SIGKILL)
    eventually(lambda: all(gone(pid) for pid in workers))


def test_it_serves_with_postgresql_and_a_redis_of_its_own(
    install: Install, postgres_dsn: str, valkey: Valkey
) -> None:
    gatehouse = install(DATABASE_URL=postgres_dsn, REDIS_URL=valkey.url, WORKERS="2")
    gatehouse.start()
    assert httpx.get(f"{gatehouse.url}/readyz").status_code == 200
    assert len(httpx.get(f"{gatehouse.url}/oidc/jwks").json()["keys"]) == 1
    assert not (gatehouse.data_dir / "valkey").exists()
    assert not (gatehouse.data_dir / "gatehouse.db").exists()
    assert gatehouse.stop() == 0


def test_a_second_signal_ends_what_does_not_stop(install: Install) -> None:
    gatehouse = install(WORKERS="2", DRAIN_SECONDS="600")
    gatehouse.start()
    with raw_connection(gatehouse.url) as connection:
        connection.sendall(STATUS[:20])
        assert gatehouse.process is not None
        workers = gatehouse.children()
        gatehouse.process.send_signal(signal.SIGTERM)
        eventually(lambda: "stopping" in gatehouse.log.read_text())
        assert gatehouse.stop() == 1
    assert "second signal" in gatehouse.log.read_text()
    assert len(workers) == 2
    assert all(gone(pid) for pid in workers)


def test_workers_that_start_together_share_their_keys(install: Install) -> None:
    gatehouse = install(WORKERS="2", DEMO="false")
    gatehouse.start()
    kept = json.loads((gatehouse.data_dir / "management-credentials.json").read_text())
    credentials = (kept["management_client_id"], kept["management_client_secret"])
    grant = {"grant_type": "client_credentials"}
    answer = httpx.post(f"{gatehouse.url}/oidc/token", data=grant, auth=credentials)
    token = answer.json()["access_token"]
    for _ in range(40):
        found = httpx.post(
            f"{gatehouse.url}/oidc/token/introspection", data={"token": token}, auth=credentials
        )
        assert found.json()["active"] is True


def test_it_serves_tls_and_a_unix_socket(
    install: Install, certificates: Certificates, tmp_path: Path
) -> None:
    path = tmp_path / "socket"
    gatehouse = install(
        BIND=f"127.0.0.1:0,unix:{path}",
        TLS_CERTIFICATE=str(certificates.certificate),
        TLS_KEY=str(certificates.key),
    )
    gatehouse.start()
    context = ssl.create_default_context(cafile=certificates.authority)
    url = re.search(r"serves (https://localhost:\d+)", gatehouse.output)
    assert url is not None
    discovery = "/oidc/.well-known/openid-configuration"
    document = httpx.get(url[1] + discovery, verify=context).json()
    assert document["issuer"] == f"{url[1]}/oidc"
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(path), verify=context)) as client:
        assert client.get(f"https://localhost{discovery}").json() == document
    assert gatehouse.stop() == 0
