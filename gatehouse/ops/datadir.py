"""The data directory: everything that one installation keeps on this machine.

It belongs to one running server, which a lock proves even after a crash, and to one owner, whom
the file modes name. Secrets that no setting gives are made here once.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatehouse.ops.settings import KEY_BYTES, decode_key

if TYPE_CHECKING:
    from gatehouse.actors.secret_ring import SecretRing
    from gatehouse.ops.settings import Settings
    from gatehouse.storage.vault import Vault

CREDENTIALS = "management-credentials.json"
"""What the first start made: the management application's credentials and the demo user's."""


class DataDirError(Exception):
    """The data directory cannot be used; the message says why."""


def prepare_data_dir(settings: Settings) -> Path:
    """Make the directory if it is not there, for its owner alone. Raises DataDirError."""
    path = settings.data_dir
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not os.access(path, os.W_OK | os.X_OK):
            raise PermissionError(None, "it is not writable")
    except OSError as error:
        raise DataDirError(f"GATEHOUSE_DATA_DIR: {path} cannot be used: {error.strerror}") from None
    return path


@contextmanager
def sole_owner(path: Path) -> Iterator[None]:
    """Hold the directory's lock. Raises DataDirError if another server runs on it.

    The lock ends with the process, however it ends: there is no stale lock to remove.
    """
    descriptor = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode().strip()
            raise DataDirError(
                f"GATEHOUSE_DATA_DIR: {path} is in use by the server with process id {holder}"
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def write_private(path: Path, text: str, *, replace: bool = True) -> None:
    """Write a file that only its owner may read, whole or not at all.

    Without `replace` a file that somebody else has made meanwhile stays.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    if replace:
        draft.replace(path)
        return
    with suppress(FileExistsError):
        path.hardlink_to(draft)
    draft.unlink()


def secret_ring(settings: Settings) -> SecretRing:
    """The keys of tokens and cookies: given, or made in the data directory once."""
    from gatehouse.actors.secret_ring import SecretRing  # noqa: PLC0415

    given = [key.get_secret_value() for key in settings.secret_keys]
    lines = given or _kept(settings.data_dir / "secret-keys", _new_key)
    return SecretRing([decode_key(line) for line in lines])


def vault(settings: Settings) -> Vault:
    """The keys of secrets at rest: given, or made in the data directory once."""
    from gatehouse.storage.vault import Vault  # noqa: PLC0415

    given = [key.get_secret_value() for key in settings.vault_keys]
    lines = given or _kept(settings.data_dir / "vault-keys", lambda: f"k1:{_new_key()}")
    pairs = (line.partition(":") for line in lines)
    return Vault({name: decode_key(key) for name, _, key in pairs})


def read_credentials(settings: Settings) -> dict[str, Any] | None:
    """What the first start kept, or `None`."""
    try:
        content = (settings.data_dir / CREDENTIALS).read_text()
    except FileNotFoundError:
        return None
    credentials: dict[str, Any] = json.loads(content)
    return credentials


def keep_credentials(settings: Settings, credentials: Mapping[str, Any]) -> Path:
    """Keep what was made; the file's path."""
    path = settings.data_dir / CREDENTIALS
    write_private(path, json.dumps(credentials, indent=2) + "\n")
    return path


def _new_key() -> str:
    return urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def _kept(path: Path, make: Callable[[], str]) -> list[str]:
    if not path.exists():
        write_private(path, make() + "\n", replace=False)
    lines = [line.strip() for line in path.read_text().splitlines()]
    return [line for line in lines if line and not line.startswith("#")]
