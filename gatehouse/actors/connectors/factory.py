"""What a kind of connector is: how it is called, what it has to be told, what it is made into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

if TYPE_CHECKING:
    from gatehouse.actors.connectors.social.provider import SocialProvider
    from gatehouse.storage.records import Channel

MAX_CONFIG_BYTES: Final = 128 * 1024
"""A configuration as JSON text."""


class InvalidConfig(Exception):  # noqa: N818 - named for what it is
    """A configuration that its factory cannot use; the message says where."""


class MakeProvider(Protocol):
    """Makes what speaks with a provider, from a configuration of the factory's type."""

    def __call__(self, config: Any, /) -> SocialProvider: ...


@dataclass(frozen=True, slots=True)
class Factory:
    """One kind of connector. `form` describes its configuration to the console.

    A connector carries messages over a `channel`, or has people sign in through a `provider`. A
    `standard` one may be set up several times, each under a `target` of its own. `stores_tokens`:
    the tokens of the provider can be kept.
    """

    id: str
    target: str
    channel: Channel | None
    name: str
    description: str
    config: type[msgspec.Struct]
    form: tuple[Mapping[str, Any], ...] = ()
    readme: str = ""
    mock: bool = False
    provider: MakeProvider | None = None
    standard: bool = False
    stores_tokens: bool = False
    logo: str = ""

    def read(self, config: object) -> Any:
        """The configuration as a value. Raises InvalidConfig."""
        if len(msgspec.json.encode(config)) > MAX_CONFIG_BYTES:
            raise InvalidConfig(f"it is longer than {MAX_CONFIG_BYTES} bytes")
        try:
            return msgspec.convert(config, self.config)
        except msgspec.ValidationError as error:
            raise InvalidConfig(str(error)) from None


def field(key: str, label: str, kind: str = "Text", **more: Any) -> Mapping[str, Any]:
    """One field of a form, as the console reads it."""
    return {"key": key, "label": label, "type": kind, "required": False, **more}
