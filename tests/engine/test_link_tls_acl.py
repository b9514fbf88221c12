"""TLS, ACL users, and what a Redis URL may say.

The Valkey of the wheel is built without TLS. It stands behind a proxy that ends it, as managed
Redis services do it; the link's side is the same.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from redis.crc import REDIS_CLUSTER_HASH_SLOTS
from redis.exceptions import NoPermissionError

from gatehouse.engine.errors import Unavailable
from gatehouse.engine.redis import redis_from_url
from tests.servers.certificates import Certificates
from tests.servers.cluster import ClusterNode
from tests.servers.proxy import proxy_to
from tests.servers.running import running, until_served
from tests.servers.sentinel import SERVICE, Sentinel
from tests.servers.valkey import SOCKET, Valkey


async def test_tls_carries_large_values_both_ways(
    valkey: Valkey, certificates: Certificates
) -> None:
    large = bytes(range(256)) * 4000
    async with proxy_to(valkey.socket, certificates.server_context()) as proxy:
        url = f"rediss://localhost:{proxy.port}/2?ssl_ca_certs={certificates.authority}"
        async with running(url) as redis:
            await redis.execute("SET", "large", large)
            assert await redis.execute("GET", "large") == large
    with valkey.client(db=2) as client:
        assert client.get("large") == large


async def test_an_unknown_authority_is_refused(valkey: Valkey, certificates: Certificates) -> None:
    async with proxy_to(valkey.socket, certificates.server_context()) as proxy:
        async with running(f"rediss://localhost:{proxy.port}") as redis:
            with pytest.raises(Unavailable, match=r"certificate|CERTIFICATE"):
                await redis.execute("PING")
        async with running(f"rediss://localhost:{proxy.port}?ssl_cert_reqs=none") as redis:
            assert await redis.execute("PING") == b"PONG"


async def test_a_certificate_for_another_host_is_refused(
    valkey: Valkey, certificates: Certificates
) -> None:
    async with proxy_to(valkey.socket, certificates.server_context(), host="127.0.0.2") as proxy:
        url = f"rediss://127.0.0.2:{proxy.port}?ssl_ca_certs={certificates.authority}"
        async with running(url) as redis:
            with pytest.raises(Unavailable, match=r"certificate|CERTIFICATE"):
                await redis.execute("PING")
        async with running(f"{url}&ssl_check_hostname=false") as redis:
            assert await redis.execute("PING") == b"PONG"


async def test_a_client_certificate_is_shown_where_it_is_asked_for(
    valkey: Valkey, certificates: Certificates
) -> None:
    context = certificates.server_context(ask_client=True)
    async with proxy_to(valkey.socket, context) as proxy:
        url = f"rediss://localhost:{proxy.port}?ssl_ca_certs={certificates.authority}"
        async with running(url) as redis:
            with pytest.raises(Unavailable):
                await redis.execute("PING")
        own = f"&ssl_certfile={certificates.certificate}&ssl_keyfile={certificates.key}"
        async with running(url + own) as redis:
            assert await redis.execute("PING") == b"PONG"


async def test_a_server_without_tls_is_unavailable_to_a_link_with_it(valkey: Valkey) -> None:
    async with (
        proxy_to(valkey.socket) as proxy,
        running(f"rediss://127.0.0.1:{proxy.port}?socket_connect_timeout=0.5") as redis,
    ):
        with pytest.raises(Unavailable):
            await redis.execute("PING")


async def test_tls_to_sentinel_and_to_the_master_it_names(
    valkey: Valkey, certificates: Certificates, server_directory: Path
) -> None:
    tls = certificates.server_context()
    async with AsyncExitStack() as stack:
        # The sentinel of the wheel knows no TLS: it watches where the link goes encrypted.
        master = await stack.enter_async_context(proxy_to(valkey.socket, tls, also_plain=True))
        sentinel = Sentinel(server_directory / "tls-sentinel", master.port)
        door = await stack.enter_async_context(proxy_to(sentinel.socket, tls))
        sentinel.start()
        stack.callback(sentinel.stop)
        url = f"rediss+sentinel://localhost:{door.port}/{SERVICE}"
        async with running(f"{url}?ssl_ca_certs={certificates.authority}") as redis:
            assert await until_served(lambda: redis.execute("SET", "a", "b")) == b"OK"
            assert door.connections
        async with running(url) as redis:
            with pytest.raises(Unavailable, match=r"certificate|CERTIFICATE"):
                await redis.execute("PING")
    with valkey.client() as client:
        assert client.get("a") == b"b"


async def test_tls_to_every_server_of_a_cluster(
    certificates: Certificates, server_directory: Path
) -> None:
    keys = [f"{{p{number:02}}}" for number in range(16)]
    async with AsyncExitStack() as stack:
        nodes, doors = [], []
        for name in "ab":
            directory = server_directory / f"tls-cluster-{name}"
            door = await stack.enter_async_context(
                proxy_to(directory / SOCKET, certificates.server_context())
            )
            node = ClusterNode(directory, announce_port=door.port)
            node.start()
            stack.callback(node.kill)
            nodes.append(node)
            doors.append(door)
        half = REDIS_CLUSTER_HASH_SLOTS // 2
        nodes[0].ask("CLUSTER", "ADDSLOTSRANGE", 0, half - 1)
        nodes[1].ask("CLUSTER", "ADDSLOTSRANGE", half, REDIS_CLUSTER_HASH_SLOTS - 1)
        nodes[0].ask("CLUSTER", "MEET", "127.0.0.1", nodes[1].port, nodes[1].bus_port)
        url = f"rediss+cluster://localhost:{doors[0].port}?ssl_ca_certs={certificates.authority}"
        async with running(url) as redis:
            for key in keys:
                await until_served(lambda key=key: redis.execute("SET", key, key, key=key))
        assert all(door.connections for door in doors)
        sizes = [node.ask("DBSIZE") for node in nodes]
    assert sum(sizes) == len(keys)
    assert all(sizes)


async def test_an_acl_user_may_do_what_its_rules_say(valkey: Valkey) -> None:
    with valkey.client() as client:
        client.execute_command("ACL", "SETUSER", "app", "on", ">p@ss/w", "~gh:*", "+@all", "-keys")
    async with running(f"unix://app:p%40ss%2Fw@{valkey.socket}") as redis:
        assert await redis.execute("SET", "gh:a", 1) == b"OK"
        with pytest.raises(NoPermissionError):
            await redis.execute("SET", "other", 1)
        with pytest.raises(NoPermissionError):
            await redis.execute("KEYS", "*")


async def test_a_wrong_password_is_named_and_not_shown(valkey: Valkey) -> None:
    with valkey.client() as client:
        client.execute_command("ACL", "SETUSER", "app", "on", ">right", "~*", "+@all")
    async with running(f"unix://app:s3cret@{valkey.socket}") as redis:
        with pytest.raises(Unavailable, match="invalid username-password") as caught:
            await redis.execute("PING")
        assert "s3cret" not in repr(caught.value)
        with valkey.client() as client:
            client.execute_command("ACL", "SETUSER", "app", ">s3cret")
        assert await until_served(lambda: redis.execute("PING")) == b"PONG"


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("http://localhost", "starts with redis://"),
        ("unix+cluster:///x", "starts with redis://"),
        ("redis://localhost/first", "database number"),
        ("redis://localhost:port", "host or port"),
        ("redis://user:s3cret/@localhost:1x", "host or port|database number"),
        ("redis://localhost?tiemout=3", "tiemout"),
        ("redis://localhost?db=one", "db"),
        ("redis+sentinel://localhost:26379", "name the service"),
        ("redis+cluster://localhost:7000/3", "leave out db"),
        ("unix://", "path of the socket"),
        ("rediss://localhost?ssl_ca_certs=/nonexistent", "TLS file"),
        ("rediss://localhost?ssl_cert_reqs=maybe", "ssl_cert_reqs"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_with_its_fault(url: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint) as caught:
        redis_from_url(url)
    assert "s3cret" not in str(caught.value)
