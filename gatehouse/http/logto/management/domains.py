"""`/api/domains`: names of the operator's own that lead to this server.

This server keeps no certificates and changes no zones: the operator points the name here and lets
their proxy answer for it. Whether that works is found out by asking the name for our own discovery
document, whenever the domain is read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
import trio
from pydantic import Field

from gatehouse.actors.core import Core
from gatehouse.actors.outbound import OutboundError
from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT
from gatehouse.http.logto.errors import ApiError
from gatehouse.http.logto.management.store import Store, read, write
from gatehouse.http.operation import Operations
from gatehouse.http.wire import View, Wire
from gatehouse.storage.domains import Domain, DomainStatus

operations = Operations(tags=("Domains",), access=MANAGEMENT, cors=CONSOLE_ONLY)

ANSWER_S = 5.0
"""How long a domain may take to answer; those of a list are asked at the same time."""
DAY_MS = 24 * 3600 * 1000
NOT_HERE = "The domain does not lead to this server yet."

_HOST = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{1,62}")
"""A host name of two labels at least (RFC 1123 §2.1)."""


class NewDomain(Wire):
    """A domain to add."""

    domain: Annotated[str, Field(min_length=1, max_length=256)]


class Cleanup(Wire):
    """After how many days a domain that never worked is given up."""

    stale_days: Annotated[int, Field(ge=1, le=36500)]


class DomainView(View):
    """A domain."""

    id: str
    domain: str
    status: DomainStatus
    error_message: str | None
    dns_records: list[dict[str, str]]
    created_at: int


class CleanupSummary(Wire):
    """What a cleanup did."""

    scanned_count: int
    deleted_count: int
    skipped_active_count: int
    failed_count: int


@operations.get("/api/domains", "ListDomains", response=list[DomainView])
async def list_domains(call: Call) -> Reply:
    """List the domains, and whether they lead here."""
    found = await _synced(call, await read(call, lambda store: store.domains.all()))
    return Reply(200, [DomainView.of(one) for one in found])


@operations.get("/api/domains/{id}", "GetDomain", response=DomainView, statuses=(404,))
async def get_domain(call: Call) -> DomainView:
    """Read a domain, and whether it leads here."""
    found = await read(call, lambda store: store.domains.get(call.path["id"]))
    return DomainView.of((await _synced(call, [found]))[0])


@operations.post(
    "/api/domains",
    "CreateDomain",
    body=NewDomain,
    response=DomainView,
    status=201,
    statuses=(400, 422),
)
async def create_domain(call: Call[NewDomain]) -> DomainView:
    """Add a domain, which the operator then points to this server."""
    name = call.body.domain.lower()
    ours = urlsplit(call.core.public_url).hostname or ""
    if not _HOST.fullmatch(name) or name == ours:
        raise ApiError("domain.domain_is_not_allowed", status=400)
    new = Domain(domain=name, dns_records=[{"type": "CNAME", "name": name, "value": ours}])
    return DomainView.of(await write(call, lambda store: store.domains.add(new)))


@operations.delete("/api/domains/{id}", "DeleteDomain", statuses=(404,))
async def delete_domain(call: Call) -> None:
    """Delete a domain."""
    await write(call, lambda store: store.domains.delete(call.path["id"]))


@operations.post("/api/domains/cleanup", "CleanupDomains", body=Cleanup, response=CleanupSummary)
async def clean_up_domains(call: Call[Cleanup]) -> CleanupSummary:
    """Delete the domains that were added so many days ago and do not lead here."""
    found = await _synced(call, await read(call, lambda store: store.domains.all()))
    before = call.core.clock() - call.body.stale_days * DAY_MS
    active = [one for one in found if one.status == "Active"]
    stale = [one for one in found if one.status != "Active" and one.created_at < before]

    def change(store: Store) -> None:
        for one in stale:
            if store.domains.find(one.id) is not None:
                store.domains.delete(one.id)

    await write(call, change)
    return CleanupSummary(
        scanned_count=len(found),
        deleted_count=len(stale),
        skipped_active_count=len(active),
        failed_count=0,
    )


async def _synced(call: Call, domains: Sequence[Domain]) -> list[Domain]:
    """The domains with their status as of now, which is stored where it changed."""
    leading: dict[str, bool] = {}

    async def ask(name: str) -> None:
        leading[name] = await _leads_here(call.core, name)

    async with trio.open_nursery() as nursery:
        for one in domains:
            nursery.start_soon(ask, one.domain)
    current = [_as_of(one, leading[one.domain]) for one in domains]
    changed = [new for new, old in zip(current, domains, strict=True) if new != old]

    def change(store: Store) -> None:
        for one in changed:
            if store.domains.find(one.id) is not None:
                store.domains.update(one.id, status=one.status, error_message=one.error_message)

    if changed:
        await write(call, change)
    return current


def _as_of(domain: Domain, leads_here: bool) -> Domain:
    if leads_here:
        return msgspec.structs.replace(domain, status="Active", error_message=None)
    status: DomainStatus = "Error" if domain.status in ("Active", "Error") else domain.status
    return msgspec.structs.replace(domain, status=status, error_message=NOT_HERE)


async def _leads_here(core: Core, name: str) -> bool:
    url = f"https://{name}/oidc/.well-known/openid-configuration"
    try:
        with trio.fail_after(ANSWER_S):
            answer = await core.outbound.get(url, {"accept": "application/json"})
        document = msgspec.json.decode(answer.body)
    except (OutboundError, trio.TooSlowError, msgspec.DecodeError, UnicodeError):
        return False
    return isinstance(document, dict) and document.get("issuer") == core.issuer
