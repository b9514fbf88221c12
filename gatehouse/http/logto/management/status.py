"""`/api/status`: is the API there?"""

from __future__ import annotations

from gatehouse.http.call import Call
from gatehouse.http.logto.access import CONSOLE_ONLY
from gatehouse.http.operation import Operations

operations = Operations(tags=("Status",), cors=CONSOLE_ONLY)


@operations.get("/api/status", "GetStatus", hot=True)
async def get_status(call: Call) -> None:
    """Say that the API answers."""
