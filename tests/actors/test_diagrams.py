"""Every kind of actor is drawn, with everything it can be told, and every drawing is true.

Kinds and messages are found in the code, so that a new one without a drawing fails here.
"""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import gatehouse
from gatehouse.actors import (
    client_assertion,
    device_authorization,
    invitations,
    pushed_request,
    session,
    subject_token,
    webhooks,
)
from gatehouse.actors.authorization import AuthorizationRequest, ConsentResult, LoginResult
from gatehouse.actors.connectors import messengers
from gatehouse.actors.messages import OutgoingMessage
from gatehouse.actors.secret_ring import SecretRing
from gatehouse.engine.actor import Effect, Kind
from gatehouse.ops import doctor

TESTS = Path(__file__).parents[1]
DIAGRAMS = TESTS.parent / "docs" / "diagrams"
NOW = 1_700_000_000_000

DRAWN_IN = {
    "verification": "account_verification",
    "saml": "saml_session",
    **dict.fromkeys(
        (
            "carried-message",
            "client_assertion",
            "invitation-mail",
            "occurrence",
            "probe",
            "saml_assertion",
            "user_code",
        ),
        "note",
    ),
}
"""The drawing of a kind of actor, where it is not called like the kind."""


def _modules() -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(gatehouse.__path__, "gatehouse."):
        if (
            not found.name.endswith(("__main__", ".migrations.env"))
            and "versions" not in found.name
        ):
            yield import_module(found.name)


MODULES = list(_modules())
KINDS = {
    value.name: value
    for module in MODULES
    for value in vars(module).values()
    if isinstance(value, Kind)
}


def _drawing(kind: str) -> Path:
    return DIAGRAMS / f"{DRAWN_IN.get(kind, kind.replace('-', '_'))}.mmd"


def _arrows(drawing: Path) -> set[str]:
    return {line.strip() for line in drawing.read_text().splitlines() if "-->" in line}


def _messages(kind: Kind[Any]) -> set[str]:
    """The names of everything that an actor of this kind can be told."""
    told = re.compile(rf"\b{kind.state.__name__}\b")
    return {
        value.__name__.lstrip("_")
        for module in MODULES
        for value in vars(module).values()
        if isinstance(value, type)
        and told.search(str(getattr(vars(value).get("apply"), "__annotations__", {}).get("state")))
    }


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_everything_that_a_kind_of_actor_can_be_told_is_drawn(kind: str) -> None:
    labels = [arrow.partition(" : ")[2] for arrow in _arrows(_drawing(kind))]
    messages = _messages(KINDS[kind])
    assert messages
    assert messages <= {re.split(r"[ ,]", label)[0] for label in labels}


def test_every_drawing_is_held_against_the_code() -> None:
    tests = "".join(path.read_text() for path in TESTS.rglob("test_*.py"))
    named = set(re.findall(r'"(\w+)\.mmd"', tests)) | set(MOVES)
    assert named == {path.stem for path in DIAGRAMS.glob("*.mmd")}


ADA = LoginResult(user_id="ada", amr=("pwd",), auth_time=NOW)
SIGN_IN = session.SignIn(ADA)
SIGNED_IN = SIGN_IN.apply(None, NOW).state
AUTHORIZE = session.Authorize("app", "sid", ConsentResult(scopes=("openid",)), "family", "grant")
AUTHORIZED = AUTHORIZE.apply(SIGNED_IN, NOW).state

REQUEST = AuthorizationRequest(client_id="app", redirect_uri="")
ASK = device_authorization.Ask(REQUEST, "BCDFGHJK")
POLL = device_authorization.Poll("app")
ALLOW, DENY = device_authorization.Answer("family"), device_authorization.Answer(None)
ASKED = ASK.apply(None, NOW).state
ALLOWED, DENIED = ALLOW.apply(ASKED, NOW).state, DENY.apply(ASKED, NOW).state

PUSH = pushed_request.Push("app", "sealed")
PUSHED = PUSH.apply(None, NOW).state

CREATE, USE = subject_token.Create("ada", "operator", {}), subject_token.Use()
CREATED = CREATE.apply(None, NOW).state
USED = USE.apply(CREATED, NOW).state

CLAIM = device_authorization.Claim("device")
USE_ONCE = client_assertion.UseOnce(NOW + 1)
ANNOUNCE = webhooks.Announce((Effect("webhook", b""),))
CARRIED = messengers._NoteCarried()

Move = tuple[str, Any, Any]
MOVES: dict[str, list[Move]] = {
    "session": [
        ("SignIn", None, SIGN_IN),
        ("SignIn again", SIGNED_IN, SIGN_IN),
        ("Authorize", SIGNED_IN, AUTHORIZE),
        ("Withdraw", AUTHORIZED, session.Withdraw(frozenset({"grant"}))),
        ("SignOut", AUTHORIZED, session.SignOut()),
    ],
    "device": [
        ("Ask", None, ASK),
        ("Poll", ASKED, POLL),
        ("Poll", ALLOWED, POLL),
        ("Poll", DENIED, POLL),
        ("Answer", ASKED, ALLOW),
        ("Answer with a refusal", ASKED, DENY),
        ("Answer again", ALLOWED, DENY),
        ("Answer again", DENIED, ALLOW),
    ],
    "pushed_request": [
        ("Push", None, PUSH),
        ("Take", PUSHED, pushed_request.Take("app")),
        ("Take in another client's name", PUSHED, pushed_request.Take("other")),
    ],
    "subject_token": [
        ("Create", None, CREATE),
        ("Use", CREATED, USE),
        ("Use again", USED, USE),
    ],
    "note": [
        ("Claim", None, CLAIM),
        (
            "Claim by another device",
            CLAIM.apply(None, NOW).state,
            device_authorization.Claim("other"),
        ),
        ("UseOnce", None, USE_ONCE),
        ("UseOnce again", USE_ONCE.apply(None, NOW).state, USE_ONCE),
        ("Announce", None, ANNOUNCE),
        ("Announce again", ANNOUNCE.apply(None, NOW).state, ANNOUNCE),
        ("NoteCarried", None, CARRIED),
        ("NoteCarried again", CARRIED.apply(None, NOW).state, CARRIED),
        ("Send", None, invitations._Send(Effect("message", b""))),
        (
            "SendProbe",
            None,
            doctor._SendProbe(
                OutgoingMessage(
                    tenant_id="t", channel="email", recipient="ada@example.com", usage="Test"
                ),
                SecretRing([b"s" * 32]).vault(),
            ),
        ),
    ],
}
"""By drawing: what is told, to which state."""


def _phase(state: object) -> str:
    match state:
        case None:
            return "[*]"
        case session.Session():
            return "SignedIn"
        case device_authorization.Device(denied=True):
            return "Denied"
        case device_authorization.Device(family_id=family_id):
            return "Allowed" if family_id else "Waiting"
        case pushed_request.PushedRequest():
            return "Waiting"
        case subject_token.SubjectToken(used=used):
            return "Used" if used else "Unused"
        case _:
            return "Noted"


@pytest.mark.parametrize("drawing", MOVES)
def test_the_drawing_is_true(drawing: str) -> None:
    seen = {
        f"{_phase(before)} --> {_phase(message.apply(before, NOW).state)} : {name}"
        for name, before, message in MOVES[drawing]
    }
    assert seen == _arrows(DIAGRAMS / f"{drawing}.mmd")


def test_what_is_noted_once_is_passed_on_once() -> None:
    assert ANNOUNCE.apply(None, NOW).effects
    assert not ANNOUNCE.apply(ANNOUNCE.apply(None, NOW).state, NOW).effects
