"""Writing a Response with its assertion (core 3.3.3, profiles 4.1.4.2), and our metadata.

Assertion and response are signed, so that whichever of the two a service provider checks is there.
If the assertion is encrypted, the signature of the response covers what is encrypted, or there is
none: a service provider that decrypts first would find it broken.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from lxml import etree
from lxml.builder import ElementMaker

from gatehouse.actors.saml.encryption import encrypt
from gatehouse.actors.saml.requests import POST_BINDING, REDIRECT_BINDING
from gatehouse.actors.saml.signing import sign
from gatehouse.actors.saml.xml import (
    ASSERTION,
    METADATA,
    PROTOCOL,
    SIGNATURE,
    write_document,
)

ASSERTION_AGE_MS = 10 * 60 * 1000
"""How long an assertion is good, and what clocks may differ by."""

PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
EMAIL = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
UNSPECIFIED = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
NAME_ID_FORMATS = (PERSISTENT, EMAIL, TRANSIENT, UNSPECIFIED)

FALLBACK_CLAIMS = ("sub", "email", "name")
"""What an assertion says where no attributes are mapped."""

_BASIC = "urn:oasis:names:tc:SAML:2.0:attrname-format:basic"
_BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
_SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
_RESPONDER = "urn:oasis:names:tc:SAML:2.0:status:Responder"
_PASSWORD = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"  # noqa: S105
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_XS = "http://www.w3.org/2001/XMLSchema"

_p = ElementMaker(namespace=PROTOCOL, nsmap={"samlp": PROTOCOL, "saml": ASSERTION})
_a = ElementMaker(namespace=ASSERTION, nsmap={"saml": ASSERTION, "xsi": _XSI, "xs": _XS})
_m = ElementMaker(namespace=METADATA, nsmap={"md": METADATA, "ds": SIGNATURE})
_ds = ElementMaker(namespace=SIGNATURE, nsmap={"ds": SIGNATURE})


class Why(Enum):
    """Why nobody is named (core 3.2.2.2)."""

    NO_PASSIVE = "urn:oasis:names:tc:SAML:2.0:status:NoPassive"
    REQUEST_DENIED = "urn:oasis:names:tc:SAML:2.0:status:RequestDenied"
    AUTHN_FAILED = "urn:oasis:names:tc:SAML:2.0:status:AuthnFailed"


class NoNameId(Exception):  # noqa: N818 - it reads as what happened
    """The user has nothing of the format that names them. `missing` says what."""

    def __init__(self, missing: str) -> None:
        super().__init__(missing)
        self.missing = missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """Both sides, as far as a response needs to know. Keys and certificates are PEM.

    `encrypt_for` is the certificate for which the assertion is encrypted, and `encrypt_then_sign`
    says whether the response is signed after that.
    """

    issuer: str
    audience: str
    acs_url: str
    name_id_format: str
    private_key: str
    certificate: str
    attribute_mapping: Mapping[str, str]
    encrypt_for: str | None = None
    encrypt_then_sign: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """Why a response is written: for which request, if any, and until when the session lasts.

    Times are milliseconds since the epoch; `authenticated_at` is when users proved who they are.
    """

    now: int
    authenticated_at: int | None = None
    request_id: str | None = None
    session_index: str | None = None
    session_expires_at: int | None = None


def identity_provider(public_url: str, application_id: str) -> str:
    """Our entity id towards one application."""
    return f"{public_url}/saml/{application_id}"


def sign_on_url(public_url: str, application_id: str) -> str:
    """Where one application sends its requests."""
    return f"{public_url}/api/saml/{application_id}/authn"


def name_id(format_: str, claims: Mapping[str, Any]) -> str:
    """Who the user is, in this format (core 8.3). Raises `NoNameId`."""
    if format_ == EMAIL:
        if not claims.get("email"):
            raise NoNameId("email")
        if not claims.get("email_verified"):
            raise NoNameId("email_verified")
        return str(claims["email"])
    if format_ == TRANSIENT:
        return f"_{secrets.token_hex(16)}"
    return str(claims["sub"])


def write_response(provider: Provider, occasion: Occasion, claims: Mapping[str, Any]) -> bytes:
    """The response. Raises `NoNameId`, ValueError for a certificate that cannot encrypt."""
    response = _response(provider, occasion, _p.StatusCode(Value=_SUCCESS))
    assertion = _assertion(provider, occasion, claims)
    response.append(assertion)
    sign(assertion, provider.private_key, provider.certificate)
    if provider.encrypt_for is not None:
        encrypt(assertion, provider.encrypt_for)
    if provider.encrypt_for is None or provider.encrypt_then_sign:
        sign(response, provider.private_key, provider.certificate)
    return write_document(response)


def write_refusal(provider: Provider, occasion: Occasion, why: Why) -> bytes:
    """The response about nobody (core 3.2.2)."""
    second = _p.StatusCode(Value=why.value)
    response = _response(provider, occasion, _p.StatusCode(second, Value=_RESPONDER))
    sign(response, provider.private_key, provider.certificate)
    return write_document(response)


def metadata(public_url: str, application_id: str, certificate: str, format_: str) -> bytes:
    """Our metadata towards one application (SAML 2.0 Metadata 2.4.3)."""
    lines = certificate.strip().splitlines()
    key = "".join(line for line in lines if not line.startswith("-----"))
    location = sign_on_url(public_url, application_id)
    return write_document(
        _m.EntityDescriptor(
            _m.IDPSSODescriptor(
                _m.KeyDescriptor(
                    _ds.KeyInfo(_ds.X509Data(_ds.X509Certificate(key))), use="signing"
                ),
                _m.NameIDFormat(format_),
                _m.SingleSignOnService(Binding=REDIRECT_BINDING, Location=location),
                _m.SingleSignOnService(Binding=POST_BINDING, Location=location),
                WantAuthnRequestsSigned="false",
                protocolSupportEnumeration=PROTOCOL,
            ),
            entityID=identity_provider(public_url, application_id),
        )
    )


def _response(
    provider: Provider, occasion: Occasion, status_code: etree._Element
) -> etree._Element:
    return _p.Response(
        _attributes(occasion, provider.acs_url),
        _a.Issuer(provider.issuer),
        _p.Status(status_code),
    )


def _attributes(occasion: Occasion, destination: str) -> dict[str, str]:
    answered = {} if occasion.request_id is None else {"InResponseTo": occasion.request_id}
    return {
        "ID": _new_id(),
        "Version": "2.0",
        "IssueInstant": _instant(occasion.now),
        "Destination": destination,
        **answered,
    }


def _assertion(provider: Provider, occasion: Occasion, claims: Mapping[str, Any]) -> etree._Element:
    now, end = _instant(occasion.now), _instant(occasion.now + ASSERTION_AGE_MS)
    confirmation = {"NotOnOrAfter": end, "Recipient": provider.acs_url}
    if occasion.request_id is not None:
        confirmation["InResponseTo"] = occasion.request_id
    authenticated_at = occasion.authenticated_at
    statement = {"AuthnInstant": now if authenticated_at is None else _instant(authenticated_at)}
    if occasion.session_index is not None:
        statement["SessionIndex"] = occasion.session_index
    if occasion.session_expires_at is not None:
        statement["SessionNotOnOrAfter"] = _instant(occasion.session_expires_at)
    subject = name_id(provider.name_id_format, claims)
    assertion = _a.Assertion(
        {"ID": _new_id(), "Version": "2.0", "IssueInstant": now},
        _a.Issuer(provider.issuer),
        _a.Subject(
            _a.NameID(_text(subject), Format=provider.name_id_format),
            _a.SubjectConfirmation(_a.SubjectConfirmationData(confirmation), Method=_BEARER),
        ),
        _a.Conditions(
            _a.AudienceRestriction(_a.Audience(provider.audience)),
            NotBefore=now,
            NotOnOrAfter=end,
        ),
        _a.AuthnStatement(
            _a.AuthnContext(_a.AuthnContextClassRef(_PASSWORD)),
            statement,
        ),
    )
    attributes = list(_attribute_elements(provider.attribute_mapping, claims))
    if attributes:
        assertion.append(_a.AttributeStatement(*attributes))
    return assertion


def _attribute_elements(
    mapping: Mapping[str, str], claims: Mapping[str, Any]
) -> list[etree._Element]:
    """Attributes of what there is; lists and objects are JSON."""
    wanted = mapping or {claim: claim for claim in FALLBACK_CLAIMS}
    elements = []
    for claim, name in wanted.items():
        value = claims.get(claim)
        if value is None:
            continue
        written = _a.AttributeValue(_text(value))
        written.set(f"{{{_XSI}}}type", "xs:string")
        elements.append(_a.Attribute(written, Name=name, NameFormat=_BASIC))
    return elements


def _text(value: object) -> str:
    text = (
        value
        if isinstance(value, str)
        else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    )
    return "".join(c for c in text if c in "\t\n\r" or (c >= " " and c not in "\ufffe\uffff"))


def _new_id() -> str:
    return f"_{secrets.token_hex(20)}"


def _instant(ms: int) -> str:
    at = datetime.fromtimestamp(ms / 1000, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
