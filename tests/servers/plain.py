"""HTTP clients of servers without TLS.

Each client of httpx loads all authorities there are, which takes longer than most tests.
"""

from __future__ import annotations

import ssl
from typing import Any

import httpx

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""What trusts no authority: nobody can be reached over TLS with it."""


def plain_client(url: str = "", **options: Any) -> httpx.AsyncClient:
    """A client that follows nothing by itself, and is patient."""
    return httpx.AsyncClient(base_url=url, timeout=30, verify=NO_TLS, **options)
