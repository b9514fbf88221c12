"""What a scope tells a client about the user (OpenID Connect Core §5.4), with Logto's additions.

A claim the user has no value for is left out, except those that Logto's clients read as null. Some
claims are too large or too changeable for an id token and come from the userinfo endpoint alone.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from typing import Any

from gatehouse.actors.family import ORGANIZATION_ROLES, ORGANIZATIONS
from gatehouse.actors.id_tokens import DEFAULT_EXTENDED_CLAIMS, EXTENDED_CLAIMS
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
    enterprise = [
        {"issuer": one.issuer, "identityId": one.identity_id, "detail": one.detail}
        for one in subject.sso_identities
    ]
    return {"identities": subject.user.identities, "sso_identities": enterprise}


def _organizations(subject: Subject) -> Claims:
    known = [one.organization for one in subject.organizations]
    return {
        "organizations": [one.id for one in known],
        "organization_data": [
            {"id": one.id, "name": one.name, "description": one.description} for one in known
        ],
    }


def _organization_roles(subject: Subject) -> Claims:
    held = [(one.organization.id, role) for one in subject.organizations for role in one.roles]
    return {"organization_roles": [f"{id_}:{role}" for id_, role in held]}


_CLAIMS: Mapping[str, Callable[[Subject], Claims]] = {
    "profile": _profile,
    "email": _email,
    "phone": _phone,
    "address": _address,
    "roles": _roles,
    "custom_data": _custom_data,
    "identities": _identities,
    ORGANIZATIONS: _organizations,
    ORGANIZATION_ROLES: _organization_roles,
}

CLAIMS_OF_SCOPES: Mapping[str, tuple[str, ...]] = {
    "profile": (
        "name",
        *(claim for claim, _ in _PROFILE_CLAIMS),
        "preferred_username",
        "picture",
        "updated_at",
        "username",
        "created_at",
    ),
    "email": ("email", "email_verified"),
    "phone": ("phone_number", "phone_number_verified"),
    "address": ("address",),
    "custom_data": ("custom_data",),
    "identities": ("identities", "sso_identities"),
    "roles": ("roles",),
    ORGANIZATIONS: ("organizations", "organization_data"),
    ORGANIZATION_ROLES: ("organization_roles",),
}
"""Every claim about a user, by the scope that brings it."""

OPENID = "openid"
SESSIONS = "urn:logto:scope:sessions"
"""Lets an application show its user where they are signed in, and end that."""
USER_SCOPES = (OPENID, "offline_access", *_CLAIMS, SESSIONS)
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
    "sso_identities",
    "roles",
    "organizations",
    "organization_data",
    "organization_roles",
    "sid",
    "auth_time",
    "iss",
)


def id_token_claims(
    subject: Subject, scopes: Iterable[str], extended: Container[str] = DEFAULT_EXTENDED_CLAIMS
) -> Claims:
    """The user's claims for an id token, `sub` first; of the extended ones those the tenant has."""
    claims = userinfo_claims(subject, scopes)
    left_out = [name for name in EXTENDED_CLAIMS if name in claims and name not in extended]
    for name in left_out:
        del claims[name]
    return claims


def userinfo_claims(subject: Subject, scopes: Iterable[str]) -> Claims:
    """The user's claims for the userinfo endpoint (OpenID Connect Core §5.3.2)."""
    claims: Claims = {"sub": subject.user.id}
    for scope in scopes:
        if scope in _CLAIMS:
            claims |= _CLAIMS[scope](subject)
    return claims


def display_name(user: User) -> str:
    """How to address the user on a page."""
    return user.name or user.username or user.primary_email or user.primary_phone or user.id


def _given(source: Mapping[str, Any], names: Iterable[tuple[str, str]]) -> Claims:
    return {claim: source[name] for claim, name in names if source.get(name) is not None}
