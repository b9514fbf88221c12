"""The token family: one code, one redemption; rotation with a grace; reuse revokes."""

from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gatehouse.actors.family import (
    CODE_AGE_MS,
    MAX_ACCESS_TOKENS,
    MAX_FAMILY_AGE_MS,
    MAX_ROTATIONS_IN_GRACE,
    REFRESH_GRACE_MS,
    AccessWish,
    End,
    Family,
    Granted,
    Open,
    OpenForClient,
    RedeemCode,
    Refresh,
    RefreshPolicy,
    Refusal,
    Revoke,
)
from gatehouse.actors.tokens import Purpose

NOW = 1_700_000_000_000
DAY = 24 * 60 * 60 * 1000
POLICY = RefreshPolicy(ttl=14 * DAY, rotate=True, extend=True)
OPAQUE = AccessWish(ttl=3_600_000)
ISSUED = Family(
    client_id="app",
    user_id="ada",
    scopes=("openid", "offline_access"),
    redirect_uri="https://app.example/cb",
    code_challenge="challenge",
    code_expires_at=NOW + CODE_AGE_MS,
    created_at=NOW,
    expires_at=NOW + CODE_AGE_MS,
)
REDEEM = RedeemCode("app", "https://app.example/cb", "challenge", POLICY, OPAQUE)
REFRESH = Refresh("app", 1, POLICY, OPAQUE)


def redeemed(message: RedeemCode = REDEEM) -> Family:
    turn = message.apply(ISSUED, NOW)
    assert isinstance(turn.reply, Granted)
    assert turn.state is not None
    return turn.state


def granted(message: Refresh, state: Family | None, now: int) -> Granted:
    reply = message.apply(state, now).reply
    assert isinstance(reply, Granted)
    return reply


def test_a_code_is_redeemed_once():
    turn = REDEEM.apply(ISSUED, NOW)
    assert isinstance(turn.reply, Granted)
    assert (turn.reply.refresh_number, turn.reply.access_number) == (1, 1)
    assert turn.expires_at == NOW + POLICY.ttl


def test_a_replayed_code_revokes_everything_in_the_same_turn():
    turn = REDEEM.apply(redeemed(), NOW + 1)
    assert (turn.state, turn.reply) == (None, Refusal.REPLAYED)


@pytest.mark.parametrize(
    ("message", "now", "refusal"),
    [
        (REDEEM, NOW + CODE_AGE_MS, Refusal.GONE),
        (replace(REDEEM, client_id="other"), NOW, Refusal.OTHER_CLIENT),
        (replace(REDEEM, redirect_uri="https://app.example/cb/"), NOW, Refusal.REDIRECT_URI),
        (replace(REDEEM, redirect_uri=None), NOW, Refusal.REDIRECT_URI),
        (replace(REDEEM, challenge="guess"), NOW, Refusal.CODE_VERIFIER),
        (replace(REDEEM, challenge=None), NOW, Refusal.CODE_VERIFIER),
    ],
)
def test_a_code_is_bound_to_its_request(message: RedeemCode, now: int, refusal: Refusal):
    turn = message.apply(ISSUED, now)
    assert turn.reply is refusal
    assert turn.state is ISSUED  # whoever may redeem it still can


def test_a_verifier_for_a_code_without_challenge_is_refused():
    unprotected = msgspec.structs.replace(ISSUED, code_challenge=None)
    assert REDEEM.apply(unprotected, NOW).reply is Refusal.CODE_VERIFIER
    assert isinstance(replace(REDEEM, challenge=None).apply(unprotected, NOW).reply, Granted)


def test_another_client_cannot_revoke_by_replaying():
    state = redeemed()
    turn = replace(REDEEM, client_id="other").apply(state, NOW)
    assert (turn.state, turn.reply) == (state, Refusal.OTHER_CLIENT)


def test_without_refresh_the_family_lives_as_long_as_its_access_token():
    online = msgspec.structs.replace(ISSUED, scopes=("openid",))
    state = REDEEM.apply(online, NOW).state
    assert state == replace(REDEEM, refresh=None).apply(online, NOW).state
    assert state is not None
    assert state.refresh_number == 0
    assert state.expires_at == NOW + OPAQUE.ttl
    assert REFRESH.apply(state, NOW).reply is Refusal.GONE


