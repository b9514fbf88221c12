"""The device authorization grant (RFC 8628): where a device asks, and where a person answers.

    device: /oidc/device/auth ──> device_code, user_code        polls /oidc/token
    person: /device ──code──> is this your device? ──yes──> /sign-in … /consent … /device/success

The person is asked even if the code came with the link: somebody else may have sent it (§5.4).
"""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import urlencode

from gatehouse.actors import device_authorization
from gatehouse.actors.clients import DEVICE_CODE, Client
from gatehouse.actors.device_authorization import DEVICE_AGE_MS, INTERVAL_MS, Device, shown
from gatehouse.actors.tokens import Purpose, new_uid
from gatehouse.engine.sentinel import FailureWindow, Rate
from gatehouse.http.call import Call, Reply
from gatehouse.http.oidc import browser, device_answer
from gatehouse.http.oidc.authorization_request import (
    Draft,
    Step,
    check_max_age,
    check_not_supported,
    check_pass_through,
    check_prompt,
    check_repetition,
    check_resource,
    check_scope,
)
from gatehouse.http.oidc.authorize import sign_in_for
from gatehouse.http.oidc.client_authentication import authenticate_client
from gatehouse.http.oidc.device_answer import DENIED_PATH, DEVICE_PATH, LATE_PATH, SUCCESS_PATH
from gatehouse.http.oidc.dialect import MAX_FORM_BYTES, NO_STORE, cors
from gatehouse.http.oidc.errors import OAuthError
from gatehouse.http.oidc.parameters import form_parameters, query_parameters
from gatehouse.http.oidc.response import go_to
from gatehouse.http.operation import Operations
from gatehouse.http.pages.forms import csrf_matches, csrf_token
from gatehouse.http.pages.messages import STALE_FORM, Message
from gatehouse.http.pages.render import page
from gatehouse.http.pages.words import Words, words_for

AnyCall = Call[Any, Any]

operations = Operations(tags=("OIDC",))

_ASKING = Rate(burst=30, period=60_000)
"""Device authorizations that may begin at one address in a minute."""

_GUESSING = FailureWindow(max_failures=10, window=600_000, lockout=600_000)
"""Wrong codes from one address. With 20^8 codes and ten minutes, guessing is hopeless (§5.1)."""

_WRONG_CODE = Message("error.invalid_device_code", ("user_code",))
_TOO_MANY = Message("page.device.too_many")

_CLOSE = "description.device_activation_success_description"
_ENDINGS = {
    SUCCESS_PATH: ("description.device_activation_success", _CLOSE, True),
    DENIED_PATH: ("error.device_flow_aborted", _CLOSE, True),
    LATE_PATH: ("page.device.too_late", "page.device.ask_new_code", False),
}


async def _ask_for_consent(draft: Draft) -> None:
    """RFC 8628 §5.4: the person is always asked, so `offline_access` needs no `prompt`."""
    if "none" in draft.prompts:
        raise OAuthError("invalid_request", "a device cannot ask for prompt none")
    draft.prompts = tuple(dict.fromkeys((*draft.prompts, "consent")))


_WHAT_IS_ASKED: tuple[Step, ...] = (
    check_repetition,
    check_not_supported,
    check_pass_through,
    check_prompt,
    _ask_for_consent,
    check_scope,
    check_max_age,
    check_resource,
)


