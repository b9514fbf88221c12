"""Custom profile fields: what a tenant asks people for, and whether what they say will do.

Pure, apart from `forget_field`. A flow asks `fields_of_sign_up` what to collect, hands what a
person entered to `read_profile`, and learns from `missing_fields` what is still open. A profile is
spread over three places of an account, as Logto spreads it: the name and the picture, the claims
of OpenID Connect (Core 1.0, 5.1), and everything else, which is custom data.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from gatehouse.actors.account_center import change_account_center, stored_account_center
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.storage.custom_profile_fields import CustomProfileField
from gatehouse.storage.patterns import PatternRefused, linear_pattern
from gatehouse.storage.tenants import SignInExperiences
from gatehouse.storage.transaction import Transaction

MAX_VALUES = 100
"""Values in one profile."""
MAX_VALUE_LENGTH = 4096
"""Characters of one value."""
MAX_NUMBER_LENGTH = 64
"""Characters of a number that is sent as text."""
MAX_PROFILE_BYTES = 64 * 1024
"""What a whole profile may weigh as JSON."""

FULL_NAME_PARTS = ("givenName", "middleName", "familyName")
ADDRESS_PARTS = ("formatted", "streetAddress", "locality", "region", "postalCode", "country")
PROFILE_CLAIMS = frozenset(
    {
        *FULL_NAME_PARTS,
        "nickname",
        "preferredUsername",
        "profile",
        "website",
        "gender",
        "birthdate",
        "zoneinfo",
        "locale",
        "address",
    }
)
"""What belongs to a user's profile; other names but these, `name` and `avatar` are custom data."""

RESERVED_CLAIMS = frozenset({"preferredUsername"})
RESERVED_IDENTIFIERS = frozenset({"username", "primaryEmail", "primaryPhone", "email", "phone"})
RESERVED_CUSTOM_DATA = frozenset(
    {"onboarding", "ossOnboarding", "guideRequests", "adminConsolePreferences", "defaultTenantId"}
)

_NAME = re.compile(r"[A-Za-z0-9]+")
_DATE_FORMATS = {"MM/dd/yyyy": "%m/%d/%Y", "dd/MM/yyyy": "%d/%m/%Y", "yyyy-MM-dd": "%Y-%m-%d"}


@dataclass(frozen=True, slots=True)
class ProfileParts:
    """A profile, sorted by where its parts are kept; None is what was not entered."""

    name: str | None = None
    avatar: str | None = None
    profile: dict[str, Any] = field(default_factory=dict)
    custom_data: dict[str, Any] = field(default_factory=dict)


def check_name(name: str) -> None:
    """Whether a field may have this name. Raises `Refused`."""
    if not _NAME.fullmatch(name):
        raise Refused(Reason.PROFILE_NAME_INVALID)
    _check_not_reserved([name])


def fields_of_sign_up(
    catalog: Sequence[CustomProfileField], chosen: Sequence[Mapping[str, Any]] | None
) -> list[CustomProfileField]:
    """The fields that sign-up asks for: all in their order, or those that were chosen."""
    if chosen is None:
        return list(catalog)
    by_name = {one.name: one for one in catalog}
    return [by_name[one["name"]] for one in chosen if one["name"] in by_name]


def read_profile(catalog: Sequence[CustomProfileField], values: Mapping[str, Any]) -> ProfileParts:
    """What a person entered, checked and sorted. Values of fields that nobody defined are kept.

    Raises `Refused`: PROFILE_NAME_BUILT_IN, PROFILE_NAME_IDENTIFIER or PROFILE_NAME_CUSTOM_DATA for
    a reserved name, PROFILE_VALUE_INVALID for a value that its field does not allow.
    """
    _check_not_reserved(values)
    _check_size(values)
    for one in catalog:
        _check_field(one, values)
    for name in ("name", "avatar"):
        if name in values and not isinstance(values[name], str):
            raise _invalid(name)
    if values.get("avatar") and not _is_url(values["avatar"]):
        raise _invalid("avatar")
    profile = standard_claims(values)
    rest = values.keys() - PROFILE_CLAIMS - {"name", "avatar"}
    return ProfileParts(
        values.get("name"),
        values.get("avatar"),
        profile,
        {name: value for name, value in values.items() if name in rest},
    )


def standard_claims(values: Mapping[str, Any]) -> dict[str, Any]:
    """What belongs to a user's profile among these values. Raises `Refused`: see `sort_values`."""
    profile = {name: value for name, value in values.items() if name in PROFILE_CLAIMS}
    for name in profile.keys() - {"address"}:
        if not isinstance(profile[name], str):
            raise _invalid(name)
    if "address" in profile:
        profile["address"] = _address(profile["address"])
    return profile


def missing_fields(
    wanted: Sequence[CustomProfileField],
    known: Iterable[Mapping[str, Any]],
    *,
    submitted: bool,
) -> list[str]:
    """The names that are still to be entered.

    `known` is where a value may be already: the account, its profile, its custom data, and what
    the interaction collected. Once a person has `submitted` the form, only required fields count.
    """
    have = {name for place in known for name, value in place.items() if value is not None}
    names: list[str] = []
    for one in wanted:
        if one.required or not submitted:
            names += _names(one)
    return [name for name in names if name not in have]


