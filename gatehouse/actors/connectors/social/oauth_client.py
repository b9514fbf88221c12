"""The client's side of OAuth 2 (RFC 6749 §4.1): what every provider shares.

A person is sent to a provider and comes back with a code. What was agreed on before they left is a
`Handshake`: it stays on the server and is good once. The code is redeemed from here to there, never
through the browser. All values that come from outside are bounded, and what a provider says in an
error reaches nobody but as the short code that RFC 6749 §5.2 defines.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn
from urllib.parse import parse_qs, parse_qsl, quote_plus, urlencode, urlsplit, urlunsplit

import jwt
import msgspec

from gatehouse.actors.connectors.social.backchannel import Backchannel
from gatehouse.actors.outbound import Answer
from gatehouse.actors.refusal import Reason, Refused

MAX_CODE = 8 * 1024
"""Characters of an authorization code; those of some providers are signed tokens."""

ASSERTION_SECONDS = 600
"""How long a client assertion is good for (RFC 7523 §3)."""

ClientAuthentication = Literal["client_secret_basic", "client_secret_post", "client_secret_jwt"]
SigningAlgorithm = Literal["HS256", "HS384", "HS512"]

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ERROR_CODE = re.compile(r"[a-z_]{1,64}")


class Handshake(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is compared when the person is back.

    `state` ties the answer to this browser (RFC 6749 §10.12), `nonce` an ID token (OpenID Connect
    Core §15.5.2), `code_verifier` the code (RFC 7636).
    """

    redirect_uri: str
    state: str
    nonce: str | None = None
    code_verifier: str | None = None

    def __repr__(self) -> str:
        return f"<Handshake for {self.redirect_uri!r}>"

    @property
    def code_challenge(self) -> str | None:
        """The S256 challenge of the verifier (RFC 7636 §4.2)."""
        if self.code_verifier is None:
            return None
        digest = hashlib.sha256(self.code_verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def new_handshake(redirect_uri: str, state: str | None = None) -> Handshake:
    """Agree on fresh secrets; without a `state` of the caller's own, that is one of them."""
    return Handshake(
        redirect_uri=redirect_uri,
        state=secrets.token_urlsafe(32) if state is None else state,
        nonce=secrets.token_urlsafe(32),
        code_verifier=secrets.token_urlsafe(48),
    )


class TokenSet(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a token endpoint gave (RFC 6749 §5.1). `expires_in` is in seconds."""

    access_token: str | None = None
    id_token: str | None = None
    refresh_token: str | None = None
    token_type: str | None = None
    scope: str | None = None
    expires_in: int | None = None

    def __repr__(self) -> str:
        return "<TokenSet>"


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """This server as a client that is registered somewhere.

    `extra` are parameters that the provider wants besides, at both endpoints.
    """

    client_id: str
    client_secret: str = field(repr=False)
    authorization_endpoint: str
    token_endpoint: str
    authentication: ClientAuthentication = "client_secret_post"
    signing_algorithm: SigningAlgorithm = "HS256"
    extra: Mapping[str, str] = field(default_factory=dict, repr=False)

    def authorization_uri(self, handshake: Handshake, **parameters: str | None) -> str:
        """Where to send the browser (RFC 6749 §4.1.1, RFC 7636 §4.3)."""
        query: dict[str, str | None] = {
            "response_type": "code",
            **parameters,
            **self.extra,
            "client_id": self.client_id,
            "redirect_uri": handshake.redirect_uri,
            "state": handshake.state,
        }
        if handshake.code_challenge is not None:
            query |= {"code_challenge": handshake.code_challenge, "code_challenge_method": "S256"}
        return with_query(self.authorization_endpoint, query)

    async def redeem(self, backchannel: Backchannel, handshake: Handshake, code: str) -> TokenSet:
        """Exchange a code for tokens (RFC 6749 §4.1.3). Raises `Refused`."""
        form: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": handshake.redirect_uri,
            "code_verifier": handshake.code_verifier,
        }
        return await self.ask(backchannel, form)

    async def refresh(self, backchannel: Backchannel, refresh_token: str) -> TokenSet:
        """Have tokens renewed (RFC 6749 §6). The old refresh token stays unless there is a new one.

        Raises `Refused`.
        """
        form: dict[str, str | None] = {
            "grant_type": "refresh_token",
            "refresh_token": refresh_token,
        }
        tokens = await self.ask(backchannel, form)
        kept = tokens.refresh_token or refresh_token
        return msgspec.structs.replace(tokens, refresh_token=kept)

    async def ask(self, backchannel: Backchannel, form: Mapping[str, str | None]) -> TokenSet:
        """Ask the token endpoint, as the client that this is (RFC 6749 §3.2). Raises `Refused`."""
        headers = {
            "accept": "application/json",
            "content-type": "application/x-www-form-urlencoded",
        }
        sent = {**self.extra, **form}
        match self.authentication:
            case "client_secret_basic":
                # RFC 6749 §2.3.1: both are form-encoded before they are joined.
                pair = f"{quote_plus(self.client_id)}:{quote_plus(self.client_secret)}"
                headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
            case "client_secret_post":
                sent |= {"client_id": self.client_id, "client_secret": self.client_secret}
            case "client_secret_jwt":
                sent |= {
                    "client_id": self.client_id,
                    "client_assertion_type": _ASSERTION_TYPE,
                    "client_assertion": self._assertion(backchannel.clock() // 1000),
                }
        given = {name: value for name, value in sent.items() if value is not None}
        body = urlencode(given).encode()
        return read_tokens(await backchannel.post(self.token_endpoint, body, headers))

    def _assertion(self, now: int) -> str:
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.token_endpoint,
            "jti": secrets.token_urlsafe(16),
            "iat": now,
            "exp": now + ASSERTION_SECONDS,
        }
        return jwt.encode(claims, self.client_secret, self.signing_algorithm)


def with_query(url: str, parameters: Mapping[str, str | None]) -> str:
    """The URL with parameters added to those it has (RFC 6749 §3.1)."""
    parts = urlsplit(url)
    given = {name: value for name, value in parameters.items() if value is not None}
    kept = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] not in given]
    return urlunsplit(parts._replace(query=urlencode([*kept, *given.items()]), fragment=""))


def code_of(handshake: Handshake, answer: Mapping[str, Any]) -> str:
    """The code of an authorization response (RFC 6749 §4.1.2) that belongs to the handshake.

    Raises `Refused`.
    """
    check_answer(handshake, answer)
    code = answer.get("code")
    if not isinstance(code, str) or not 0 < len(code) <= MAX_CODE:
        raise Refused(Reason.AUTH_CODE_INVALID)
    return code


def check_answer(handshake: Handshake, answer: Mapping[str, Any]) -> None:
    """Refuse an answer that is an error (RFC 6749 §4.1.2.1) or belongs to another request.

    Whoever kept the `state` themselves need not repeat it. Raises `Refused`.
    """
    check_state(handshake, answer.get("state"))
    if answer.get("error") is not None:
        refuse_error(answer["error"])


def check_state(handshake: Handshake, state: object) -> None:
    """Refuse the `state` of another request, if there is one. Raises `Refused`."""
    if state is None:
        return
    if not isinstance(state, str) or not hmac.compare_digest(
        _bytes(state), _bytes(handshake.state)
    ):
        raise Refused(Reason.VERIFICATION_FAILED)


def check_issuer(answer: Mapping[str, Any], issuers: tuple[str, ...]) -> None:
    """Refuse an answer that another provider gave (RFC 9207 §2.4). Raises `Refused`."""
    issuer = answer.get("iss")
    if issuer is not None and issuers and issuer not in issuers:
        raise Refused(Reason.VERIFICATION_FAILED)


def read_tokens(answer: Answer) -> TokenSet:
    """The tokens of a token response (RFC 6749 §5): JSON, or a form as early providers send it.

    Raises `Refused`.
    """
    fields = _fields(answer)
    error = fields.get("error")
    if error is not None or not answer.succeeded:
        # The client's fault and the person's are different things: only the code can be tried anew.
        if error in ("invalid_grant", "bad_verification_code"):
            raise Refused(Reason.AUTH_CODE_INVALID)
        refuse_error(error)
    tokens = TokenSet(
        access_token=_text(fields, "access_token"),
        id_token=_text(fields, "id_token"),
        refresh_token=_text(fields, "refresh_token"),
        token_type=_text(fields, "token_type"),
        scope=_text(fields, "scope"),
        expires_in=_seconds(fields.get("expires_in")),
    )
    if tokens.access_token is None and tokens.id_token is None:
        raise Refused(Reason.CONNECTOR_RESPONSE_INVALID)
    return tokens


def refuse_error(error: object) -> NoReturn:
    """Say no because the provider did. Raises `Refused`."""
    if error == "access_denied":
        raise Refused(Reason.AUTHORIZATION_FAILED)
    code = error if isinstance(error, str) and _ERROR_CODE.fullmatch(error) else "an error"
    raise Refused(Reason.CONNECTOR_FAILED, description=f"the provider answered {code}")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _fields(answer: Answer) -> Mapping[str, Any]:
    try:
        decoded = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, RecursionError):
        decoded = {name: values[0] for name, values in parse_qs(answer.text).items()}
    if not isinstance(decoded, dict):
        raise Refused(Reason.CONNECTOR_RESPONSE_INVALID)
    return decoded


def _text(fields: Mapping[str, Any], name: str) -> str | None:
    value = fields.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise Refused(Reason.CONNECTOR_RESPONSE_INVALID)
    return value


def _seconds(value: object) -> int | None:
    """Some providers write the number as text."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 10:
        return int(value)
    return int(value) if isinstance(value, int | float) and 0 <= value < 10**10 else None
