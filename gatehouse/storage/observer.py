"""What storage tells about itself; the default ignores it. Operations count it."""

from __future__ import annotations


class StorageObserver:
    """Called on the event loop's thread. `pool` is one of a few fixed names: a metric label."""

    def pool_changed(self, pool: str, size: int, in_use: int, waiting: int) -> None:
        """Threads with a connection, how many of them work, and units waiting for one."""

    def unit_finished(self, pool: str, waited: float, took: float, failed: bool) -> None:
        """A unit of work ended. Seconds in the queue, and seconds from then to its outcome.

        The units of one group commit all take as long as the group.
        """