def test_a_client_set_so_always_gets_a_refresh_token():
    online = msgspec.structs.replace(ISSUED, scopes=("openid",))
    reply = replace(REDEEM, always_refresh=True).apply(online, NOW).reply
    assert isinstance(reply, Granted)
    assert reply.refresh_number == 1


def test_an_access_token_never_exceeds_what_was_granted():
    state = redeemed()
    for wish, refusal in (
        (AccessWish(1, scopes=("email",)), Refusal.SCOPE),
        (AccessWish(1, resource="https://api"), Refusal.RESOURCE),
    ):
        turn = replace(REFRESH, access=wish).apply(state, NOW)
        assert (turn.state, turn.reply) == (state, refusal)
        assert replace(REDEEM, access=wish).apply(ISSUED, NOW).reply is refusal


def test_a_narrowed_access_token_allows_less_than_the_family():
    narrow = AccessWish(1000, scopes=("openid",))
    turn = replace(REFRESH, access=narrow).apply(redeemed(), NOW)
    assert isinstance(turn.reply, Granted)
    assert turn.state is not None
    token = turn.state.access_token(turn.reply.access_number, NOW)
    assert token is not None
    assert token.scopes == turn.reply.scopes == ("openid",)
    assert turn.state.scopes == ISSUED.scopes


@pytest.mark.parametrize(
    ("wish", "resource"),
    [
        (AccessWish(1, resource="https://api"), "https://api"),
        (AccessWish(1, default_resource="https://api"), "https://api"),
        (AccessWish(1, default_resource="https://other"), None),
    ],
)
def test_a_token_for_a_resource_takes_no_number(wish: AccessWish, resource: str | None):
    granted_api = msgspec.structs.replace(ISSUED, resources=("https://api",))
    reply = replace(REDEEM, access=wish).apply(granted_api, NOW).reply
    assert isinstance(reply, Granted)
    assert reply.resource == resource
    assert (reply.access_number == 0) == (resource is not None)


def test_two_tabs_receive_the_same_successor():
    first = REFRESH.apply(redeemed(), NOW)
    second = REFRESH.apply(first.state, NOW + REFRESH_GRACE_MS)
    assert isinstance(first.reply, Granted)
    assert isinstance(second.reply, Granted)
    assert first.reply.refresh_number == second.reply.refresh_number == 2
    assert first.reply.access_number != second.reply.access_number


def test_a_slow_tab_receives_the_newest_token_when_the_other_went_on():
    state = REFRESH.apply(redeemed(), NOW).state
    state = replace(REFRESH, number=2).apply(state, NOW + 10).state
    assert granted(REFRESH, state, NOW + 20).refresh_number == 3


def test_reuse_after_the_grace_revokes_the_family():
    state = REFRESH.apply(redeemed(), NOW).state
    turn = REFRESH.apply(state, NOW + REFRESH_GRACE_MS + 1)
    assert (turn.state, turn.reply) == (None, Refusal.REPLAYED)


def test_a_client_that_rotates_faster_than_is_remembered_is_never_signed_out():
    state: Family | None = redeemed()
    number = 1
    for _ in range(3 * MAX_ROTATIONS_IN_GRACE):
        turn = replace(REFRESH, number=number).apply(state, NOW)
        assert isinstance(turn.reply, Granted)
        state, number = turn.state, turn.reply.refresh_number
    assert number == MAX_ROTATIONS_IN_GRACE + 1
    assert granted(REFRESH, state, NOW).refresh_number == number


def test_a_client_set_not_to_rotate_keeps_its_token():
    steady = replace(REFRESH, policy=replace(POLICY, rotate=False))
    state = steady.apply(redeemed(), NOW + DAY).state
    assert granted(steady, state, NOW + 2 * DAY).refresh_number == 1
    assert steady.apply(state, NOW + POLICY.ttl).reply is Refusal.GONE


def test_rotation_extends_the_life_only_where_the_policy_says_so():
    extended = REFRESH.apply(redeemed(), NOW + DAY).state
    fixed = replace(REFRESH, policy=replace(POLICY, extend=False)).apply(redeemed(), NOW + DAY)
    assert extended is not None
    assert fixed.state is not None
    assert extended.refresh_expires_at == NOW + DAY + POLICY.ttl
    assert fixed.state.refresh_expires_at == NOW + POLICY.ttl


