"""The interaction is a pure state machine: every rule about order is tested without a server."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest

from gatehouse.actors.authorization import (
    MAX_INTERACTION_AGE_MS,
    AuthorizationRequest,
    LoginResult,
)
from gatehouse.actors.factors.password import NewPasswordIdentity, PasswordVerification
from gatehouse.actors.interaction import (
    TRANSITIONS,
    Begin,
    Denial,
    Interaction,
    Note,
    PassCaptcha,
    Phase,
    Prompt,
    Start,
    SwitchEvent,
)
from gatehouse.actors.interaction_accounts import (
    AddProfile,
    CompleteRegistration,
    Register,
    ReplaceProfile,
)
from gatehouse.actors.interaction_answers import (
    Abort,
    AnswerConsent,
    ConsumeResult,
    FinishRecovery,
    Submit,
)
from gatehouse.actors.interaction_mfa import ChooseMfa, OfferPasskey, TakePasskeyOffer
from gatehouse.actors.interaction_verifications import (
    AddVerification,
    AdvanceVerification,
    Identify,
)
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.second_factors import MfaChoices
from gatehouse.actors.verification import (
    Event,
    Identifier,
    IdentifierType,
    NewPassword,
    Profile,
    Record,
)
from gatehouse.engine.actor import Effect

NOW = 1_800_000_000_000
DIAGRAM = Path(__file__).parents[2] / "docs" / "diagrams" / "interaction.mmd"
PARAMS = AuthorizationRequest(client_id="app", redirect_uri="https://app.example/callback")
NAME = Identifier(IdentifierType.USERNAME, "ada")
PASSWORD = PasswordVerification(id="v-password", identifier=NAME, account="user-ada")
OTHER = PasswordVerification(id="v-other", identifier=NAME, account="user-bob")
NEW_IDENTITY = NewPasswordIdentity(
    id="v-new", identifier=NAME, password=NewPassword("digest", "Argon2id")
)
NEW_PROFILE = Profile(username="ada", password=NewPassword("digest", "Argon2id"))
ENTRY = (Effect("audit", b"entry"),)


class Keep:
    """A step that leaves a record as it is."""

    def advance(self, record: Record, now: int) -> tuple[Record, None]:
        return record, None


@dataclass
class Told:
    """An interaction that is told things one after the other, as the engine would."""

    state: Interaction | None = None
    now: int = NOW
    effects: list[Effect] = field(default_factory=list)

    def tell(self, *messages: object) -> object:
        reply = None
        for message in messages:
            turn = message.apply(self.state, self.now)  # type: ignore[attr-defined]
            self.state, reply = turn.state, turn.reply
            self.effects += turn.effects
        return reply

    @property
    def phase(self) -> Phase | None:
        return self.state.phase if self.state else None


def begun(prompt: Prompt = Prompt.LOGIN) -> Told:
    told = Told()
    told.tell(Begin("app", PARAMS, prompt))
    return told


def started(event: Event = Event.SIGN_IN) -> Told:
    told = begun()
    told.tell(Start(event))
    return told


def identified() -> Told:
    told = started()
    told.tell(AddVerification(PASSWORD), Identify("v-password", "user-ada"))
    return told


def registered() -> Told:
    told = started(Event.REGISTER)
    told.tell(
        AddVerification(NEW_IDENTITY),
        Register("new-1", NEW_PROFILE, "v-new"),
        CompleteRegistration("new-1"),
    )
    return told


def answered() -> Told:
    told = identified()
    told.tell(Submit("user-ada"))
    return told


def recovering() -> Told:
    told = identified()
    assert told.state is not None
    told.state = msgspec.structs.replace(told.state, event=Event.FORGOT_PASSWORD)
    return told


def refused(told: Told, message: object) -> Reason:
    with pytest.raises(Refused) as caught:
        told.tell(message)
    return caught.value.reason


# The table and the drawing


def drawn() -> set[tuple[str | None, str, str]]:
    arrow = re.compile(r"^\s*(\S+) --> (\S+) : (\w+)$", re.MULTILINE)
    ends = {"[*]": None}
    return {
        (ends.get(source, source), message, Phase.ENDED.value if target == "[*]" else target)
        for source, target, message in arrow.findall(DIAGRAM.read_text())
    }


def test_the_diagram_draws_the_transition_table() -> None:
    table = {(source and source.value, name, target.value) for source, name, target in TRANSITIONS}
    assert drawn() == table


MESSAGES = (
    Begin("app", PARAMS, Prompt.LOGIN),
    *(Start(event) for event in Event),
    *(SwitchEvent(event) for event in Event),
    *(AddVerification(record) for record in (PASSWORD, NEW_IDENTITY)),
    AdvanceVerification("v-password", Keep()),
    *(Identify("v-password", user) for user in ("user-ada", "user-bob")),
    Register("new-1", NEW_PROFILE, "v-new"),
    CompleteRegistration("new-1"),
    AddProfile(Profile(name="Ada")),
    ReplaceProfile(Profile(username="ada")),
    Abort(),
    PassCaptcha(),
    ChooseMfa("user-ada", MfaChoices(skipped=True)),
    OfferPasskey("challenge"),
    TakePasskeyOffer(),
    *(Submit(user) for user in ("user-ada", "new-1")),
    FinishRecovery("user-ada"),
    AnswerConsent(allow=True),
    Note(ENTRY),
    ConsumeResult(),
)


def states() -> list[Interaction | None]:
    """Everything that can be reached within a few messages, from every beginning."""
    found: list[Interaction | None] = [None]
    reserved = started(Event.REGISTER)
    reserved.tell(AddVerification(NEW_IDENTITY), Register("new-1", NEW_PROFILE, "v-new"))
    seeds = [begun(), begun(Prompt.CONSENT), identified(), registered(), answered()]
    seeds += [reserved, recovering()]
    frontier: list[Interaction | None] = [seed.state for seed in seeds]
    for _ in range(3):
        reached: list[Interaction | None] = []
        for state in frontier:
            if state in found:
                continue
            found.append(state)
            for message in MESSAGES:
                told = Told(state)
                try:
                    told.tell(message)
                except Refused:
                    continue
                reached.append(told.state)
        frontier = reached
    return found


def test_the_code_moves_exactly_as_the_table_says() -> None:
    moved = set()
    for state in states():
        before = state.phase if state else None
        for message in MESSAGES:
            told = Told(state)
            try:
                told.tell(message)
            except Refused:
                continue
            if before is Phase.ANSWERED or not isinstance(message, ConsumeResult):
                moved.add((before, type(message).__name__, told.phase or Phase.ENDED))
    assert moved == TRANSITIONS


# Beginning and ending


def test_an_interaction_lives_for_an_hour() -> None:
    told = begun()
    told.now += MAX_INTERACTION_AGE_MS - 1
    told.tell(Start(Event.SIGN_IN))
    told.now += 1
    assert refused(told, Start(Event.SIGN_IN)) is Reason.INTERACTION_GONE


def test_nothing_can_be_told_to_an_interaction_that_never_was() -> None:
    for message in MESSAGES[1:]:
        assert refused(Told(), message) is Reason.INTERACTION_GONE


def test_a_uid_is_never_used_twice() -> None:
    assert refused(begun(), MESSAGES[0]) is Reason.INTERACTION_GONE


def test_the_answer_is_consumed_once() -> None:
    told = answered()
    reply = told.tell(ConsumeResult())
    assert isinstance(reply, Interaction)
    assert isinstance(reply.result, LoginResult)
    assert (reply.result.user_id, reply.result.amr) == ("user-ada", ("pwd",))
    assert reply.result.auth_time == NOW
    assert told.state is None
    assert refused(told, ConsumeResult()) is Reason.INTERACTION_GONE


def test_there_is_nothing_to_consume_before_the_person_has_answered() -> None:
    told = identified()
    assert told.tell(ConsumeResult()) is None
    assert told.phase is Phase.IDENTIFIED


# Events


def test_nothing_can_be_verified_before_an_event_was_chosen() -> None:
    assert refused(begun(), AddVerification(PASSWORD)) is Reason.NOT_STARTED


def test_starting_again_forgets_everything() -> None:
    told = identified()
    told.tell(AddProfile(Profile(name="Ada")), Start(Event.REGISTER))
    fresh = started(Event.REGISTER)
    assert told.state == fresh.state


def test_switching_to_registration_keeps_verifications_and_drops_the_profile() -> None:
    told = started()
    told.tell(AddVerification(NEW_IDENTITY), AddProfile(Profile(name="Ada")))
    told.tell(SwitchEvent(Event.REGISTER))
    assert told.state is not None
    assert told.state.records == (NEW_IDENTITY,)
    assert told.state.profile == Profile()


@pytest.mark.parametrize("event", [Event.SIGN_IN, Event.REGISTER])
def test_recovery_is_a_road_of_its_own(event: Event) -> None:
    assert refused(started(event), SwitchEvent(Event.FORGOT_PASSWORD)) is (
        Reason.NOT_FOR_FORGOT_PASSWORD
    )
    assert refused(started(Event.FORGOT_PASSWORD), SwitchEvent(event)) is (
        Reason.NOT_FOR_FORGOT_PASSWORD
    )


# Identification


def test_a_newer_verification_replaces_the_same_factors_older_one() -> None:
    told = started()
    told.tell(AddVerification(PASSWORD), AddVerification(NEW_IDENTITY), AddVerification(OTHER))
    assert told.state is not None
    assert told.state.records == (NEW_IDENTITY, OTHER)
    assert refused(told, Identify("v-password", "user-ada")) is Reason.VERIFICATION_NOT_FOUND


def test_a_verification_identifies_only_its_own_account() -> None:
    told = started()
    told.tell(AddVerification(PASSWORD))
    assert refused(told, Identify("v-password", "user-bob")) is Reason.VERIFICATION_FAILED


def test_a_second_person_cannot_take_over_an_identified_interaction() -> None:
    told = identified()
    told.tell(AddVerification(OTHER))
    assert refused(told, Identify("v-other", "user-bob")) is Reason.IDENTITY_CONFLICT


def test_identifying_the_same_person_again_is_no_conflict() -> None:
    told = identified()
    told.tell(Identify("v-password", "user-ada"))
    assert told.phase is Phase.IDENTIFIED


def test_a_new_identity_identifies_nobody_who_exists() -> None:
    told = started()
    told.tell(AddVerification(NEW_IDENTITY))
    assert refused(told, Identify("v-new", "user-ada")) is Reason.VERIFICATION_FAILED


def test_a_password_does_not_recover_a_password() -> None:
    told = started(Event.FORGOT_PASSWORD)
    told.tell(AddVerification(PASSWORD))
    assert refused(told, Identify("v-password", "user-ada")) is Reason.CANNOT_RESET_PASSWORD


def test_identifying_is_not_for_registration() -> None:
    told = started(Event.REGISTER)
    told.tell(AddVerification(PASSWORD))
    assert refused(told, Identify("v-password", "user-ada")) is Reason.WRONG_EVENT


# Registration


def test_two_tabs_that_register_at_once_are_given_one_user() -> None:
    told = started(Event.REGISTER)
    told.tell(AddVerification(NEW_IDENTITY))
    first = told.tell(Register("new-1", NEW_PROFILE, "v-new"))
    second = told.tell(Register("new-2", NEW_PROFILE, "v-new"))
    assert first == second
    told.tell(CompleteRegistration("new-1"), CompleteRegistration("new-1"))
    assert told.state is not None
    assert told.state.user_id == "new-1"
    assert refused(told, CompleteRegistration("new-2")) is Reason.IDENTITY_CONFLICT


def test_repeating_a_finished_registration_finds_the_same_user() -> None:
    told = registered()
    again = told.tell(Register("new-9", NEW_PROFILE, "v-new"))
    assert again.user_id == "new-1"  # type: ignore[attr-defined]


def test_a_registered_person_cannot_register_another() -> None:
    told = registered()
    assert refused(told, Register("new-2", Profile())) is Reason.IDENTITY_CONFLICT


def test_another_name_after_a_taken_one_is_another_registration() -> None:
    told = started(Event.REGISTER)
    told.tell(AddVerification(NEW_IDENTITY), Register("new-1", NEW_PROFILE, "v-new"))
    free = msgspec.structs.replace(
        NEW_IDENTITY, id="v-free", identifier=Identifier(IdentifierType.USERNAME, "lovelace")
    )
    told.tell(AddVerification(free))
    wanted = NEW_PROFILE.merged(Profile(username="lovelace"))
    made = told.tell(Register("new-2", wanted, "v-free"))
    assert (made.user_id, made.profile) == ("new-2", wanted)  # type: ignore[attr-defined]
    assert refused(told, CompleteRegistration("new-1")) is Reason.IDENTITY_CONFLICT


def test_a_profile_that_changed_since_it_was_checked_is_not_registered() -> None:
    told = started(Event.REGISTER)
    told.tell(AddVerification(NEW_IDENTITY), AddProfile(Profile(name="Ada")))
    assert refused(told, Register("new-1", NEW_PROFILE, "v-new")) is Reason.VERIFICATION_FAILED


# Submission


def test_submitting_needs_somebody() -> None:
    assert refused(started(), Submit("user-ada")) is Reason.NOT_IDENTIFIED


def test_submitting_twice_changes_nothing_and_logs_once() -> None:
    told = identified()
    told.tell(Submit("user-ada", ENTRY))
    first = told.state
    told.now += 1000
    told.tell(Submit("user-ada", ENTRY))
    assert told.state is first
    assert len(told.effects) == 1


def test_only_the_identified_person_can_submit() -> None:
    assert refused(identified(), Submit("user-bob")) is Reason.IDENTITY_CONFLICT


def test_a_person_who_did_more_since_it_was_checked_has_not_submitted_that() -> None:
    told = identified()
    seen = told.state
    told.tell(AddVerification(OTHER))
    assert refused(told, Submit("user-ada", seen=seen)) is Reason.IDENTITY_CONFLICT
    told.tell(Submit("user-ada", seen=told.state))
    told.tell(Submit("user-ada", seen=seen))


def test_an_answer_is_not_changed_any_more() -> None:
    for message in (AddVerification(OTHER), SwitchEvent(Event.REGISTER), AddProfile(Profile())):
        assert refused(answered(), message) is Reason.WRONG_EVENT


def test_a_recovered_person_arrives_anew() -> None:
    told = recovering()
    told.tell(FinishRecovery("user-ada"))
    assert told.phase is Phase.ARRIVED


# Consent


def test_the_first_answer_to_consent_stands() -> None:
    told = begun(Prompt.CONSENT)
    told.tell(AnswerConsent(allow=False), AnswerConsent(allow=True))
    assert told.state is not None
    assert told.state.result == Denial()


def test_a_login_question_is_not_answered_with_consent() -> None:
    assert refused(identified(), AnswerConsent(allow=True)) is Reason.WRONG_EVENT
    assert refused(begun(Prompt.CONSENT), Start(Event.SIGN_IN)) is Reason.WRONG_EVENT


# Storage


@pytest.mark.parametrize("make", [begun, started, identified, registered, answered])
def test_a_state_survives_storage(make: object) -> None:
    told: Told = make()  # type: ignore[operator]
    packed = msgspec.msgpack.encode(told.state)
    assert msgspec.msgpack.decode(packed, type=Interaction) == told.state
