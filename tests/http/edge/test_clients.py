"""Clients that nobody here wrote: httpx (HTTP/1.1 and 2, TLS), http.client, curl, Node's fetch."""

from __future__ import annotations

import datetime
import http.client
import ipaddress
import json
import shutil
import ssl
from pathlib import Path

import httpx
import pytest
import trio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gatehouse.http.edge import EdgeLimits
from tests.http.edge.serving import running

BODY = "x" * 200_000


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A certificate for 127.0.0.1, as Hypercorn's settings name its two files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "edge")])
    now = datetime.datetime.now(datetime.UTC)
    loopback = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([loopback]), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder: Path = tmp_path_factory.mktemp("tls")
    (folder / "cert.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return {"certfile": str(folder / "cert.pem"), "keyfile": str(folder / "key.pem")}


async def converse(client: httpx.AsyncClient, address: str, version: str) -> None:
    """Several requests at once, of all shapes."""

    async def get(number: int) -> None:
        answer = await client.get(f"{address}/get", params={"n": str(number)})
        assert answer.text == f"[GET /get?n={number} ]"
        assert answer.http_version == version

    async with trio.open_nursery() as nursery:
        for number in range(20):
            nursery.start_soon(get, number)
    answer = await client.post(f"{address}/long", content=BODY)
    assert answer.text == f"[POST /long? {BODY}]"

    async def pieces() -> object:
        for _ in range(10):
            yield b"piece"

    answer = await client.post(f"{address}/chunked", content=pieces())
    assert answer.text == f"[POST /chunked? {'piece' * 10}]"
    assert (await client.head(address)).status_code == 200
    assert (await client.post(address, content="x" * 2_000_000)).status_code == 413
    assert (await client.get(f"{address}/after")).text == "[GET /after? ]"


async def test_httpx_over_http_1_1() -> None:
    async with running() as server, httpx.AsyncClient() as client:
        await converse(client, server.address, "HTTP/1.1")


@pytest.mark.parametrize("http2", [False, True])
async def test_httpx_over_tls(certificate: dict[str, str], http2: bool) -> None:
    trusted = ssl.create_default_context(cafile=certificate["certfile"])
    async with (
        running(**certificate) as server,
        httpx.AsyncClient(http2=http2, http1=not http2, verify=trusted) as client,
    ):
        await converse(client, server.address, "HTTP/2" if http2 else "HTTP/1.1")
        assert bool(server.stats.fallbacks["h2"]) == http2


async def test_httpx_with_http_2_known_beforehand() -> None:
    async with running() as server, httpx.AsyncClient(http2=True, http1=False) as client:
        await converse(client, server.address, "HTTP/2")
        assert server.stats.fallbacks["h2"] >= 1


async def test_an_idle_tls_connection_is_closed_by_the_drain(certificate: dict[str, str]) -> None:
    trusted = ssl.create_default_context(cafile=certificate["certfile"])
    async with (
        running(limits=EdgeLimits(drain_seconds=0.1), **certificate) as server,
        httpx.AsyncClient(verify=trusted) as client,
    ):
        assert (await client.get(server.address)).status_code == 200
        server.stop.set()
        with trio.fail_after(5):
            await server.stopped.wait()


async def test_plain_text_on_a_tls_port_harms_nobody(certificate: dict[str, str]) -> None:
    trusted = ssl.create_default_context(cafile=certificate["certfile"])
    async with running(**certificate) as server:
        await server.exchange(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
        async with httpx.AsyncClient(verify=trusted) as client:
            assert (await client.get(server.address)).status_code == 200


async def test_http_client_of_the_standard_library() -> None:
    def converse(port: int) -> list[bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        said = []
        for method, body in (("GET", None), ("POST", BODY.encode()), ("PUT", iter([b"a", b"b"]))):
            connection.request(method, "/", body=body)
            said.append(connection.getresponse().read())
        connection.close()
        return said

    async with running() as server:
        said = await trio.to_thread.run_sync(converse, server.port)
    assert said == [b"[GET /? ]", b"[POST /? %b]" % BODY.encode(), b"[PUT /? ab]"]


async def test_curl() -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    async with running() as server:
        # curl asks for 100-continue before it sends a body of this size
        run = await trio.run_process(
            [
                *("curl", "-sS", "--data-binary", "@-", "-H", "Expect: 100-continue"),
                *(f"{server.address}/a", "--next", "-sS", f"{server.address}/b%20c"),
            ],
            stdin=BODY.encode(),
            capture_stdout=True,
        )
    assert run.stdout == b"[POST /a? %b][GET /b c? ]" % BODY.encode()


async def test_nodes_fetch() -> None:
    if shutil.which("node") is None:
        pytest.skip("Node is not installed")
    script = """
        const address = process.argv[1];
        const answers = await Promise.all([
          ...Array.from({length: 10}, (_, n) => fetch(`${address}/${n}`)),
          fetch(`${address}/post`, {method: "POST", body: "x".repeat(200000)}),
        ]);
        console.log(JSON.stringify(await Promise.all(answers.map((answer) => answer.text()))));
        const stream = new ReadableStream({
          start(out) { out.enqueue(new TextEncoder().encode("piece")); out.close(); },
        });
        const chunked = await fetch(address, {method: "POST", body: stream, duplex: "half"});
        console.log(JSON.stringify(await chunked.text()));
    """
    async with running() as server:
        run = await trio.run_process(
            ["node", "--input-type=module", "-e", script, server.address],
            capture_stdout=True,
            capture_stderr=True,
        )
    answers, chunked = map(json.loads, run.stdout.splitlines())
    assert answers == [f"[GET /{n}? ]" for n in range(10)] + [f"[POST /post? {BODY}]"]
    assert chunked == "[POST /? piece]"