def test_no_family_outlives_a_year():
    eternal = replace(POLICY, ttl=10 * MAX_FAMILY_AGE_MS)
    state = redeemed(replace(REDEEM, refresh=eternal))
    state = replace(REFRESH, policy=eternal).apply(state, NOW + 300 * DAY).state
    assert state is not None
    assert state.refresh_expires_at == NOW + MAX_FAMILY_AGE_MS


def test_another_clients_refresh_token_is_refused_and_nothing_is_revoked():
    state = redeemed()
    turn = replace(REFRESH, client_id="other").apply(state, NOW + DAY)
    assert (turn.state, turn.reply) == (state, Refusal.OTHER_CLIENT)


def test_a_genuine_token_that_a_failover_forgot_is_honoured():
    assert granted(replace(REFRESH, number=5), redeemed(), NOW).refresh_number == 6


def test_a_refresh_token_of_an_unredeemed_family_does_not_exist():
    assert REFRESH.apply(ISSUED, NOW).reply is Refusal.GONE


def test_access_tokens_are_bounded_and_the_oldest_goes_first():
    state: Family | None = redeemed()
    steady = replace(REFRESH, policy=replace(POLICY, rotate=False))
    for _ in range(MAX_ACCESS_TOKENS):
        state = steady.apply(state, NOW).state
    assert state is not None
    assert len(state.access_tokens) == MAX_ACCESS_TOKENS
    assert state.access_token(1, NOW) is None
    assert state.access_token(MAX_ACCESS_TOKENS + 1, NOW) is not None


def test_expired_access_tokens_are_forgotten():
    state = REFRESH.apply(redeemed(), NOW + OPAQUE.ttl).state
    assert state is not None
    assert [token.number for token in state.access_tokens] == [2]


def test_revoking_a_refresh_token_ends_the_family_and_an_access_token_only_itself():
    state = redeemed()
    one = Revoke("app", Purpose.ACCESS_TOKEN, 1).apply(state, NOW)
    assert one.state is not None
    assert one.state.access_token(1, NOW) is None
    assert one.state.refreshable(1, NOW)
    everything = Revoke("app", Purpose.REFRESH_TOKEN, 1).apply(state, NOW)
    assert (everything.state, everything.reply) == (None, True)


def test_revoking_what_is_unknown_succeeds_and_what_is_another_clients_does_not():
    state = redeemed()
    assert Revoke("app", Purpose.ACCESS_TOKEN, 9).apply(state, NOW).reply is True
    assert Revoke("app", Purpose.REFRESH_TOKEN, 1).apply(None, NOW).reply is True
    turn = Revoke("other", Purpose.REFRESH_TOKEN, 1).apply(state, NOW)
    assert (turn.state, turn.reply) == (state, False)


def test_a_client_that_acts_for_itself_gets_one_opaque_token():
    turn = OpenForClient("machine", (), OPAQUE.ttl).apply(None, NOW)
    assert turn.state is not None
    assert turn.reply.access_number == 1
    assert turn.state.access_token(1, NOW) is not None
    assert turn.state.access_token(1, NOW + OPAQUE.ttl) is None
    assert Refresh("machine", 1, POLICY, OPAQUE).apply(turn.state, NOW).reply is Refusal.GONE


def test_opening_and_ending_twice_change_nothing():
    assert Open(ISSUED).apply(redeemed(), NOW).state == redeemed()
    assert End().apply(None, NOW).state is None
    assert End().apply(redeemed(), NOW).state is None


def test_the_state_survives_the_wire():
    state = REFRESH.apply(redeemed(), NOW).state
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=Family) == state


DIAGRAM = Path(__file__).parents[2] / "docs" / "diagrams" / "family.mmd"
ROTATED = REFRESH.apply(redeemed(), NOW).state
MOVES = {
    "Open": (None, Open(ISSUED), NOW),
    "OpenForClient": (None, OpenForClient("machine", (), OPAQUE.ttl), NOW),
    "RedeemCode": (ISSUED, REDEEM, NOW),
    "RedeemCode again": (redeemed(), REDEEM, NOW),
    "Refresh": (redeemed(), REFRESH, NOW),
    "Refresh after the grace": (ROTATED, REFRESH, NOW + REFRESH_GRACE_MS + 1),
    "Revoke an access token": (redeemed(), Revoke("app", Purpose.ACCESS_TOKEN, 1), NOW),
    "Revoke a refresh token": (redeemed(), Revoke("app", Purpose.REFRESH_TOKEN, 1), NOW),
}


