"""What an operator can say: one table of settings, from the environment or a TOML file.

Each field below is the environment variable `GATEHOUSE_<NAME>` and the lower-case key of the TOML
file; the environment wins. Everything is checked when the program starts, and what is wrong is
said by the setting's name. Values are never repeated in an error: any of them may be a secret.
"""

from __future__ import annotations

import base64
import binascii
import os
import tomllib
from collections.abc import Callable, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

PREFIX = "GATEHOUSE_"
CONFIG_VARIABLE = f"{PREFIX}CONFIG"
KEY_BYTES = 32
"""Length of every secret and vault key: the output of SHA-256 and the key of AES-256."""


class SettingsError(Exception):
    """The settings cannot be used; the message has a line for each one that is wrong."""


def _split(value: object) -> object:
    """A list may be written as text with commas."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _public_url(value: str) -> str:
    parts = urlsplit(value)
    if value and (parts.scheme not in {"http", "https"} or not parts.netloc):
        raise ValueError("must be an http or https URL, as people type it into a browser")
    if parts.query or parts.fragment or parts.path.strip("/"):
        raise ValueError("must be an origin: no path, query or fragment")
    return value.rstrip("/")


def parse_address(value: str) -> tuple[str, int] | Path:
    """(host, port) of `host:port` or `[v6]:port`, or the path of `unix:/path`.

    Raises ValueError.
    """
    if value.startswith("unix:"):
        return Path(value.removeprefix("unix:"))
    host, colon, port = value.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise ValueError("must be host:port, [v6 address]:port or unix:/path")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _address(value: str) -> str:
    if value != "off":
        parse_address(value)
    return value


def _network(value: str) -> str:
    try:
        return str(ip_network(value, strict=False))
    except ValueError:
        raise ValueError("must be addresses or networks such as 10.0.0.0/8") from None


def decode_key(text: str) -> bytes:
    """A key of 32 bytes in base64 (either alphabet, padding optional). Raises ValueError."""
    plain = text.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        key = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != KEY_BYTES:
        raise ValueError(f"must be keys of {KEY_BYTES} bytes in base64")
    return key


def _secret_key(value: SecretStr) -> SecretStr:
    decode_key(value.get_secret_value())
    return value


def _vault_key(value: SecretStr) -> SecretStr:
    name, colon, key = value.get_secret_value().partition(":")
    if not (name and colon):
        raise ValueError("must be keys of the form id:base64")
    decode_key(key)
    return value


Texts = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Bind = Annotated[str, AfterValidator(_address)]
Network = Annotated[str, AfterValidator(_network)]
SecretKey = Annotated[SecretStr, AfterValidator(_secret_key)]
VaultKey = Annotated[SecretStr, AfterValidator(_vault_key)]


class Settings(BaseSettings):
    """The settings of one installation. Sizes are bytes, times are seconds."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        env_ignore_empty=True,
    )

    public_url: Annotated[str, AfterValidator(_public_url)] = Field(
        "", description="Origin under which people reach the server; else `http://localhost:PORT`."
    )
    bind: Annotated[tuple[Bind, ...], NoDecode, BeforeValidator(_split), Field(min_length=1)] = (
        Field(
            ("127.0.0.1:3001",),
            description="Addresses to listen on, with commas: `host:port`, `[::]:port`, "
            "`unix:/path`.",
        )
    )
    metrics_bind: Bind = Field(
        "127.0.0.1:3009",
        description="Address of metrics, health and the development inbox; `off` for none.",
    )
    data_dir: Path = Field(
        Path("data"), description="Directory of everything that is kept on this machine."
    )
    database_url: SecretStr = Field(
        SecretStr(""),
        description="`postgresql://user:password@host/name`, or `sqlite:///path`; "
        "else `gatehouse.db` in the data directory.",
    )
    database_connections: int = Field(
        8, ge=1, le=256, description="PostgreSQL connections of one worker."
    )
    redis_url: SecretStr = Field(
        SecretStr(""),
        description="`redis://`, `rediss://`, `unix://`, `redis+sentinel://h:p,h:p/service` or "
        "`redis+cluster://h:p,h:p`; else a private Valkey is started.",
    )
    workers: int = Field(1, ge=1, le=128, description="Processes that serve requests.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least that is logged."
    )
    log_format: Literal["auto", "console", "json"] = Field(
        "auto", description="`auto` is `console` on a terminal and `json` elsewhere."
    )
    access_log: bool = Field(False, description="Whether each request is logged.")
    secret_keys: Annotated[tuple[SecretKey, ...], NoDecode, BeforeValidator(_split)] = Field(
        (),
        description="Keys of tokens and cookies, newest first: 32 bytes each, base64, commas; "
        "else made in the data directory.",
    )
    vault_keys: Annotated[tuple[VaultKey, ...], NoDecode, BeforeValidator(_split)] = Field(
        (),
        description="Keys of secrets at rest as `id:base64`, newest first; "
        "else made in the data directory.",
    )
    m2m_client_id: str = Field(
        "",
        pattern=r"^([a-z0-9]{1,21})?$",
        description="Id of the application that manages the server; else made.",
    )
    m2m_client_secret: SecretStr = Field(
        SecretStr(""), description="Its secret; else made and kept in the data directory."
    )
    demo: bool = Field(True, description="Whether the first start makes `demo-app` and a user.")
    demo_user: str = Field(
        "demo", pattern=r"^[A-Za-z_]\w{0,127}$", description="Username of the demo user."
    )
    demo_password: SecretStr = Field(
        SecretStr(""), description="Password of the demo user; else made."
    )
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_split)] = Field(
        (), description="Networks whose `X-Forwarded-For` is believed, with commas."
    )
    allow_private_addresses: bool = Field(
        False,
        description="Whether webhooks and connectors may reach private, loopback and link-local "
        "addresses.",
    )
    development_inbox: bool = Field(
        True, description="Whether messages without a connector stay in the development inbox."
    )
    mock_connectors: Path | None = Field(
        None,
        description="Directory the mock connectors write messages into; without it there are none.",
    )
    protected_app_domain: str | None = Field(
        None,
        description="Domain under which an operator's proxy serves protected applications.",
    )
    max_connections: int = Field(
        10_000, ge=1, description="Open connections of one worker; more are refused."
    )
    max_header_bytes: int = Field(
        32_768, ge=1024, le=1 << 20, description="Request line and headers together."
    )
    max_body_bytes: int = Field(
        9 << 20, ge=1024, le=1 << 26, description="A request's body, whatever the operation."
    )
    idle_seconds: float = Field(
        75.0, gt=0, description="How long a connection may stay open between requests."
    )
    drain_seconds: float = Field(
        25.0, gt=0, le=600, description="How long a stop waits for requests in progress."
    )
    hash_threads: int = Field(
        0,
        ge=0,
        le=256,
        description="Threads that hash passwords in one worker; 0: one core stays free.",
    )
    tls_certificate: Path | None = Field(None, description="PEM file of the certificate chain.")
    tls_key: Path | None = Field(None, description="PEM file of the certificate's key.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment before what `load_settings` read from a file; nothing else is asked."""
        return env_settings, init_settings

    @property
    def origin(self) -> str:
        """The public URL, given or derived from the first address."""
        if self.public_url:
            return self.public_url
        first = parse_address(self.bind[0])
        scheme = "https" if self.tls_certificate else "http"
        return (
            f"{scheme}://localhost"
            if isinstance(first, Path)
            else f"{scheme}://localhost:{first[1]}"
        )

    @property
    def database(self) -> str:
        """The database's URL, given or the default file."""
        return self.database_url.get_secret_value() or f"sqlite:///{self.data_dir / 'gatehouse.db'}"

    def resolved(self, origin: str, embedded_redis: str = "") -> Settings:
        """The same settings with what was found out while starting."""
        found: dict[str, Any] = {"public_url": origin}
        if embedded_redis:
            found["redis_url"] = SecretStr(embedded_redis)
        return self.model_copy(update=found)

    @property
    def metrics_address(self) -> str | None:
        """Where metrics are served, or `None`."""
        return None if self.metrics_bind == "off" else self.metrics_bind


def load_settings(config: Path | None = None) -> Settings:
    """Read and check the settings.

    `config` is a TOML file; without it `GATEHOUSE_CONFIG` may name one. Raises SettingsError.
    """
    given = _read_toml(config or _configured_file())
    try:
        settings = Settings(**given)
    except ValidationError as error:
        raise SettingsError(_explain(error, given)) from None
    if (settings.tls_certificate is None) != (settings.tls_key is None):
        raise SettingsError(f"{PREFIX}TLS_CERTIFICATE and {PREFIX}TLS_KEY must be given together")
    return settings.model_copy(update={"data_dir": settings.data_dir.absolute()})


def check_urls(settings: Settings) -> None:
    """Have the parts that read them judge the URLs. Raises SettingsError.

    Apart from `load_settings`, because reading a URL needs the drivers.
    """
    from gatehouse.engine.wire import parse_redis_url  # noqa: PLC0415
    from gatehouse.storage.database import sqlite_path  # noqa: PLC0415

    judges: tuple[tuple[str, str, Callable[[str], object]], ...] = (
        ("DATABASE_URL", settings.database, sqlite_path),
        ("REDIS_URL", settings.redis_url.get_secret_value(), parse_redis_url),
    )
    for name, url, judge in judges:
        try:
            if url:
                judge(url)
        except ValueError as error:
            raise SettingsError(f"{PREFIX}{name}: {error}") from None


def _configured_file() -> Path | None:
    name = os.environ.get(CONFIG_VARIABLE)
    return Path(name) if name else None


def _read_toml(path: Path | None) -> Mapping[str, Any]:
    if path is None:
        return {}
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise SettingsError(f"the settings file {path} cannot be read: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        # The parser's message ends with a position and quotes at most one character.
        raise SettingsError(f"the settings file {path} is not TOML: {error}") from None


def _explain(error: ValidationError, given: Mapping[str, Any]) -> str:
    lines = []
    for issue in error.errors(include_input=False, include_url=False):
        name = str(issue["loc"][0])
        where = f"{PREFIX}{name.upper()}"
        if name in given and where not in os.environ:
            where = f"{name} (in the settings file)"
        message = "is not a setting" if issue["type"] == "extra_forbidden" else _plain(issue["msg"])
        lines.append(f"{where}: {message}")
    return "\n".join(dict.fromkeys(lines))


def _plain(message: str) -> str:
    text = message.removeprefix("Value error, ")
    return text[0].lower() + text[1:]
