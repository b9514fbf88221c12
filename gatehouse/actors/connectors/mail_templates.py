"""The wording that an operator has stored for mails, by language and by what they are for.

It goes before what a connector's own configuration says. Of the languages a message would like,
the first that has a template wins; then the tenant's fallback language; then that language's
`Generic` template.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatehouse.actors.connectors.templates import Template
from gatehouse.storage.email_templates import EmailTemplates
from gatehouse.storage.tenants import SignInExperiences

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatehouse.actors.messages import OutgoingMessage
    from gatehouse.storage.records import EmailTemplate
    from gatehouse.storage.transaction import Transaction

GENERIC = "Generic"


def stored_template(tx: Transaction, message: OutgoingMessage) -> Template | None:
    """The template for a mail; None if the operator has stored none that would do."""
    if message.channel != "email":
        return None
    repository = EmailTemplates(tx, message.tenant_id)
    fallback = _fallback_language(tx, message.tenant_id)
    stored = repository.all(template_type=message.usage)
    found = choose(stored, (*(message.locales or "").split(), fallback))
    if found is None and message.usage != GENERIC:
        found = choose(repository.all(template_type=GENERIC), (fallback,))
    return None if found is None else _template(found)


def choose(stored: Iterable[EmailTemplate], wanted: Iterable[str]) -> EmailTemplate | None:
    """The template in the first of these languages that there is: the language itself, or the same
    without its region, or of another region, as the pages have it."""
    by_tag: dict[str, EmailTemplate] = {}
    by_base: dict[str, EmailTemplate] = {}
    for template in stored:
        lower = template.language_tag.lower()
        by_tag[lower] = template
        by_base.setdefault(lower.partition("-")[0], template)
    for tag in wanted:
        lower = tag.lower().replace("_", "-")
        base = lower.partition("-")[0]
        if found := by_tag.get(lower) or by_tag.get(base) or by_base.get(base):
            return found
    return None


def _fallback_language(tx: Transaction, tenant_id: str) -> str:
    info = SignInExperiences(tx, tenant_id).current().language_info
    return str(info.get("fallbackLanguage", "en"))


def _template(stored: EmailTemplate) -> Template:
    """As Logto has it, what is not said to be plain text is HTML."""
    details = stored.details
    return Template(
        stored.template_type,
        details["subject"],
        details["content"],
        "text/plain" if details.get("contentType") == "text/plain" else "text/html",
        reply_to=details.get("replyTo"),
        send_from=details.get("sendFrom"),
    )
