"""The session: whose it is, what it lets clients have, and what ends with it."""

import msgspec
import pytest

from gatehouse.actors.authorization import ConsentResult, LoginResult
from gatehouse.actors.session import (
    MAX_CLIENTS,
    MAX_FAMILIES,
    SESSION_AGE_MS,
    Authorize,
    Session,
    SessionGone,
    SignIn,
    SignOut,
    Withdraw,
)

NOW = 1_000_000
LOGIN = LoginResult(user_id="ada", amr=("pwd",), auth_time=NOW)


def signed_in(now: int = NOW) -> Session:
    state = SignIn(LOGIN).apply(None, now).state
    assert state is not None
    return state


def authorize(
    state: Session | None, client: str = "app", family: str | None = None, now: int = NOW
):
    message = Authorize(client, f"sid-{client}", ConsentResult(scopes=("openid",)), family)
    return message.apply(state, now)


def test_signing_in_again_renews_and_keeps_what_was_consented():
    state = authorize(signed_in()).state
    later = LoginResult(user_id="ada", amr=("otp",), auth_time=NOW + 5)
    renewed = SignIn(later).apply(state, NOW + 5).state
    assert renewed is not None
    assert (renewed.amr, renewed.auth_time, renewed.created_at) == (("otp",), NOW + 5, NOW)
    assert renewed.clients["app"].covers(("openid",), ())


def test_a_session_never_becomes_another_users():
    other = LoginResult(user_id="bob", amr=(), auth_time=NOW)
    with pytest.raises(SessionGone):
        SignIn(other).apply(signed_in(), NOW)


@pytest.mark.parametrize("state", [None, signed_in(NOW - SESSION_AGE_MS)])
def test_nothing_is_authorized_after_the_session_ended(state: Session | None):
    with pytest.raises(SessionGone):
        authorize(state)


def test_a_client_keeps_its_sid_and_gathers_scopes():
    first = authorize(signed_in())
    more = ConsentResult(scopes=("email", "openid"), resources=("https://api",))
    second = Authorize("app", "another-sid", more, None).apply(first.state, NOW)
    assert second.reply.sid == first.reply.sid == "sid-app"
    assert second.state is not None
    assert second.state.clients["app"].scopes == ("openid", "email")
    assert second.state.clients["app"].resources == ("https://api",)


def test_signing_out_names_the_families_that_end_with_the_session():
    state = authorize(signed_in(), family="f1").state
    state = authorize(state, "other", family="f2").state
    turn = SignOut().apply(state, NOW)
    assert turn.state is None
    assert turn.reply == ("f1", "f2")
    assert SignOut().apply(None, NOW).reply == ()


def test_what_is_withdrawn_is_asked_for_again():
    state = authorize(signed_in(), family="f1").state
    consent = ConsentResult(scopes=("openid",))
    state = Authorize("other", "sid", consent, "f2", "granted").apply(state, NOW).state
    turn = Withdraw(frozenset({"granted"})).apply(state, NOW)
    assert turn.state is not None
    assert list(turn.state.clients) == ["app"]
    assert turn.reply == ("f2",)
    assert Withdraw(frozenset({"granted"})).apply(turn.state, NOW).reply == ()


def test_more_families_than_are_kept_end_the_oldest():
    state = signed_in()
    for number in range(MAX_FAMILIES):
        turn = authorize(state, family=f"f{number}")
        assert turn.reply.evicted == ()
        state = turn.state
    assert authorize(state, family="last").reply.evicted == ("f0",)


def test_more_clients_than_are_kept_forget_the_one_authorized_longest_ago():
    state = signed_in()
    for number in range(MAX_CLIENTS):
        state = authorize(state, f"app{number}", f"f{number}").state
    state = authorize(state, "app0").state
    turn = authorize(state, "newcomer")
    assert turn.state is not None
    assert len(turn.state.clients) == MAX_CLIENTS
    assert turn.reply.evicted == ("f1",)


def test_using_the_session_keeps_it_alive():
    turn = authorize(signed_in(), now=NOW + 1000)
    assert turn.expires_at == NOW + 1000 + SESSION_AGE_MS


def test_the_state_survives_the_wire():
    state = authorize(signed_in(), family="f1").state
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=Session) == state
