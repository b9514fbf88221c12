"""`/api/email-templates`: what mails say, by language and by what they are for."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT
from gatehouse.http.logto.errors import ApiError
from gatehouse.http.logto.management.store import Store, read, write
from gatehouse.http.operation import Operations
from gatehouse.http.wire import JsonObject, Maybe, Query, View, Wire
from gatehouse.storage.records import EmailTemplate

operations = Operations(tags=("Email templates",), access=MANAGEMENT, cors=CONSOLE_ONLY)

MAX_TEMPLATES = 100
"""Templates in one request."""

TemplateType = Literal[
    "SignIn",
    "Register",
    "ForgotPassword",
    "OrganizationInvitation",
    "Generic",
    "UserPermissionValidation",
    "BindNewIdentifier",
    "MfaVerification",
    "BindMfa",
]
LanguageTag = Annotated[str, Field(min_length=1, max_length=16)]
Line = Annotated[str, Field(max_length=1024)]
Content = Annotated[str, Field(max_length=200_000)]
ContentType = Literal["text/html", "text/plain"]


class Details(Wire):
    """What a mail says, and from whom it seems to come."""

    subject: Line
    content: Content
    content_type: Maybe[ContentType] = None
    reply_to: Maybe[Line] = None
    send_from: Maybe[Line] = None


class DetailsPatch(Wire):
    """What can be changed of a template."""

    subject: Maybe[Line] = None
    content: Maybe[Content] = None
    content_type: Maybe[ContentType] = None
    reply_to: Maybe[Line] = None
    send_from: Maybe[Line] = None


class NewTemplate(Wire):
    """A template to store."""

    language_tag: LanguageTag
    template_type: TemplateType
    details: Details


class NewTemplates(Wire):
    """Templates to store together."""

    templates: Annotated[list[NewTemplate], Field(min_length=1, max_length=MAX_TEMPLATES)]


class Which(Query):
    """Templates of a language or a type."""

    language_tag: LanguageTag | None = Field(None, alias="languageTag")
    template_type: TemplateType | None = Field(None, alias="templateType")


class TemplateView(View):
    """A template."""

    tenant_id: str
    id: str
    language_tag: str
    template_type: TemplateType
    details: JsonObject
    created_at: int


class Deleted(Wire):
    """How many are gone."""

    row_count: int


@operations.put(
    "/api/email-templates",
    "ReplaceEmailTemplates",
    body=NewTemplates,
    response=list[TemplateView],
    max_body=2 * 1024 * 1024,
)
async def replace_templates(call: Call[NewTemplates]) -> Reply:
    """Store templates, in the place of those of the same languages and types."""
    templates = [
        EmailTemplate(
            language_tag=one.language_tag,
            template_type=one.template_type,
            details=one.details.as_json(),
        )
        for one in call.body.templates
    ]
    stored = await write(call, lambda store: store.email_templates.put(templates))
    return Reply(200, _views(stored))


@operations.get(
    "/api/email-templates", "ListEmailTemplates", query=Which, response=list[TemplateView]
)
async def list_templates(call: Call[None, Which]) -> Reply:
    """List templates by language and type."""
    which = call.query
    found = await read(
        call, lambda store: store.email_templates.all(which.language_tag, which.template_type)
    )
    return Reply(200, _views(found))


@operations.delete(
    "/api/email-templates",
    "DeleteEmailTemplates",
    query=Which,
    response=Deleted,
    statuses=(422,),
)
async def delete_templates(call: Call[None, Which]) -> Deleted:
    """Delete the templates of a language or a type."""
    which = call.query
    if which.language_tag is None and which.template_type is None:
        raise ApiError("connector.email_connector.bulk_deletion_no_filter")
    count = await write(
        call,
        lambda store: store.email_templates.delete_all(which.language_tag, which.template_type),
    )
    return Deleted(row_count=count)


@operations.get(
    "/api/email-templates/{id}", "GetEmailTemplate", response=TemplateView, statuses=(404,)
)
async def get_template(call: Call) -> TemplateView:
    """Read a template."""
    return TemplateView.of(
        await read(call, lambda store: store.email_templates.get(call.path["id"]))
    )


@operations.delete("/api/email-templates/{id}", "DeleteEmailTemplate", statuses=(404,))
async def delete_template(call: Call) -> None:
    """Delete a template."""
    await write(call, lambda store: store.email_templates.delete(call.path["id"]))


@operations.patch(
    "/api/email-templates/{id}/details",
    "UpdateEmailTemplateDetails",
    body=DetailsPatch,
    response=TemplateView,
    statuses=(404,),
)
async def update_details(call: Call[DetailsPatch]) -> TemplateView:
    """Change what a template says; what is not sent stays."""
    changes = call.body.as_json()

    def change(store: Store) -> EmailTemplate:
        details: dict[str, Any] = store.email_templates.get(call.path["id"]).details
        return store.email_templates.update(call.path["id"], details=details | changes)

    return TemplateView.of(await write(call, change))


def _views(templates: list[EmailTemplate]) -> list[TemplateView]:
    return [TemplateView.of(template) for template in templates]