def phase(state: Family | None) -> str:
    if state is None:
        return "[*]"
    return "Redeemed" if state.redeemed else "Issued"


def test_the_diagram_is_true():
    moves = [(name, *move) for name, move in MOVES.items()]
    moves += [("End", ISSUED, End(), NOW), ("End", redeemed(), End(), NOW)]
    seen = {
        f"{phase(before)} --> {phase(message.apply(before, now).state)} : {name}"
        for name, before, message, now in moves
    }
    drawn = {line.strip() for line in DIAGRAM.read_text().splitlines() if "-->" in line}
    assert seen == drawn


@dataclass
class Model:
    """What must be true of a family, told without its code."""

    code_used: bool = False
    revoked: bool = False
    newest: int = 0


class FamilyMachine(RuleBasedStateMachine):
    """Any interleaving of redeeming, refreshing, waiting and replaying."""

    def __init__(self) -> None:
        super().__init__()
        self.state: Family | None = ISSUED
        self.now = NOW
        self.redemptions = 0
        self.rotated_at: dict[int, int] = {}
        self.model = Model()

    @initialize(rotate=st.booleans(), extend=st.booleans())
    def choose(self, rotate: bool, extend: bool) -> None:
        self.policy = RefreshPolicy(ttl=DAY, rotate=rotate, extend=extend)

    @rule(ms=st.sampled_from([1, REFRESH_GRACE_MS // 2, REFRESH_GRACE_MS + 1, DAY // 2]))
    def wait(self, ms: int) -> None:
        self.now += ms
        if self.state is not None and self.now >= self.state.expires_at:
            self.state = None  # Redis forgets it

    @rule(right=st.booleans())
    def redeem(self, right: bool) -> None:
        message = replace(REDEEM, refresh=self.policy, challenge="challenge" if right else "guess")
        turn = message.apply(self.state, self.now)
        self.state = turn.state
        if isinstance(turn.reply, Granted):
            assert right
            assert not self.model.revoked
            self.redemptions += 1
            self.model.code_used = True
            self.model.newest = turn.reply.refresh_number
        elif self.model.code_used:
            assert self.state is None
            self.model.revoked = True

    @rule(age=st.integers(0, 4))
    def refresh(self, age: int) -> None:
        number = self.model.newest - age
        if number < 1:
            return
        before = self.state
        turn = Refresh("app", number, self.policy, OPAQUE).apply(self.state, self.now)
        self.state = turn.state
        if isinstance(turn.reply, Granted):
            assert not self.model.revoked
            fresh = turn.reply.refresh_number
            if number == self.model.newest:
                assert fresh in (number, number + 1)
                self.rotated_at[number] = self.now
            else:
                assert self.now - self.rotated_at[number] <= REFRESH_GRACE_MS
                assert fresh == self.model.newest
            self.model.newest = fresh
            return
        if before is not None and self.now < before.refresh_expires_at:
            assert turn.reply is Refusal.REPLAYED
            assert self.now - self.rotated_at[number] > REFRESH_GRACE_MS
        if turn.reply is Refusal.REPLAYED:
            self.model.revoked = True

    @invariant()
    def a_code_is_redeemed_at_most_once(self) -> None:
        assert self.redemptions <= 1

    @invariant()
    def what_is_revoked_does_not_exist(self) -> None:
        if self.model.revoked:
            assert self.state is None

    @invariant()
    def the_state_stays_bounded(self) -> None:
        if self.state is not None:
            assert len(self.state.spent) <= MAX_ROTATIONS_IN_GRACE
            assert len(self.state.access_tokens) <= MAX_ACCESS_TOKENS
            assert self.state.refresh_expires_at <= NOW + MAX_FAMILY_AGE_MS


TestFamilyMachine = FamilyMachine.TestCase
TestFamilyMachine.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
