"""The one place where refusals of any kind become Logto's `{code, message, data?, details?}`.

Handlers and rules raise what they know: a storage error, a `Refused` of the core, an `ApiError`
with one of this dialect's codes. `refuse` is told the exception and answers. Nothing that is not in
these tables reaches a client: an unknown exception is a 500 without a word about its cause.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from gatehouse.actors.imported_hashes import UnknownDigest
from gatehouse.actors.key_rotation import RotationRefused
from gatehouse.actors.refusal import Refused
from gatehouse.actors.sign_in_settings import SenselessSettings
from gatehouse.engine import errors as engine
from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.messages import MESSAGES
from gatehouse.http.logto.reasons import said
from gatehouse.http.pipeline import DeadlineExceeded
from gatehouse.http.validation import BodyTooLarge, InvalidInput, Issue, NotJson
from gatehouse.storage import errors as storage

INVALID_PAGE = "invalid_pagination"
"""The issue code by which a query model says that paging is what is wrong."""

_ISSUE_CODES: tuple[tuple[str, str], ...] = (
    ("missing", "invalid_type"),
    ("literal_error", "invalid_enum_value"),
    ("enum", "invalid_enum_value"),
    ("extra_forbidden", "unrecognized_keys"),
    ("union_tag", "invalid_union_discriminator"),
    ("string_too_short", "too_small"),
    ("string_too_long", "too_big"),
    ("too_short", "too_small"),
    ("too_long", "too_big"),
    ("greater_than", "too_small"),
    ("less_than", "too_big"),
    ("string_pattern", "invalid_string"),
    ("url", "invalid_string"),
)
_EXPECTED = {
    "string": "string",
    "int": "number",
    "float": "number",
    "bool": "boolean",
    "list": "array",
    "dict": "object",
    "model": "object",
}


class ApiError(Exception):
    """A refusal of this dialect by its code; status and sentence are in the message table.

    `data` goes to the client as it is; parameters fill the sentence and go nowhere else.
    """

    def __init__(
        self,
        code: str,
        *,
        data: object = None,
        status: int | None = None,
        params: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.data = data
        self.status = MESSAGES[code][0] if status is None else status
        self.params = params or {}


class StrangeInput(ApiError):  # noqa: N818
    """`request.invalid_input` with a sentence that says what is wrong."""

    def __init__(self, details: str) -> None:
        super().__init__("request.invalid_input", params={"details": details})


_CONFLICTS: dict[tuple[str, str], str] = {
    ("domain", "domain"): "domain.domain_in_use",
    ("custom_profile_field", "name"): "custom_profile_fields.name_exists",
    ("user", "username"): "user.username_already_in_use",
    ("user", "primary_email"): "user.email_already_in_use",
    ("user", "primary_phone"): "user.phone_already_in_use",
    ("social_identity", "identity_id"): "user.identity_already_in_use",
    ("role", "name"): "role.name_in_use",
    ("resource", "indicator"): "resource.resource_identifier_in_use",
    ("scope", "name"): "scope.name_exists",
    ("application_secret", "name"): "application.secret_name_exists",
    ("protected_host", "host"): "application.protected_application_subdomain_exists",
    ("sso_connector", "connector_name"): "single_sign_on.duplicate_connector_name",
    ("personal_access_token", "name"): "user.personal_access_token_name_exists",
}
"""What a broken uniqueness rule of the storage is called here, by entity and field."""

_RULES: dict[tuple[str, str], str] = {
    ("domain", "too_many"): "domain.exceed_domain_limit",
    **{
        ("one_time_token", rule): f"one_time_token.{rule}"
        for rule in (
            "email_mismatch",
            "interaction_event_mismatch",
            "token_expired",
            "token_consumed",
            "token_revoked",
            "cannot_reactivate_token",
        )
    },
    ("consented_organization", "no_member"): "organization.require_membership",
    ("saml_application_secret", "active"): "application.saml.can_not_delete_active_secret",
    ("mfa_verification", "totp_exists"): "user.totp_already_in_use",
    ("signing_key", "current"): "oidc.only_previous_key_can_be_deleted",
    ("signing_key", "one_current"): "oidc.key_required",
}
"""What a rule of an aggregate is called here, by entity and rule."""

_ROTATION = {
    "next_is_staged": "oidc.invalid_request",
    "key_not_found": "oidc.key_not_found",
    "key_required": "oidc.key_required",
    "only_previous_key_can_be_deleted": "oidc.only_previous_key_can_be_deleted",
}
"""What a refused rotation is called here, by rule."""

_NAMED_BY_ID = frozenset(
    {
        "application",
        "application_sign_in_experience",
        "audit_log",
        "domain",
        "email_template",
        "hook",
        "one_time_token",
        "organization",
        "organization_scope",
        "resource",
        "sso_connector",
        "script",
    }
)
"""Records whose absence is `entity.not_exists_with_id`; of others it is `entity.not_found`."""

_UNFORESEEN = {"code": "request.general", "message": "Something went wrong on this server."}


def refuse(error: Exception, call: Call[Any, Any] | None = None) -> Reply:  # noqa: PLR0911, PLR0912
    """The answer for any exception; 500 for one that nobody foresaw."""
    match error:
        case ApiError():
            return error_reply(error.code, error.status, error.data, **error.params)
        case Refused():
            code, status = said(error.reason, call)
            return error_reply(code, status, error.data, **error.params)
        case InvalidInput():
            return _invalid_input(error)
        case NotJson():
            return _json(400, {"message": "The body is not well-formed JSON."})
        case BodyTooLarge():
            return error_reply("request.too_large")
        case DeadlineExceeded():
            return _later("request.deadline_exceeded", 1)
        case engine.Overloaded():
            return _later("request.overloaded", error.retry_after)
        case engine.Unavailable():
            return _later("request.unavailable", error.retry_after)
        case SenselessSettings():
            return error_reply(f"sign_in_experiences.{error.rule}")
        case UnknownDigest():
            return error_reply(f"password.{error.rule}", algorithm=error.algorithm)
        case RotationRefused():
            return error_reply(_ROTATION[error.rule])
        case engine.EngineError():
            return _later("request.unavailable", 1)
        case storage.StorageError():
            return _storage(error)
        case _:
            return _json(500, _UNFORESEEN)


def error_reply(
    code: str, status: int | None = None, data: object = None, **params: object
) -> Reply:
    """The answer for one of the codes of the message table."""
    known, sentence = MESSAGES[code]
    body: dict[str, object] = {"code": code, "message": sentence.format_map(_Blank(params))}
    if data is not None:
        body["data"] = data
    return _json(known if status is None else status, body)


class _Blank(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return ""


def _json(status: int, body: Mapping[str, object]) -> Reply:
    return Reply(status, body)


def _later(code: str, seconds: float) -> Reply:
    refusal = error_reply(code)
    wait = str(max(1, math.ceil(seconds)))
    return Reply(refusal.status, refusal.body, (("retry-after", wait),))


def _invalid_input(error: InvalidInput) -> Reply:
    if any(issue.code == INVALID_PAGE for issue in error.issues):
        return error_reply("guard.invalid_pagination")
    where = {"params": "path"}.get(error.part, error.part)
    lines = (
        f"{'.'.join(map(str, issue.path)) or '(the whole)'}: {issue.message}"
        for issue in error.issues
    )
    return _json(
        400,
        {
            "code": "guard.invalid_input",
            "message": MESSAGES["guard.invalid_input"][1].format(part=where),
            "details": f"In the request {where}: " + "; ".join(lines),
            "data": {"name": "ZodError", "issues": [_issue(issue) for issue in error.issues]},
        },
    )


def _issue(issue: Issue) -> dict[str, object]:
    """One issue in the form that clients of zod-guarded APIs read."""
    shown: dict[str, object] = {
        "code": "custom",
        "path": list(issue.path),
        "message": issue.message,
    }
    for prefix, code in _ISSUE_CODES:
        if issue.code.startswith(prefix):
            shown["code"] = code
            break
    else:
        kind, _, rest = issue.code.partition("_")
        if rest in ("type", "parsing") and kind in _EXPECTED:
            shown["code"] = "invalid_type"
            shown["expected"] = _EXPECTED[kind]
    if issue.code == "missing":
        shown |= {"received": "undefined", "message": "Required"}
    return shown


def _storage(error: storage.StorageError) -> Reply:  # noqa: PLR0911
    match error:
        case storage.NotFound():
            if error.entity in _NAMED_BY_ID:
                return error_reply("entity.not_exists_with_id", name=error.entity, id=error.id)
            return error_reply("entity.not_found")
        case storage.Conflict():
            code = _CONFLICTS.get((error.entity, error.field), "entity.unique_integrity_violation")
            return error_reply(code)
        case storage.Referenced():
            return error_reply("entity.relation_foreign_key_not_found")
        case storage.Refused():
            code = _RULES.get((error.entity, error.rule), "entity.db_constraint_violated")
            return error_reply(code)
        case storage.InvalidValue():
            return error_reply("entity.invalid_input")
        case storage.Busy():
            return _later("request.overloaded", error.retry_after)
        case storage.Unavailable():
            return _later("request.unavailable", error.retry_after)
        case _:
            return _json(500, _UNFORESEEN)
