"""Mails with codes speak the person's language, in the operator's words."""

from __future__ import annotations

import pytest

from gatehouse.actors.authorization import AuthorizationRequest
from gatehouse.actors.connectors.configs import SmtpConfig
from gatehouse.actors.connectors.smtp import compose
from gatehouse.actors.connectors.templates import REQUIRED_USES, Template, nested, word
from gatehouse.actors.cookies import INTERACTION_COOKIE, add_interaction
from gatehouse.actors.interaction import Begin, Prompt, address
from gatehouse.actors.tokens import new_uid
from gatehouse.storage.application_looks import (
    ApplicationSignInExperience,
    ApplicationSignInExperiences,
)
from gatehouse.storage.email_templates import EmailTemplates
from gatehouse.storage.organizations import Organizations
from gatehouse.storage.organizations_records import Organization
from gatehouse.storage.records import EmailTemplate
from gatehouse.storage.transaction import Transaction
from tests.http.logto.experience.browsing import APPLICATION, CALLBACK, Browser
from tests.http.logto.experience.house import TENANT, House
from tests.http.logto.experience.proving import ADA


async def store(house: House, *templates: tuple[str, str]) -> None:
    """Store templates that say their language and their type."""
    records = [
        EmailTemplate(
            language_tag=tag,
            template_type=kind,
            details={
                "subject": f"{tag} {kind}",
                "content": "{{code}} for <b>{{application.name}}</b>",
            },
        )
        for tag, kind in templates
    ]
    await house.core.db.write(lambda tx: EmailTemplates(tx, TENANT).put(records))


async def arrive(house: House, ui_locales: str | None) -> Browser:
    browser = Browser(house.core, house.client, new_uid())
    params = AuthorizationRequest(
        client_id=APPLICATION, redirect_uri=CALLBACK, ui_locales=ui_locales
    )
    begin = Begin(APPLICATION, params, Prompt.LOGIN)
    await house.core.engine.turn(address(TENANT, browser.uid), begin)
    browser.keep(INTERACTION_COOKIE, add_interaction(None, APPLICATION, browser.uid))
    return await browser.start()


@pytest.mark.parametrize(
    ("ui_locales", "accepted", "subject", "locale"),
    [
        ("fr-CA de", "en", "fr SignIn", "fr"),
        (None, "pt, de-AT;q=0.9, fr;q=0.5", "de SignIn", "pt-PT"),
        (None, "pt", "en SignIn", "pt-PT"),
        (None, "zh-TW, tr", "zh-CN SignIn", "zh-TW"),
        ("pt", None, "en SignIn", "pt-PT"),
        ("DE", "fr", "de SignIn", "de"),
    ],
)
async def test_the_first_language_with_a_template_is_taken(
    house: House, ui_locales: str | None, accepted: str | None, subject: str, locale: str
) -> None:
    await store(house, *((tag, "SignIn") for tag in ("en", "de", "fr", "zh-CN")), ("fr", "Generic"))
    browser = await arrive(house, ui_locales)
    answer = await browser.client.post(
        "/api/experience/verification/verification-code",
        json={"identifier": ADA, "interactionEvent": "SignIn"},
        headers=browser.headers | ({"accept-language": accepted} if accepted else {}),
    )
    assert answer.status_code == 200
    (message,) = await house.messages(ADA["value"])
    assert message.subject == subject
    assert message.payload["locale"] == locale
    assert message.payload.get("uiLocales") == ui_locales
    assert message.body == f"{message.payload['code']} for <b>Demo-App</b>"


async def test_a_browser_is_not_asked_where_the_tenant_says_so(house: House) -> None:
    await store(house, ("en", "SignIn"), ("de", "SignIn"))
    await house.settle(language_info={"autoDetect": False, "fallbackLanguage": "en"})
    browser = await arrive(house, None)
    await browser.client.post(
        "/api/experience/verification/verification-code",
        json={"identifier": ADA, "interactionEvent": "SignIn"},
        headers=browser.headers | {"accept-language": "de"},
    )
    (message,) = await house.messages(ADA["value"])
    assert message.subject == "en SignIn"


async def test_a_mail_may_name_the_organization_and_how_the_application_looks(
    house: House,
) -> None:
    looks = ApplicationSignInExperience(
        application_id=APPLICATION,
        display_name="The Demo",
        branding={"logoUrl": "https://l.example"},
    )

    def prepare(tx: Transaction) -> str:
        ApplicationSignInExperiences(tx, TENANT).create(looks)
        return Organizations(tx, TENANT).create(Organization(name="Tea")).id

    organization_id = await house.core.db.write(prepare)
    browser = Browser(house.core, house.client, new_uid())
    params = AuthorizationRequest(
        client_id=APPLICATION, redirect_uri=CALLBACK, organization_id=organization_id
    )
    begin = Begin(APPLICATION, params, Prompt.LOGIN)
    await house.core.engine.turn(address(TENANT, browser.uid), begin)
    browser.keep(INTERACTION_COOKIE, add_interaction(None, APPLICATION, browser.uid))
    await browser.start()
    body = {"identifier": ADA, "interactionEvent": "SignIn"}
    await browser("CreateAndSendVerificationCode", json=body)
    (message,) = await house.messages(ADA["value"])
    told = {name: value for name, value in message.payload.items() if "." in name}
    assert told == {
        "application.id": APPLICATION,
        "application.name": "Demo-App",
        "application.displayName": "The Demo",
        "application.branding.logoUrl": "https://l.example",
        "organization.id": organization_id,
        "organization.name": "Tea",
    }


async def test_what_has_no_template_is_worded_by_the_generic_one(house: House) -> None:
    await store(house, ("en", "Generic"), ("de", "Register"))
    browser = await arrive(house, "de")
    body = {"identifier": ADA, "interactionEvent": "SignIn"}
    await browser("CreateAndSendVerificationCode", json=body)
    (message,) = await house.messages(ADA["value"])
    assert message.subject == "en Generic"


def test_a_template_may_say_from_whom_a_mail_comes_in_one_line_each() -> None:
    config = SmtpConfig(
        host="mail.example.com",
        port=25,
        from_email="house@example.com",
        templates=tuple(Template(use) for use in REQUIRED_USES),
    )
    template = Template(
        "SignIn", "s", "c", reply_to="{{who}}@example.com", send_from="desk@example.com"
    )
    worded = word((template,), "SignIn", {"who": "help"})
    mail = compose(config, "m-1", ADA["value"], worded)
    assert (mail["From"], mail["Reply-To"]) == ("desk@example.com", "help@example.com")
    hostile = word((template,), "SignIn", {"who": "x\r\nBcc: everybody@example.com,"})
    assert hostile.reply_to is not None
    assert "\n" not in hostile.reply_to


def test_values_with_dots_are_objects_for_whoever_words_messages_itself() -> None:
    values = {"code": "1", "application.name": "Demo", "user.profile.locale": "de"}
    assert nested(values) == {
        "code": "1",
        "application": {"name": "Demo"},
        "user": {"profile": {"locale": "de"}},
    }
    assert nested({"a": "1", "a.b": "2"}) == {"a": "1", "a.b": "2"}
