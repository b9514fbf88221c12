"""Whatever goes wrong is said in the specifications' words, and no more is said than that."""

from __future__ import annotations

import pytest

from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.session import SessionGone
from gatehouse.engine import errors as engine
from gatehouse.http.oidc import errors
from gatehouse.http.oidc.errors import SENTENCES, OAuthError, refuse
from gatehouse.http.pipeline import DeadlineExceeded
from gatehouse.http.validation import BodyTooLarge
from gatehouse.storage import errors as storage


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (OAuthError("invalid_grant", "no"), 400, "oidc.invalid_grant"),
        (SessionGone(), 400, "session.not_found"),
        (Refused(Reason.INTERACTION_GONE), 400, "session.not_found"),
        (engine.Unavailable("gone", retry_after=2.2), 503, "oidc.temporarily_unavailable"),
        (engine.Overloaded("full", retry_after=2.2), 503, "oidc.temporarily_unavailable"),
        (engine.Contended(), 503, "oidc.temporarily_unavailable"),
        (storage.Busy(retry_after=2.2), 503, "oidc.temporarily_unavailable"),
        (storage.Unavailable(retry_after=2.2), 503, "oidc.temporarily_unavailable"),
        (DeadlineExceeded("ExchangeToken"), 503, "oidc.temporarily_unavailable"),
        (BodyTooLarge(), 413, "oidc.invalid_request"),
        (RuntimeError("the password is swordfish"), 500, "oidc.server_error"),
        (Refused(Reason.USER_SUSPENDED), 500, "oidc.server_error"),
    ],
)
def test_every_failure_has_its_answer(error: Exception, status: int, code: str):
    reply = refuse(error)
    assert reply.status == status
    assert isinstance(reply.body, dict)
    assert reply.body["code"] == code
    assert "swordfish" not in str(reply.body)
    assert ("cache-control", "no-store") in reply.headers
    waits = dict(reply.headers).get("retry-after")
    assert (waits is not None) == (status == 503)
    if "retry_after" in vars(error):
        assert waits == "3"


def test_every_code_has_its_sentence():
    assert set(errors._STATUSES) <= set(SENTENCES)
