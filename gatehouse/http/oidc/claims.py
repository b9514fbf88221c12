"""What a scope tells a client about the user (OpenID Connect Core §5.4), with Logto's additions.

A claim the user has no value for is left out, except those that Logto's clients read as null. Some
claims are too large or too changeable for an id token and come from the userinfo endpoint alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from gatehouse.actors.subjects import Subject
from gatehouse.storage.records import User

Claims = dict[str, Any]

_PROFILE_CLAIMS = (
    ("family_name", "familyName"),
    ("given_name", "givenName"),
    ("middle_name", "middleName"),
    ("nickname", "nickname"),
    ("profile", "profile"),
    ("website", "website"),
    ("gender", "gender"),
    ("birthdate", "birthdate"),
    ("zoneinfo", "zoneinfo"),
    ("locale", "locale"),
)
"""Claims that stand in the user's profile under another name."""

_ADDRESS_CLAIMS = (
    ("formatted", "formatted"),
    ("street_address", "streetAddress"),
    ("locality", "locality"),
    ("region", "region"),
    ("postal_code", "postalCode"),
    ("country", "country"),
)


def _profile(subject: Subject) -> Claims:
    user = subject.user
    stated = user.profile
    return {
        "name": user.name,
        **_given(stated, _PROFILE_CLAIMS),
        "preferred_username": stated.get("preferredUsername") or user.username,
        "picture": user.avatar,
        "updated_at": user.updated_at,
        "username": user.username,
        "created_at": user.created_at,
    }


def _email(subject: Subject) -> Claims:
    email = subject.user.primary_email
    return {"email": email, "email_verified": email is not None}


def _phone(subject: Subject) -> Claims:
    phone = subject.user.primary_phone
    return {"phone_number": phone, "phone_number_verified": phone is not None}


def _address(subject: Subject) -> Claims:
    address = _given(subject.user.profile.get("address") or {}, _ADDRESS_CLAIMS)
    return {"address": address} if address else {}


def _roles(subject: Subject) -> Claims:
    return {"roles": list(subject.roles)}


def _custom_data(subject: Subject) -> Claims:
    return {"custom_data": subject.user.custom_data}


def _identities(subject: Subject) -> Claims:
    return {"identities": subject.user.identities}


_ID_TOKEN: Mapping[str, Callable[[Subject], Claims]] = {
    "profile": _profile,
    "email": _email,
    "phone": _phone,
    "address": _address,
    "roles": _roles,
}
_USERINFO: Mapping[str, Callable[[Subject], Claims]] = {
    **_ID_TOKEN,
    "custom_data": _custom_data,
    "identities": _identities,
}

OPENID = "openid"
SESSIONS = "urn:logto:scope:sessions"
"""Lets an application show its user where they are signed in, and end that."""
USER_SCOPES = (OPENID, "offline_access", *_USERINFO, SESSIONS)
"""Every scope that says something about the user or the session, in the order announced."""

CLAIMS_SUPPORTED = (
    "sub",
    "name",
    *(claim for claim, _ in _PROFILE_CLAIMS),
    "preferred_username",
    "picture",
    "updated_at",
    "username",
    "created_at",
    "email",
    "email_verified",
    "phone_number",
    "phone_number_verified",
    "address",
    "custom_data",
    "identities",
    "roles",
    "sid",
    "auth_time",
    "iss",
)


def id_token_claims(subject: Subject, scopes: Iterable[str]) -> Claims:
    """The user's claims for an id token, `sub` first."""
    return _claims(_ID_TOKEN, subject, scopes)


def userinfo_claims(subject: Subject, scopes: Iterable[str]) -> Claims:
    """The user's claims for the userinfo endpoint (OpenID Connect Core §5.3.2)."""
    return _claims(_USERINFO, subject, scopes)


def display_name(user: User) -> str:
    """How to address the user on a page."""
    return user.name or user.username or user.primary_email or user.primary_phone or user.id


def _claims(
    table: Mapping[str, Callable[[Subject], Claims]], subject: Subject, scopes: Iterable[str]
) -> Claims:
    claims: Claims = {"sub": subject.user.id}
    for scope in scopes:
        if scope in table:
            claims |= table[scope](subject)
    return claims


def _given(source: Mapping[str, Any], names: Iterable[tuple[str, str]]) -> Claims:
    return {claim: source[name] for claim, name in names if source.get(name) is not None}
