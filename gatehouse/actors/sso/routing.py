"""Whose company asks for single sign-on: the domain of an email address decides.

People of such a domain sign in through their company and in no other way, so that whoever leaves
the company is locked out here, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.shown import shown
from gatehouse.actors.sign_in_rules import SignInRules
from gatehouse.actors.sso.configs import PROVIDERS, InvalidSsoConfig
from gatehouse.actors.sso.domains import domain_of
from gatehouse.actors.verification import Record, Switch
from gatehouse.storage.records import SsoIdentity
from gatehouse.storage.sso_connectors import SsoConnector, SsoConnectors
from gatehouse.storage.users import Users

if TYPE_CHECKING:
    from gatehouse.actors.core import Core
    from gatehouse.storage.transaction import Transaction

MAX_CONNECTORS = 1000
"""Connectors that are offered to people who sign in."""


def parsed_config(connector: SsoConnector) -> Any:
    """A connector's configuration as values. Raises InvalidSsoConfig."""
    provider = PROVIDERS[connector.provider_name]
    return provider.parse(msgspec.json.decode(connector.config))


def is_set_up(connector: SsoConnector) -> bool:
    """Whether a connector's configuration is complete."""
    try:
        parsed_config(connector)
    except InvalidSsoConfig:
        return False
    return True


async def connectors_of_email(core: Core, rules: SignInRules, email: str) -> list[SsoConnector]:
    """The connectors through which people of this email address sign in; none if that is off."""
    domain = domain_of(email)
    if not rules.single_sign_on_enabled or not domain:
        return []
    found = await core.db.lookup(_of_domain, core.tenant_id, domain)
    return [connector for connector in found if is_set_up(connector)]


async def offered(core: Core, rules: SignInRules) -> list[SsoConnector]:
    """The connectors that sign-in pages know of: those that are set up and have domains."""
    return await core.directory.sso_connectors() if rules.single_sign_on_enabled else []


async def check_email_open(core: Core, rules: SignInRules, email: str | None) -> None:
    """Raises `Refused(SSO_ENABLED)` for an email address that belongs to a connector's domain."""
    found = [] if email is None else await connectors_of_email(core, rules, email)
    if found:
        raise Refused(Reason.SSO_ENABLED, {"ssoConnectors": [_shown(one) for one in found]})


async def check_open(core: Core, rules: SignInRules, record: Record) -> None:
    """Raises `Refused` where a verification stands in for single sign-on.

    `SSO_ENABLED` for an email address of a company, `PASSKEY_OF_COMPANY` for the passkey of
    somebody who has come through a company.
    """
    if record.sign_in_switch is Switch.SINGLE_SIGN_ON:
        return
    await check_email_open(core, rules, record.email)
    if record.sign_in_switch is Switch.PASSKEY and record.user_id is not None:
        identities = await core.db.lookup(_identities, core.tenant_id, record.user_id)
        if identities:
            raise Refused(Reason.PASSKEY_OF_COMPANY)


def _shown(connector: SsoConnector) -> dict[str, Any]:
    """A connector for everyone to see: nothing of its configuration."""
    return shown(connector, ("id", "provider_name", "connector_name", "domains", "branding"))


def _of_domain(tx: Transaction, tenant: str, domain: str) -> list[SsoConnector]:
    return SsoConnectors(tx, tenant).of_domain(domain)


def _identities(tx: Transaction, tenant: str, user_id: str) -> list[SsoIdentity]:
    return Users(tx, tenant).sso_identities(user_id)


def offered_connectors(tx: Transaction, tenant: str) -> list[SsoConnector]:
    """The same from the database, without their configurations: what is kept needs no secrets."""
    every = SsoConnectors(tx, tenant).all(MAX_CONNECTORS)
    usable = [one for one in every if one.domains and is_set_up(one)]
    return [msgspec.structs.replace(one, config="{}") for one in usable]
