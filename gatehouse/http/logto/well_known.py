"""`/api/.well-known`: what a sign-in page has to know before anybody has signed in."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Annotated, Any

import msgspec
from pydantic import Field
from pydantic.alias_generators import to_camel

from gatehouse.actors import captcha
from gatehouse.actors.connectors.social.google import Google
from gatehouse.actors.connectors.social.registry import SocialConnector
from gatehouse.actors.looks import experience_for
from gatehouse.actors.phrases import choose_language, phrases_of
from gatehouse.actors.profile_fields import fields_of_sign_up
from gatehouse.actors.sign_in_rules import SignInRules, view_settings
from gatehouse.actors.sign_in_settings import CHANNEL_OF, CODE_FACTORS
from gatehouse.actors.sso import routing
from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.management.connector_factories import LOGO, metadata_of
from gatehouse.http.operation import EVERY_ORIGIN, Operations
from gatehouse.http.wire import JsonObject, Query, record_json
from gatehouse.storage.custom_profile_fields import CustomProfileField
from gatehouse.storage.records import SignInExperience
from gatehouse.storage.sso_connectors import SsoConnector

operations = Operations(tags=("Well-known",), cors=EVERY_ORIGIN)

INTERNAL = ("updated_at", "email_blocklist_policy", "forgot_password_methods")
"""Settings that are nobody's business before they have signed in."""


class Whose(Query):
    """For which application or organization: each may look different."""

    organization_id: str | None = Field(None, alias="organizationId")
    app_id: str | None = Field(None, alias="appId")


@operations.get(
    "/api/.well-known/sign-in-exp",
    "GetSignInExperienceConfig",
    query=Whose,
    response=JsonObject,
    hot=True,
)
@operations.get(
    "/api/.well-known/experience",
    "GetWellKnownExperience",
    query=Whose,
    response=JsonObject,
    hot=True,
)
async def get_sign_in_experience(call: Call[None, Whose]) -> Reply:
    """Tell a sign-in page how people sign in here."""
    directory = call.core.directory
    settings = await experience_for(call.core, call.query.app_id, call.query.organization_id)
    fields = await directory.custom_profile_fields()
    social = await call.core.social.offered(settings.social_sign_in_connector_targets)
    sso = await routing.offered(call.core, view_settings(settings, SignInRules))
    channels = {one.channel for one in await directory.connectors()}
    shown = public_settings(settings, fields, channels) | social_settings(social)
    if settings.captcha_policy.get("enabled"):
        shown |= captcha_settings(await captcha.provider_of(call.core))
    return Reply(200, shown | {"ssoConnectors": [sso_connector(one) for one in sso]})


class WhichLanguage(Query):
    """Language tags (BCP 47), the most wanted first, with spaces between them."""

    lng: Annotated[str, Field(max_length=256)] | None = None


@operations.get(
    "/api/.well-known/phrases",
    "GetSignInExperiencePhrases",
    query=WhichLanguage,
    response=JsonObject,
    statuses=(400,),
)
async def get_phrases(call: Call[None, WhichLanguage]) -> Reply:
    """Tell a sign-in page what to say."""
    directory = call.core.directory
    custom = await directory.custom_phrases()
    settings = await directory.sign_in_experience()
    language = choose_language(
        call.query.lng,
        call.headers.get("accept-language"),
        settings.language_info,
        list(custom),
    )
    body = {"translation": phrases_of(language, custom)}
    return Reply(200, body, (("content-language", language),))


def social_settings(connectors: Sequence[SocialConnector]) -> dict[str, Any]:
    """The social connectors that are offered, and how Google's One Tap behaves if it is."""
    shown = [metadata_of(one.factory, one.record) for one in connectors]
    settings: dict[str, Any] = {
        "socialConnectors": [
            {to_camel(name): value for name, value in one.items() if name != "form_items"}
            for one in shown
        ]
    }
    for one in connectors:
        provider = one.provider_or_none()
        if isinstance(provider, Google):
            settings["googleOneTap"] = {
                **msgspec.to_builtins(provider.config.one_tap),
                "clientId": provider.config.client_id,
                "connectorId": one.id,
            }
    return settings


def sso_connector(connector: SsoConnector) -> dict[str, Any]:
    """A company's connector as a sign-in page shows it: in the company's colours, if it has any."""
    branding = connector.branding
    shown = {
        "id": connector.id,
        "connectorName": branding.get("displayName") or connector.connector_name,
        "logo": branding.get("logo") or LOGO,
    }
    dark = branding.get("darkLogo")
    return shown | ({"darkLogo": dark} if dark else {})


def captcha_settings(provider: captcha.Provider | None) -> dict[str, Any]:
    """What a page needs to show the provider's widget."""
    match provider:
        case captcha.Turnstile(site_key=site_key):
            return {"captchaConfig": {"type": "Turnstile", "siteKey": site_key}}
        case captcha.RecaptchaEnterprise(site_key=site_key, domain=domain, mode=mode):
            config = {"type": "RecaptchaEnterprise", "siteKey": site_key, "mode": mode}
            return {"captchaConfig": config | ({"domain": domain} if domain else {})}
        case None:
            return {}


def public_settings(
    settings: SignInExperience,
    fields: Sequence[CustomProfileField],
    channels: Collection[str | None],
) -> dict[str, Any]:
    """The settings with what a page needs besides: its fields, and what can be recovered.

    `channels` are the kinds of message that a connector is set up for. A tenant that names no ways
    to recover a password has all that there are.
    """
    methods = settings.forgot_password_methods
    if methods is None:
        methods = [*CODE_FACTORS.values()]
    return {
        **record_json(settings, *INTERNAL),
        "forgotPassword": {
            name: factor in methods and CHANNEL_OF[name] in channels
            for name, factor in CODE_FACTORS.items()
        },
        "isDevelopmentTenant": False,
        "customProfileFields": [
            record_json(field)
            for field in fields_of_sign_up(fields, settings.sign_up_profile_fields)
        ],
    }