@operations.post(
    "/oidc/device/auth",
    "AuthorizeDevice",
    max_body=MAX_FORM_BYTES,
    documented=False,
    cors=cors("POST"),
)
async def authorize_device(call: AnyCall) -> Reply:
    """A device asks (RFC 8628 §3.1 and §3.2)."""
    core, form = call.core, form_parameters(call)
    client = await authenticate_client(call, form)
    if DEVICE_CODE not in client.grant_types:
        raise OAuthError("unauthorized_client", "the client has no device_code grant")
    allowed = await core.engine.sentinel.take(_ASKING, core.tenant_id, "device", _key(call))
    if not allowed.allowed:
        wait = (("retry-after", str(max(1, -(-allowed.retry_after // 1000)))),)
        raise OAuthError("slow_down", "too many device authorizations", headers=wait, status=429)
    draft = Draft(core, form, client=client)
    for step in _WHAT_IS_ASKED:
        await step(draft)
    asked = await device_authorization.ask(core, draft.request())
    uri = f"{core.issuer}/device"
    body = {
        "device_code": core.tokens.encode(Purpose.DEVICE_CODE, asked.device_id, 0),
        "user_code": asked.user_code,
        "verification_uri": uri,
        "verification_uri_complete": f"{uri}?{urlencode({'user_code': asked.user_code})}",
        "expires_in": DEVICE_AGE_MS // 1000,
        "interval": INTERVAL_MS // 1000,
    }
    return Reply(200, body, NO_STORE)


@operations.get("/oidc/device", "GetDevice", documented=False)
async def to_page(call: AnyCall) -> Reply:
    """The address that a device shows (§3.3), on to the page."""
    code = query_parameters(call).first("user_code")
    return go_to(DEVICE_PATH if code is None else f"{DEVICE_PATH}?{urlencode({'user_code': code})}")


@operations.get(DEVICE_PATH, "DevicePage", documented=False)
async def device_page(call: AnyCall) -> Reply:
    """The page that takes the code; with one in the link it is filled in (§3.3.1)."""
    return await _enter(call, query_parameters(call).first("user_code") or "", None)


@operations.post(DEVICE_PATH, "DeviceForm", max_body=MAX_FORM_BYTES, documented=False)
async def device_form(call: AnyCall) -> Reply:
    """The person types the code, sees whose it is, and says yes or no."""
    core, form = call.core, form_parameters(call)
    typed = form.get("user_code") or ""
    visitor = browser.device_visitor(core, call.cookies)
    if visitor is None or not csrf_matches(core, _subject(visitor), form.get("csrf") or ""):
        return await _enter(call, typed, STALE_FORM)
    sentinel, key = core.engine.sentinel, _key(call)
    if (await sentinel.check(_GUESSING, core.tenant_id, "user_code", key)).retry_after:
        return await _enter(call, typed, _TOO_MANY)
    found = await _waiting(call, typed)
    if found is None:
        await sentinel.record_failure(_GUESSING, core.tenant_id, "user_code", key)
        return await _enter(call, typed, _WRONG_CODE)
    device, client = found
    match form.get("decision"):
        case "allow":
            return await sign_in_for(call, device.request)
        case "deny":
            return await device_answer.deny(core, device.request)
        case _:
            return await _confirm(call, visitor, device, client)


async def _ending(call: AnyCall) -> Reply:
    """How it ended."""
    title, text, good = _ENDINGS[call.url_path]
    words = await _words(call)
    values = {"title": words(title), "text": words(text), "good": good, "facts": (), "link": None}
    return await page(call.core, words, "message.html", values)


for _path, _name in (
    (SUCCESS_PATH, "DeviceSuccessPage"),
    (DENIED_PATH, "DeviceDeniedPage"),
    (LATE_PATH, "DeviceLatePage"),
):
    operations.get(_path, _name, documented=False)(_ending)


async def _waiting(call: AnyCall, typed: str) -> tuple[Device, Client] | None:
    device = await device_authorization.find(call.core, typed)
    if device is None:
        return None
    client = await call.core.directory.client(device.request.client_id)
    return None if client is None else (device, client)


async def _enter(call: AnyCall, typed: str, error: Message | None) -> Reply:
    core = call.core
    visitor = browser.device_visitor(core, call.cookies) or new_uid()
    values = {
        "action": DEVICE_PATH,
        "csrf": csrf_token(core, _subject(visitor)),
        "typed": typed[:16],
        "error": error,
    }
    cookies = browser.remember_device_visitor(core, visitor, DEVICE_PATH)
    return await page(core, await _words(call), "device.html", values, cookies=cookies)


async def _confirm(call: AnyCall, visitor: str, device: Device, client: Client) -> Reply:
    values = {
        "action": DEVICE_PATH,
        "csrf": csrf_token(call.core, _subject(visitor)),
        "application": client.name,
        "code": shown(device.user_code),
    }
    words = await _words(call, device.request.ui_locales)
    return await page(call.core, words, "device_confirm.html", values)


async def _words(call: AnyCall, wanted: str | None = None) -> Words:
    return await words_for(call.core, call.headers.get("accept-language"), wanted)


def _subject(visitor: str) -> str:
    return f"device:{visitor}"


def _key(call: AnyCall) -> str:
    """Addresses are kept as digests."""
    return hashlib.sha256(call.client_address.encode()).hexdigest()
