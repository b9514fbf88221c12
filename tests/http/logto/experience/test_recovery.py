"""Choosing a new password in place of a forgotten one, once somebody was identified for it."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from gatehouse.actors.interaction import Interaction, Phase, address
from gatehouse.engine.actor import Turn
from tests.http.logto.experience.browsing import Browser, credentials
from tests.http.logto.experience.house import PASSWORD, TENANT, House

NEW_PASSWORD = "another-wombat-7"


@dataclass(frozen=True)
class Recognize:
    """What a factor that recovers passwords does at the end: say who it is."""

    user_id: str

    def apply(self, state: Interaction | None, now: int, /) -> Turn[Interaction, None]:
        assert state is not None
        known = msgspec.structs.replace(state, user_id=self.user_id)
        return Turn(known, None, expires_at=state.expires_at)


async def recovering(house: House, user_id: str) -> Browser:
    browser = await (await house.browser()).start("ForgotPassword")
    await house.core.engine.turn(address(TENANT, browser.uid), Recognize(user_id))
    return browser


async def test_a_forgotten_password_is_replaced(house: House) -> None:
    user = await house.add_user("ada")
    browser = await recovering(house, user.id)
    await browser("ResetUserPassword", json={"password": NEW_PASSWORD}, expect=204)
    assert (await house.user(user.id)).password_hash == user.password_hash
    answer = await house.client.post("/api/experience/submit", headers=browser.headers)
    assert answer.status_code == 200
    assert "redirectTo" not in answer.text
    changed = await house.user(user.id)
    assert changed.tokens_valid_after > user.tokens_valid_after
    assert (await browser.state()).phase is Phase.ARRIVED
    await browser.sign_in("ada", NEW_PASSWORD)
    other = await (await house.browser()).start()
    refusal = await other.refused("CreatePasswordVerification", credentials("ada", PASSWORD))
    assert refusal == (422, "session.invalid_credentials")


async def test_recovery_needs_a_new_password(house: House) -> None:
    user = await house.add_user("ada")
    browser = await recovering(house, user.id)
    expected = (422, "user.new_password_required_in_profile")
    assert await browser.refused("SubmitInteraction") == expected


async def test_the_new_password_is_another_and_a_good_one(house: House) -> None:
    user = await house.add_user("ada")
    browser = await recovering(house, user.id)
    for password, code in ((PASSWORD, "user.same_password"), ("short", "password.rejected")):
        refusal = await browser.refused("ResetUserPassword", {"password": password})
        assert refusal == (422, code)
