"""`/api/captcha-provider`: the service that tells people from programs."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from pydantic import Field

from gatehouse.http.call import Call
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT
from gatehouse.http.logto.management.store import read, write
from gatehouse.http.operation import Operations
from gatehouse.http.wire import JsonObject, Maybe, View, Wire
from gatehouse.storage.records import CaptchaProvider

operations = Operations(tags=("Captcha provider",), access=MANAGEMENT, cors=CONSOLE_ONLY)

Key = Annotated[str, Field(max_length=2048)]


class Turnstile(Wire):
    """Cloudflare Turnstile."""

    type: Literal["Turnstile"]
    site_key: Key
    secret_key: Key


class RecaptchaEnterprise(Wire):
    """Google reCAPTCHA Enterprise."""

    type: Literal["RecaptchaEnterprise"]
    site_key: Key
    secret_key: Key
    project_id: Key
    domain: Maybe[Key] = None
    mode: Maybe[Literal["invisible", "checkbox"]] = None


class NewProvider(Wire):
    """The provider to use."""

    config: Annotated[Turnstile | RecaptchaEnterprise, Field(discriminator="type")]


class ProviderView(View):
    """The provider, with its keys."""

    tenant_id: str
    id: str
    config: JsonObject
    created_at: int
    updated_at: int


def _view(provider: CaptchaProvider) -> ProviderView:
    return ProviderView.of(provider, config=msgspec.json.decode(provider.config))


@operations.get(
    "/api/captcha-provider", "GetCaptchaProvider", response=ProviderView, statuses=(404,)
)
async def get_provider(call: Call) -> ProviderView:
    """Read the provider."""
    return _view(await read(call, lambda store: store.captcha_providers.current()))


@operations.put(
    "/api/captcha-provider", "UpdateCaptchaProvider", body=NewProvider, response=ProviderView
)
async def put_provider(call: Call[NewProvider]) -> ProviderView:
    """Use this provider from now on."""
    config = call.body.config.as_json()
    return _view(await write(call, lambda store: store.captcha_providers.put(config)))


@operations.delete("/api/captcha-provider", "DeleteCaptchaProvider", statuses=(404,))
async def delete_provider(call: Call) -> None:
    """Use no provider; the sign-in experience then asks for no captcha."""
    await write(call, lambda store: store.captcha_providers.remove())
