"""Requests to addresses that somebody else chose: bounded in time and size, and kept off our own.

An operator of a tenant says where webhooks go. The server must not be talked into reaching what
only it can reach (server-side request forgery): so the name is resolved here, every address is
judged, and the connection is made to the very address that was judged, whatever the name resolves
to a moment later. The certificate is still checked for the name. Redirects are not followed, and
no proxy of the environment is used.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address

import httpx
import trio

TIMEOUT_S = 10.0
"""How long a request may take altogether, from the name to the last byte that is read."""

MAX_ANSWER_BYTES = 64 * 1024
"""How much of an answer is read."""

MAX_ADDRESSES = 4
"""Addresses of a name that are tried."""


class OutboundError(Exception):
    """There is no answer. The message is safe to show; `final`: another attempt would not help."""

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.final = final


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status, and the beginning of the body."""

    status: int
    body: bytes

    @property
    def succeeded(self) -> bool:
        """Whether it is a 2xx."""
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        """The body as text that can be stored and shown."""
        return self.body.decode("utf-8", "replace").replace("\x00", "\N{REPLACEMENT CHARACTER}")


class Outbound:
    """Sends requests. `allow_private`: also to addresses that are not of the public internet."""

    def __init__(self, *, allow_private: bool = False, timeout: float = TIMEOUT_S) -> None:
        self._allow_private = allow_private
        self._timeout = timeout

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send a POST and return the answer, whatever its status. Raises OutboundError."""
        return await self.request("POST", url, body, headers)

    async def get(
        self, url: str, headers: Mapping[str, str], *, limit: int = MAX_ANSWER_BYTES
    ) -> Answer:
        """Send a GET and return the answer, whatever its status. Raises OutboundError."""
        return await self.request("GET", url, None, headers, limit=limit)

    async def request(
        self,
        method: str,
        url: str,
        body: bytes | None,
        headers: Mapping[str, str],
        *,
        limit: int = MAX_ANSWER_BYTES,
    ) -> Answer:
        """Send a request and return the answer, whatever its status; `limit` bytes of it are read.

        Raises OutboundError.
        """
        try:
            parsed = httpx.URL(url)
        except (httpx.InvalidURL, UnicodeError):
            raise OutboundError("the URL is not valid", final=True) from None
        if parsed.scheme not in ("http", "https") or not parsed.host:
            raise OutboundError("only http and https URLs are called", final=True)
        try:
            request = httpx.Request(
                method,
                parsed,
                content=body,
                headers={
                    **headers,
                    "host": parsed.netloc.decode("ascii"),
                    "accept-encoding": "identity",
                },
                extensions={"sni_hostname": parsed.host},
            )
            with trio.fail_after(self._timeout):
                return await self._try_each(request, limit)
        except (trio.TooSlowError, httpx.TimeoutException):
            raise OutboundError("it took too long") from None
        except (httpx.LocalProtocolError, UnicodeError):
            raise OutboundError("the request cannot be made", final=True) from None
        except (httpx.HTTPError, OSError) as error:
            raise OutboundError(f"the connection failed ({type(error).__name__})") from None

    async def _try_each(self, request: httpx.Request, limit: int) -> Answer:
        """Ask the first address that takes a connection."""
        url = request.url
        port = url.port or (443 if url.scheme == "https" else 80)
        *others, last = await self.addresses(url.host, port)
        for address in others:
            try:
                return await self._send(request, address, limit)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return await self._send(request, last, limit)

    async def _send(self, request: httpx.Request, address: str, limit: int) -> Answer:
        async with (
            httpx.AsyncClient(
                verify=_authorities(), trust_env=False, timeout=httpx.Timeout(self._timeout)
            ) as client,
            client.stream(
                request.method,
                request.url.copy_with(host=address),
                content=request.content,
                headers=request.headers,
                extensions=request.extensions,
            ) as response,
        ):
            received = bytearray()
            async for part in response.aiter_raw():
                received += part
                if len(received) >= limit:
                    break
            return Answer(response.status_code, bytes(received[:limit]))

    async def addresses(self, host: str, port: int) -> list[str]:
        """The addresses of a name that may be connected to, at least one. Raises OutboundError."""
        try:
            found = await trio.socket.getaddrinfo(host, port, type=trio.socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise OutboundError("the name cannot be resolved") from None
        addresses = [str(where[0]) for *_, where in found]
        allowed = [one for one in addresses if self._allow_private or is_public(one)]
        if not allowed:
            raise OutboundError("the address is not a public one", final=True)
        return allowed[:MAX_ADDRESSES]


@cache
def _authorities() -> ssl.SSLContext:
    """Whom to believe; to load them all takes some 20 ms."""
    return ssl.create_default_context()


def is_public(text: str) -> bool:
    """Whether an IP address is one of the public internet, also where it wraps another one."""
    try:
        address: IPv4Address | IPv6Address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        elif address.sixtofour is not None or address.teredo is not None:
            return False
    return address.is_global and not address.is_multicast
