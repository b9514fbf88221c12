"""Telling people from programs: a token that the browser got from the tenant's provider is checked.

Whatever is not a plain yes of the provider is a no: a provider that cannot be reached lets nobody
through, for that is what somebody who wants to get around it would bring about.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import msgspec

from gatehouse.actors.outbound import OutboundError
from gatehouse.actors.refusal import Reason, Refused

if TYPE_CHECKING:
    from gatehouse.actors.core import Core
    from gatehouse.actors.outbound import Answer

TURNSTILE = "https://challenges.cloudflare.com/turnstile/v0/siteverify"
RECAPTCHA = "https://recaptchaenterprise.googleapis.com/v1"
MIN_SCORE = 0.5
"""From which score on (0 to 1) reCAPTCHA's guess counts as a person, as in Logto."""
ACTION = "interaction"
"""What the browser said it was going to do when it asked for the token."""


class Turnstile(msgspec.Struct, frozen=True, tag="Turnstile", tag_field="type", rename="camel"):
    """Cloudflare Turnstile."""

    site_key: str
    secret_key: str


class RecaptchaEnterprise(
    msgspec.Struct, frozen=True, tag="RecaptchaEnterprise", tag_field="type", rename="camel"
):
    """Google reCAPTCHA Enterprise; the checkbox says yes or no and has no score."""

    site_key: str
    secret_key: str
    project_id: str
    domain: str | None = None
    mode: str = "invisible"

    @property
    def invisible(self) -> bool:
        """Whether the person has nothing to do."""
        return self.mode != "checkbox"


Provider = Turnstile | RecaptchaEnterprise


class _Verdict(msgspec.Struct, frozen=True):
    success: bool


class _Properties(msgspec.Struct, frozen=True):
    valid: bool


class _Risk(msgspec.Struct, frozen=True):
    score: float


class _Assessment(msgspec.Struct, frozen=True, rename="camel"):
    token_properties: _Properties
    risk_analysis: _Risk


async def check_token(core: Core, token: str) -> None:
    """Raises `Refused(CAPTCHA_FAILED)` unless the tenant's provider says that this is a person."""
    provider = await provider_of(core)
    if provider is None:
        raise Refused(Reason.CAPTCHA_FAILED)
    try:
        answer = await _ask(core, provider, token)
        passed = answer.succeeded and _verdict(provider, answer.body)
    except (OutboundError, msgspec.DecodeError):
        passed = False
    if not passed:
        raise Refused(Reason.CAPTCHA_FAILED)


async def provider_of(core: Core) -> Provider | None:
    """The tenant's provider, if there is one."""
    stored = await core.directory.captcha_provider()
    return None if stored is None else msgspec.json.decode(stored.config, type=Provider)


async def _ask(core: Core, provider: Provider, token: str) -> Answer:
    match provider:
        case Turnstile(secret_key=secret):
            form = urlencode({"secret": secret, "response": token}).encode()
            headers = {"content-type": "application/x-www-form-urlencoded"}
            return await core.outbound.post(TURNSTILE, form, headers)
        case RecaptchaEnterprise(site_key=site_key, secret_key=secret, project_id=project):
            event = {"token": token, "siteKey": site_key, "expectedAction": ACTION}
            url = f"{RECAPTCHA}/projects/{quote(project, safe='')}/assessments"
            return await core.outbound.post(
                f"{url}?key={quote(secret, safe='')}",
                msgspec.json.encode({"event": event}),
                {"content-type": "application/json"},
            )


def _verdict(provider: Provider, body: bytes) -> bool:
    if isinstance(provider, Turnstile):
        return msgspec.json.decode(body, type=_Verdict).success
    assessment = msgspec.json.decode(body, type=_Assessment)
    if not provider.invisible:
        return assessment.token_properties.valid
    return assessment.token_properties.valid and assessment.risk_analysis.score >= MIN_SCORE
