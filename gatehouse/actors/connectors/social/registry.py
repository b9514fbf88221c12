"""The social connectors that a tenant has set up, each with what speaks with its provider."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from gatehouse.actors.connectors.factory import Factory, InvalidConfig
from gatehouse.actors.connectors.social.provider import SocialProvider, monogram
from gatehouse.actors.refusal import Reason, Refused

if TYPE_CHECKING:
    from gatehouse.actors.connectors.messengers import Messengers
    from gatehouse.actors.directory import Directory
    from gatehouse.storage.records import Connector

NEUTRAL = "#5b6472"
"""The colour of the picture of a provider that has none."""


@dataclass(frozen=True, slots=True)
class SocialConnector:
    """One that is set up. `target` is the name under which accounts know the provider."""

    record: Connector
    factory: Factory

    @property
    def id(self) -> str:
        """The connector's own id."""
        return self.record.id

    @property
    def target(self) -> str:
        """What its identities are kept under."""
        return target_of(self.factory, self.record)

    @property
    def name(self) -> str:
        """What people know the provider as: a standard connector's own name comes first."""
        names = self.record.metadata.get("name") if self.factory.standard else None
        known = names if isinstance(names, dict) else {}
        return str(known.get("en") or next(iter(known.values()), self.factory.name))

    @property
    def logo(self) -> str:
        """A picture as a data URL; pages load none from elsewhere."""
        if not self.factory.standard:
            return self.factory.logo
        own = str(self.record.metadata.get("logo") or "")
        if own.startswith("data:image/"):
            return own
        return monogram(next(filter(str.isalnum, self.name), "O").upper(), NEUTRAL)

    @property
    def keeps_tokens(self) -> bool:
        """Whether the provider's tokens are stored."""
        return self.factory.stores_tokens and self.record.enable_token_storage

    def provider(self) -> SocialProvider:
        """What speaks with the provider. Raises `Refused(CONNECTOR_MISCONFIGURED)`."""
        make = self.factory.provider
        if make is None:
            raise Refused(Reason.UNEXPECTED_CONNECTOR)
        try:
            return make(self.factory.read(msgspec.json.decode(self.record.config)))
        except InvalidConfig:
            raise Refused(Reason.CONNECTOR_MISCONFIGURED) from None

    def provider_or_none(self) -> SocialProvider | None:
        """The same, or None where the configuration is not finished."""
        try:
            return self.provider()
        except Refused:
            return None


@dataclass(frozen=True, slots=True)
class SocialConnectors:
    """Finds them, through the directory's memory."""

    directory: Directory
    messengers: Messengers

    async def all(self) -> list[SocialConnector]:
        """Every social connector whose kind is offered here, oldest first."""
        return self.among(await self.directory.connectors())

    def among(self, records: Iterable[Connector]) -> list[SocialConnector]:
        """The social ones among connectors."""
        return [
            SocialConnector(record, factory)
            for record in records
            if (factory := self.messengers.factory(record.connector_id)) is not None
            and factory.provider is not None
        ]

    async def get(
        self, connector_id: str, missing: Reason = Reason.NO_SUCH_CONNECTOR
    ) -> SocialConnector:
        """The one of this id.

        Raises `Refused`: `missing` if there is none, `UNEXPECTED_CONNECTOR` if it is of another
        kind.
        """
        for ask in (self.directory.connectors, self.directory.connectors_now):
            record = next((one for one in await ask() if one.id == connector_id), None)
            if record is not None:
                factory = self.messengers.factory(record.connector_id)
                if factory is None:
                    break
                if factory.provider is None:
                    raise Refused(Reason.UNEXPECTED_CONNECTOR)
                return SocialConnector(record, factory)
        raise Refused(missing)

    async def offered(self, targets: Sequence[str]) -> list[SocialConnector]:
        """Those of these targets, in this order."""
        known = await self.all() if targets else []
        return [one for target in targets for one in known if one.target == target]

    async def of_target(self, target: str) -> SocialConnector | None:
        """The one that keeps identities under this name."""
        return next((one for one in await self.all() if one.target == target), None)


def target_of(factory: Factory, record: Connector) -> str:
    """A standard connector has a name of its own, the others have their kind's."""
    return str(record.metadata.get("target") or factory.target)
