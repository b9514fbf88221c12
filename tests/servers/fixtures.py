"""Fixtures over the real servers. A server starts with the first test that asks for it.

Under pytest-xdist each worker has its own: a session there is one worker's.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gatehouse.storage.migrate import migrate
from tests.servers.certificates import Certificates, make_certificates
from tests.servers.cluster import Cluster
from tests.servers.postgres import Postgres
from tests.servers.sentinel import SentinelGroup
from tests.servers.valkey import Valkey

if TYPE_CHECKING:
    from tests.servers.saml_identity_provider import SamlIdentityProvider


@pytest.fixture(scope="session")
def server_directory() -> Iterator[Path]:
    """A short path: a Unix socket's name has about 100 bytes, and pytest's own are long."""
    with tempfile.TemporaryDirectory(prefix="gh-", dir="/tmp", ignore_cleanup_errors=True) as path:
        Path(path).chmod(0o755)
        yield Path(path)


@pytest.fixture(scope="session")
def shared_valkey(server_directory: Path) -> Iterator[Valkey]:
    """The server that tests share; a test that disturbs its server takes `valkey` instead."""
    server = Valkey(server_directory / "shared")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def redis_url(request: pytest.FixtureRequest) -> str:
    """A Redis without a single key or script, for this test alone.

    A Cluster where `GATEHOUSE_TEST_REDIS` is `cluster`.
    """
    kind = os.environ.get("GATEHOUSE_TEST_REDIS", "standalone")
    url: str = request.getfixturevalue(f"{kind}_url")
    return url


@pytest.fixture
def cluster_url(cluster: Cluster) -> str:
    """An empty Cluster."""
    return cluster.url


@pytest.fixture
def standalone_url(shared_valkey: Valkey) -> str:
    """An empty server."""
    with shared_valkey.client() as client:
        client.flushall()
        client.script_flush()
        client.config_resetstat()
    return shared_valkey.url


@pytest.fixture
def valkey(server_directory: Path) -> Iterator[Valkey]:
    """A server of the test's own, on a Unix socket, to restart, pause and kill."""
    with tempfile.TemporaryDirectory(dir=server_directory) as path:
        server = Valkey(Path(path))
        server.start()
        yield server
        server.stop()


@pytest.fixture(scope="session")
def shared_sentinel_group(server_directory: Path) -> Iterator[SentinelGroup]:
    group = SentinelGroup(server_directory / "sentinel")
    group.heal()
    yield group
    group.stop()


@pytest.fixture
def sentinel_group(shared_sentinel_group: SentinelGroup) -> SentinelGroup:
    """A whole and empty Sentinel group, whatever the test before did to it."""
    shared_sentinel_group.heal()
    with shared_sentinel_group.master.client() as client:
        client.flushall()
    return shared_sentinel_group


@pytest.fixture(scope="session")
def shared_cluster(server_directory: Path) -> Iterator[Cluster]:
    cluster = Cluster(server_directory / "cluster")
    cluster.create()
    yield cluster
    cluster.stop()


@pytest.fixture
def cluster(shared_cluster: Cluster) -> Cluster:
    """A whole and empty Cluster, whatever the test before did to it."""
    shared_cluster.heal()
    shared_cluster.flush()
    return shared_cluster


@pytest.fixture(scope="session")
def certificates(server_directory: Path) -> Certificates:
    """A test authority and a certificate for localhost."""
    return make_certificates(server_directory / "tls")


@pytest.fixture(scope="session")
def postgres(server_directory: Path) -> Iterator[Postgres]:
    """The PostgreSQL that tests share, each with databases of its own."""
    server = Postgres(server_directory / "postgres")
    server.start()
    yield server
    server.stop(signal.SIGINT)  # "fast": do not wait for clients


@pytest.fixture
def postgres_dsn(postgres: Postgres) -> Iterator[str]:
    """The URL of an empty database, for this test alone."""
    name = postgres.create_database()
    yield postgres.dsn(name)
    postgres.drop_database(name)


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database with the newest schema, to be copied: that is faster than to migrate."""
    path = tmp_path_factory.mktemp("sqlite") / "migrated.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def migrated_postgres(postgres: Postgres) -> str:
    """The name of such a database."""
    name = postgres.create_database()
    migrate(postgres.dsn(name))
    return name


@pytest.fixture
def sqlite_url(migrated_sqlite: Path, tmp_path: Path) -> str:
    """A migrated, empty SQLite database of the test's own."""
    path = tmp_path / "gatehouse.db"
    shutil.copy(migrated_sqlite, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_url(postgres: Postgres, migrated_postgres: str) -> Iterator[str]:
    """A migrated, empty PostgreSQL database of the test's own."""
    name = postgres.create_database(migrated_postgres)
    yield postgres.dsn(name)
    postgres.drop_database(name)


@pytest.fixture(scope="module")
def company() -> SamlIdentityProvider:
    """The identity provider of a company; its key takes a while to make."""
    # Imported here: it brings pysaml2 along, which most tests can do without.
    from tests.servers.saml_identity_provider import SamlIdentityProvider

    return SamlIdentityProvider()