def forget_field(tx: Transaction, tenant_id: str, name: str) -> None:
    """Take a field out of the forms of sign-up and of the account centre."""
    settings = SignInExperiences(tx, tenant_id)
    chosen = settings.current().sign_up_profile_fields
    if chosen and any(one["name"] == name for one in chosen):
        settings.change(sign_up_profile_fields=[one for one in chosen if one["name"] != name])
    shown = stored_account_center(tx, tenant_id).profile_fields
    if shown and any(one.name == name for one in shown):
        kept = [{"name": one.name} for one in shown if one.name != name]
        change_account_center(tx, tenant_id, {"profileFields": kept})


def _names(one: CustomProfileField) -> list[str]:
    if one.type == "Fullname":
        return [part["name"] for part in one.config.get("parts", ()) if part["enabled"]]
    return [one.name]


def _check_not_reserved(names: Iterable[str]) -> None:
    given = set(names)
    for reserved, reason in (
        (RESERVED_CLAIMS, Reason.PROFILE_NAME_BUILT_IN),
        (RESERVED_CUSTOM_DATA, Reason.PROFILE_NAME_CUSTOM_DATA),
        (RESERVED_IDENTIFIERS, Reason.PROFILE_NAME_IDENTIFIER),
    ):
        if taken := given & reserved:
            raise Refused(reason, name=", ".join(sorted(taken)))


def _check_size(values: Mapping[str, Any]) -> None:
    if len(values) > MAX_VALUES or len(msgspec.json.encode(values)) > MAX_PROFILE_BYTES:
        raise Refused(Reason.PROFILE_VALUE_INVALID, details="The profile is too large.")


def _check_field(one: CustomProfileField, values: Mapping[str, Any]) -> None:
    match one.type:
        case "Fullname":
            _check_parts(one.config, values)
        case "Address":
            address = values.get(one.name)
            if address not in (None, ""):
                if not isinstance(address, Mapping):
                    raise _invalid(one.name)
                _check_parts(one.config, address)
            elif address is not None and one.required:
                raise _invalid(one.name)
        case _:
            _check_value(one.name, one.type, one.config, one.required, values)


def _check_parts(config: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    for part in config.get("parts", ()):
        if part["enabled"]:
            _check_value(
                part["name"], part["type"], part.get("config") or {}, part["required"], values
            )


def _check_value(
    name: str,
    kind: str,
    config: Mapping[str, Any],
    required: bool,
    values: Mapping[str, Any],
) -> None:
    """A value that was left empty will do unless it is required; one left out is not entered."""
    value = values.get(name)
    if value is None:
        return
    if value == "":
        if required:
            raise _invalid(name)
        return
    if not _VALUES[kind](value, config):
        raise _invalid(name)


def _invalid(name: str) -> Refused:
    return Refused(
        Reason.PROFILE_VALUE_INVALID,
        details=f"The value of `{name[:128]}` is not one it can have.",
        field=name[:128],
    )


def _is_text(value: object, config: Mapping[str, Any]) -> bool:
    return (
        isinstance(value, str)
        and len(value) <= MAX_VALUE_LENGTH
        and len(value) >= (config.get("minLength") or 0)
        and len(value) <= (config.get("maxLength") or MAX_VALUE_LENGTH)
    )


def _is_number(value: object, config: Mapping[str, Any]) -> bool:
    """A number, or the text of one: forms send text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return False
    if isinstance(value, str) and len(value) > MAX_NUMBER_LENGTH:
        return False
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return False
    low, high = config.get("minValue"), config.get("maxValue")
    return (
        math.isfinite(number)
        and (low is None or number >= low)
        and (high is None or number <= high)
    )


def _is_date(value: object, config: Mapping[str, Any]) -> bool:
    """A date as its field writes it. Formats of the operator's own are for the page to check."""
    if not isinstance(value, str) or len(value) > 64:
        return False
    pattern = _DATE_FORMATS.get(config.get("format") or "yyyy-MM-dd")
    if pattern is None:
        return True
    try:
        return datetime.strptime(value, pattern).strftime(pattern) == value
    except ValueError:
        return False


def _is_choice(value: object, config: Mapping[str, Any]) -> bool:
    return any(option["value"] == value for option in config.get("options", ()))


def _is_checked(value: object, config: Mapping[str, Any]) -> bool:
    return value in (True, False, "true", "false")


def _is_match(value: object, config: Mapping[str, Any]) -> bool:
    if not isinstance(value, str) or len(value) > MAX_VALUE_LENGTH:
        return False
    try:
        return linear_pattern(config.get("format") or "").search(value) is not None
    except (PatternRefused, UnicodeError):
        return False


def _is_url(value: object, config: Mapping[str, Any] | None = None) -> bool:
    if not isinstance(value, str) or len(value) > 2048:
        return False
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and " " not in value


_VALUES = {
    "Text": _is_text,
    "Number": _is_number,
    "Date": _is_date,
    "Checkbox": _is_checked,
    "Select": _is_choice,
    "Url": _is_url,
    "Regex": _is_match,
}


def _address(value: object) -> dict[str, str]:
    if not isinstance(value, Mapping) or not all(isinstance(one, str) for one in value.values()):
        raise _invalid("address")
    return {name: value[name] for name in ADDRESS_PARTS if name in value}
