"""This server's own way to identity providers: bounded requests, and their keys remembered.

Nothing here goes through a browser. Whatever goes wrong on the way is one of a few reasons; what a
provider wrote is repeated to nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import trio

from gatehouse.actors.outbound import Answer, Outbound, OutboundError
from gatehouse.actors.refusal import Reason, Refused

DOCUMENT_AGE_S = 600.0
"""How long a key set or a provider's metadata is believed."""

REFETCH_S = 30.0
"""A document is not fetched again before this, whoever presents unknown keys."""

MAX_DOCUMENTS = 256
"""Documents that are remembered; operators choose the addresses."""

PROVIDER_DEADLINE = 30.0
"""Seconds that an operation may take which asks a provider for tokens, keys and the person."""

UNAUTHORIZED = 401


class Backchannel:
    """Requests to providers. `clock()` is in milliseconds since the epoch."""

    def __init__(self, outbound: Outbound, clock: Callable[[], int]) -> None:
        self.outbound = outbound
        self.clock = clock
        self._documents: dict[str, tuple[float, dict[str, Any]]] = {}

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send a POST. Raises `Refused(CONNECTOR_FAILED)` where there is no answer."""
        try:
            return await self.outbound.post(url, body, headers)
        except OutboundError as error:
            raise Refused(Reason.CONNECTOR_FAILED, description=str(error)) from None

    async def get(self, url: str, headers: Mapping[str, str]) -> Answer:
        """Send a GET. Raises `Refused(CONNECTOR_FAILED)` where there is no answer."""
        try:
            return await self.outbound.get(url, headers)
        except OutboundError as error:
            raise Refused(Reason.CONNECTOR_FAILED, description=str(error)) from None

    async def protected(self, url: str, access_token: str | None) -> Any:
        """What a resource answers to a bearer token (RFC 6750 §2.1), as JSON. Raises `Refused`."""
        if access_token is None:
            raise Refused(Reason.CONNECTOR_RESPONSE_INVALID)
        headers = {"accept": "application/json", "authorization": f"Bearer {access_token}"}
        answer = await self.get(url, headers)
        if answer.status == UNAUTHORIZED:
            raise Refused(Reason.PROVIDER_TOKEN_INVALID)
        if not answer.succeeded:
            raise Refused(
                Reason.CONNECTOR_FAILED, description=f"the provider answered {answer.status}"
            )
        return read_json(answer)

    async def person(self, url: str, access_token: str | None) -> dict[str, Any]:
        """What a provider tells of the person a token is about. Raises `Refused`."""
        found = await self.protected(url, access_token)
        if not isinstance(found, dict):
            raise Refused(Reason.CONNECTOR_RESPONSE_INVALID)
        return found

    async def document(self, url: str, *, renewed: bool = False) -> dict[str, Any]:
        """A public JSON object, remembered for a while; `renewed`: it may have changed.

        Raises `Refused`.
        """
        known = self._documents.get(url)
        age = DOCUMENT_AGE_S if not renewed else REFETCH_S
        if known is not None and trio.current_time() < known[0] + age:
            return known[1]
        answer = await self.get(url, {"accept": "application/json"})
        if not answer.succeeded:
            raise Refused(
                Reason.CONNECTOR_FAILED, description=f"the provider answered {answer.status}"
            )
        found = read_json(answer)
        if not isinstance(found, dict):
            raise Refused(Reason.CONNECTOR_RESPONSE_INVALID)
        if len(self._documents) >= MAX_DOCUMENTS:
            self._documents.clear()
        self._documents[url] = (trio.current_time(), found)
        return found


def read_json(answer: Answer) -> Any:
    """The body as JSON. Raises `Refused(CONNECTOR_RESPONSE_INVALID)`."""
    try:
        return msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, RecursionError):
        raise Refused(Reason.CONNECTOR_RESPONSE_INVALID) from None
