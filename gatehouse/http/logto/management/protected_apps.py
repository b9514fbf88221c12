"""Protected applications: sites behind a proxy that signs people in for them.

`/api/applications/{id}/protected-app-metadata/custom-domains` are further names of such a site.
The proxy is the operator's own: they give this server the domain under which the sites are
reached, and send what they receive there through the proxy. Without a domain there are none.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from pydantic import Field

from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT
from gatehouse.http.logto.errors import ApiError
from gatehouse.http.logto.management.store import Store, read, write
from gatehouse.http.operation import Operations
from gatehouse.http.wire import Maybe, View, Wire
from gatehouse.storage.application_looks import ProtectedHost
from gatehouse.storage.records import Application, Json, OidcClientMetadata

if TYPE_CHECKING:
    from gatehouse.actors.core import Core

PATH = "/api/applications/{id}/protected-app-metadata/custom-domains"
SESSION_S = 14 * 24 * 3600
"""How long somebody stays signed in at a site, unless it says otherwise."""

_LABEL = re.compile(r"[0-9a-z](?:[0-9a-z-]{0,61}[0-9a-z])?")
"""A part of a host name (RFC 1123 §2.1)."""

operations = Operations(tags=("Applications",), access=MANAGEMENT, cors=CONSOLE_ONLY)

AdditionalScope = Literal[
    "custom_data",
    "identities",
    "roles",
    "urn:logto:scope:organizations",
    "urn:logto:scope:organization_roles",
]


class NewProtectedApp(Wire):
    """What a protected application is created with."""

    sub_domain: str
    origin: str


class PageRule(Wire):
    """A path that is protected, as a pattern."""

    path: Annotated[str, Field(max_length=2048)]


class ProtectedAppPatch(Wire):
    """What can be changed of a protected application. `sessionDuration` is in seconds."""

    origin: Maybe[Annotated[str, Field(max_length=2048)]] = None
    session_duration: Maybe[Annotated[int | float, Field(ge=0, le=2**31)]] = None
    page_rules: Maybe[Annotated[list[PageRule], Field(max_length=100)]] = None
    additional_scopes: Maybe[list[AdditionalScope]] = None


class NewDomain(Wire):
    """A name under which the site is to be reached as well."""

    domain: Annotated[str, Field(max_length=253)]


class DnsRecord(View):
    """What has to be written into the name's zone."""

    name: str
    type: str
    value: str


class DomainView(View):
    """A further name of a site."""

    domain: str
    status: Literal["PendingVerification", "PendingSsl", "Active", "Error"]
    error_message: str | None
    dns_records: list[DnsRecord]
    cloudflare_data: None


def protected_fields(core: Core, new: NewProtectedApp) -> dict[str, Any]:
    """The fields of a new protected application. Raises ApiError."""
    if core.protected_app_domain is None:
        raise ApiError("application.protected_app_not_configured")
    if not _LABEL.fullmatch(new.sub_domain):
        raise ApiError("application.invalid_subdomain")
    host = f"{new.sub_domain}.{core.protected_app_domain}"
    return {
        "protected_app_metadata": {
            "host": host,
            "origin": new.origin,
            "sessionDuration": SESSION_S,
            "pageRules": [],
            "additionalScopes": [],
        },
        "oidc_client_metadata": OidcClientMetadata(
            redirect_uris=[_callback(host)], post_logout_redirect_uris=[f"https://{host}"]
        ),
    }


def claim_host(store: Store, application: Application) -> None:
    """The application's own name is nobody else's. Raises `Conflict` on `host`."""
    metadata = application.protected_app_metadata or {}
    host = ProtectedHost(host=metadata["host"], application_id=application.id)
    store.protected_hosts.create(host)


def check_deletable(application: Application) -> None:
    """A site with further names stays. Raises ApiError."""
    if _domains(application):
        raise ApiError("application.should_delete_custom_domains_first")


def _callback(host: str) -> str:
    return f"https://{host}/sign-in-callback"


def _domains(application: Application) -> list[Json]:
    domains: list[Json] = (application.protected_app_metadata or {}).get("customDomains") or []
    return domains


def _protected(store: Store, call: Call) -> Application:
    application = store.applications.get(call.path["id"])
    if application.type != "Protected":
        raise ApiError("application.protected_application_only", status=422)
    if application.protected_app_metadata is None:
        raise ApiError("application.protected_app_not_configured")
    return application


@operations.get(
    PATH,
    "ListApplicationProtectedAppMetadataCustomDomains",
    response=list[DomainView],
    statuses=(404, 501),
)
async def list_domains(call: Call) -> Reply:
    """List the further names of a site."""
    domains = await read(call, lambda store: _domains(_protected(store, call)))
    return Reply(200, [DomainView.model_validate(domain) for domain in domains])


@operations.post(
    PATH,
    "CreateApplicationProtectedAppMetadataCustomDomain",
    body=NewDomain,
    status=201,
    statuses=(404, 422, 501),
)
async def add_domain(call: Call[NewDomain]) -> Reply:
    """Give a site another name; it may have one."""
    domain = call.body.domain.lower()
    labels = domain.split(".")
    if len(labels) < 2 or not all(map(_LABEL.fullmatch, labels)):
        raise ApiError("domain.domain_is_not_allowed")

    def change(store: Store) -> None:
        application = _protected(store, call)
        if _domains(application):
            raise ApiError("domain.limit_to_one_domain")
        if store.protected_hosts.find(domain) is not None:
            raise ApiError("domain.hostname_already_exists")
        metadata = application.protected_app_metadata or {}
        store.protected_hosts.create(ProtectedHost(host=domain, application_id=application.id))
        entry = {
            "domain": domain,
            "status": "Active",
            "errorMessage": None,
            "dnsRecords": [{"name": domain, "type": "CNAME", "value": metadata["host"]}],
            "cloudflareData": None,
        }
        registered = application.oidc_client_metadata
        store.applications.update(
            application.id,
            protected_app_metadata={**metadata, "customDomains": [entry]},
            oidc_client_metadata=msgspec.structs.replace(
                registered,
                redirect_uris=[*registered.redirect_uris, _callback(domain)],
                post_logout_redirect_uris=[
                    *registered.post_logout_redirect_uris,
                    f"https://{domain}",
                ],
            ),
        )

    await write(call, change)
    return Reply(201)


@operations.delete(
    f"{PATH}/{{domain}}",
    "DeleteApplicationProtectedAppMetadataCustomDomain",
    statuses=(404, 422, 501),
)
async def remove_domain(call: Call) -> None:
    """Take a further name from a site."""
    domain = call.path["domain"]

    def change(store: Store) -> None:
        application = _protected(store, call)
        left = [one for one in _domains(application) if one["domain"] != domain]
        if len(left) == len(_domains(application)):
            raise ApiError("application.custom_domain_not_found")
        store.protected_hosts.delete(domain)
        registered = application.oidc_client_metadata
        store.applications.update(
            application.id,
            protected_app_metadata={
                **(application.protected_app_metadata or {}),
                "customDomains": left,
            },
            oidc_client_metadata=msgspec.structs.replace(
                registered,
                redirect_uris=_without(registered.redirect_uris, _callback(domain)),
                post_logout_redirect_uris=_without(
                    registered.post_logout_redirect_uris, f"https://{domain}"
                ),
            ),
        )

    await write(call, change)


def _without(urls: list[str], gone: str) -> list[str]:
    return [url for url in urls if url != gone]
