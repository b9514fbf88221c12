"""Threads and processes that stand back for the event loop when they are woken."""

from __future__ import annotations

import os
import sys
from contextlib import suppress


def stand_back(task: int) -> None:
    """Have a thread, or a process of one thread, wait its turn when it is woken.

    Woken by the event loop, it would otherwise push the loop off its core in the middle of a
    request. `task` is the thread's native id. Only Linux can do that; elsewhere nothing changes.
    """
    if sys.platform == "linux":
        with suppress(OSError):
            os.sched_setscheduler(task, os.SCHED_BATCH, os.sched_param(0))
