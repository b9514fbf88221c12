"""Threads and processes that stand back for the event loop when they are woken."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Final

BEHIND: Final = 5
"""Niceness of what works for requests beside the loop: a third of its weight."""


def stand_back(task: int, by: int = BEHIND) -> None:
    """Have a thread, or a process of one thread, let the event loop go first.

    As its equal, it would push the loop off its core in the middle of a request when it is woken,
    or take the core in its turn, for up to some milliseconds. `task` is the thread's native id,
    `by` is added to its niceness. Only Linux can do that; elsewhere nothing changes.
    """
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, task, os.getpriority(os.PRIO_PROCESS, task) + by)
            os.sched_setscheduler(task, os.SCHED_BATCH, os.sched_param(0))
