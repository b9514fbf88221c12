"""Errors that an operator can do something about, told from those that only we can."""

from __future__ import annotations


def sole_cause(error: Exception) -> Exception:
    """The one error inside the groups that nurseries wrap around it; else the error itself."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def expected_errors() -> tuple[type[Exception], ...]:
    """What settings, the machine, the database or Redis may be to blame for."""
    # A command that goes well needs none of these modules for this.
    from gatehouse.engine.errors import EngineError  # noqa: PLC0415
    from gatehouse.ops.datadir import DataDirError  # noqa: PLC0415
    from gatehouse.ops.embedded import EmbeddedError  # noqa: PLC0415
    from gatehouse.ops.keys import KeysError  # noqa: PLC0415
    from gatehouse.ops.server import ServerError  # noqa: PLC0415
    from gatehouse.ops.settings import SettingsError  # noqa: PLC0415
    from gatehouse.ops.sockets import BindError  # noqa: PLC0415
    from gatehouse.storage.errors import StorageError  # noqa: PLC0415
    from gatehouse.storage.vault import SealError  # noqa: PLC0415

    ours = (BindError, DataDirError, EmbeddedError, KeysError, ServerError, SettingsError)
    return (*ours, EngineError, SealError, StorageError)
