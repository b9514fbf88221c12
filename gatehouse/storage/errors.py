"""What storage refuses, and how it fails, in words of its own.

Drivers have their own exceptions, and two drivers have two families of them. They are translated
in one place per driver, so that callers decide on these alone. A dialect maps them to its wire
format. No message holds a value that was stored: values may be secrets.

They are named by what they say, and so without the suffix that N818 asks for.
"""

from __future__ import annotations


class StorageError(Exception):
    """Anything that storage raises on purpose."""


class NotFound(StorageError):  # noqa: N818
    """There is no such record in this tenant."""

    def __init__(self, entity: str, id: str) -> None:
        super().__init__(f"{entity} not found")
        self.entity = entity
        self.id = id


class Conflict(StorageError):  # noqa: N818
    """Another record of the tenant has this value already. `field` is the column's name."""

    def __init__(self, entity: str, field: str) -> None:
        super().__init__(f"{entity}.{field} is taken")
        self.entity = entity
        self.field = field


class Referenced(StorageError):  # noqa: N818
    """A record names one that does not exist, or is still needed by another."""

    def __init__(self, entity: str) -> None:
        super().__init__(f"{entity} breaks a reference")
        self.entity = entity


class Refused(StorageError):  # noqa: N818
    """A rule of the aggregate forbids this change. `rule` is a fixed word, safe to show."""

    def __init__(self, entity: str, rule: str) -> None:
        super().__init__(f"{entity}: {rule}")
        self.entity = entity
        self.rule = rule


class InvalidValue(StorageError):  # noqa: N818
    """A value that no column can hold: a NUL byte, a lone surrogate, a number out of range."""


class Busy(StorageError):  # noqa: N818
    """Too much is waiting for the database, or others hold it: come back later."""

    def __init__(self, message: str = "the database is busy", retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(StorageError):  # noqa: N818
    """The database cannot be reached or is failing. Nothing was changed."""

    def __init__(
        self, message: str = "the database is unavailable", retry_after: float = 1.0
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Indeterminate(Unavailable):
    """The connection was lost while committing: the change may have been made, or not."""
