"""`/api/organizations/{id}/jit`: who joins an organization by themselves, and with which roles."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT
from gatehouse.http.logto.management.organization_collections import (
    Relation,
    ids_body,
    missing_is,
    relate,
    unrelated,
)
from gatehouse.http.logto.management.organization_members import RoleIds
from gatehouse.http.logto.management.organization_template import OrganizationRoleView
from gatehouse.http.logto.management.organizations import PATH
from gatehouse.http.logto.management.paging import Page, bounds, listed
from gatehouse.http.logto.management.sso_connectors import SsoConnectorView
from gatehouse.http.logto.management.store import Store, read, write
from gatehouse.http.operation import Operations
from gatehouse.http.wire import View, Wire
from gatehouse.storage.organizations_records import OrganizationEmailDomain

DOMAINS = f"{PATH}/{{id}}/jit/email-domains"
MAX_DOMAINS = 1000
"""Email domains of one organization."""

operations = Operations(tags=("Organizations",), access=MANAGEMENT, cors=CONSOLE_ONLY)

Domain = Annotated[str, Field(min_length=1, max_length=128)]


class EmailDomainView(View):
    """An email domain whose people join an organization."""

    tenant_id: str
    organization_id: str
    email_domain: str


class NewEmailDomain(Wire):
    """An email domain to add."""

    email_domain: Domain


class EmailDomains(Wire):
    """The email domains to have, and no others."""

    email_domains: Annotated[list[Domain], Field(max_length=MAX_DOMAINS)]


@operations.get(
    DOMAINS, "ListOrganizationJitEmailDomains", query=Page, response=list[EmailDomainView]
)
async def list_domains(call: Call[None, Page]) -> Reply:
    """List the email domains of an organization."""
    window = call.query.asked
    page = await read(
        call, lambda store: store.organization_email_domains.of(call.path["id"], *bounds(window))
    )
    return listed(call, [EmailDomainView.of(one) for one in page.items], page.total, window)


@operations.post(
    DOMAINS,
    "CreateOrganizationJitEmailDomain",
    body=NewEmailDomain,
    response=EmailDomainView,
    status=201,
    statuses=(422,),
)
async def add_domain(call: Call[NewEmailDomain]) -> EmailDomainView:
    """Add an email domain to an organization."""
    new = OrganizationEmailDomain(
        organization_id=call.path["id"], email_domain=call.body.email_domain
    )
    with unrelated():
        return EmailDomainView.of(
            await write(call, lambda store: store.organization_email_domains.create(new))
        )


@operations.put(DOMAINS, "ReplaceOrganizationJitEmailDomains", body=EmailDomains, statuses=(422,))
async def replace_domains(call: Call[EmailDomains]) -> None:
    """Give an organization exactly these email domains."""

    def change(store: Store) -> None:
        store.organization_email_domains.replace(call.path["id"], call.body.email_domains)

    with unrelated():
        await write(call, change)


@operations.delete(
    f"{DOMAINS}/{{emailDomain}}", "DeleteOrganizationJitEmailDomain", statuses=(404,)
)
async def delete_domain(call: Call) -> None:
    """Take an email domain from an organization."""
    key = (call.path["id"], call.path["emailDomain"])
    with missing_is("entity.not_found"):
        await write(call, lambda store: store.organization_email_domains.delete(*key))


relate(
    operations,
    Relation(
        path=f"{PATH}/{{id}}/jit/roles",
        member="organizationRoleId",
        names=(
            "ListOrganizationJitRoles",
            "CreateOrganizationJitRole",
            "ReplaceOrganizationJitRoles",
            "DeleteOrganizationJitRole",
        ),
        links=lambda store, path: (store.organization_jit_roles, path["id"]),
        members=lambda store, path, page: store.organization_roles.search(
            None, *page, organization_id=store.organizations.get(path["id"]).id
        ),
        view=OrganizationRoleView,
        adding=ids_body("AddedJitRoleIds", "organizationRoleIds", some=True),
        replacing=RoleIds,
    ),
)

relate(
    operations,
    Relation(
        path=f"{PATH}/{{id}}/jit/sso-connectors",
        member="ssoConnectorId",
        names=(
            "ListOrganizationJitSsoConnectors",
            "CreateOrganizationJitSsoConnector",
            "ReplaceOrganizationJitSsoConnectors",
            "DeleteOrganizationJitSsoConnector",
        ),
        links=lambda store, path: (store.organization_jit_sso_connectors, path["id"]),
        members=lambda store, path, page: store.sso_connectors.of_organization(
            store.organizations.get(path["id"]).id, *page
        ),
        view=SsoConnectorView,
        adding=ids_body("AddedJitSsoConnectorIds", "ssoConnectorIds", some=True),
        replacing=ids_body("JitSsoConnectorIds", "ssoConnectorIds"),
    ),
)
