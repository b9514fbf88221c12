"""Webhooks hear of sign-ins, registrations and recoveries, if and only if they came about."""

from __future__ import annotations

from dataclasses import replace

from gatehouse.actors.outbound import Outbound
from gatehouse.actors.webhooks import handle_webhooks
from gatehouse.storage.hooks import Hooks
from gatehouse.storage.records import Hook
from tests.http.logto.experience.browsing import credentials
from tests.http.logto.experience.house import PASSWORD, TENANT, House
from tests.http.logto.experience.proving import ADA, send
from tests.http.logto.experience.test_recovery import NEW_PASSWORD, recovering
from tests.http.logto.experience.test_registration import new_identity
from tests.servers.receiver import Receiver, open_receiver


async def listen(house: House, receiver: Receiver, *events: str) -> None:
    """Have the house post these events to the receiver."""
    for node in house.nodes:
        handle_webhooks(replace(node.core, outbound=Outbound(allow_private=True)))
    hook = Hook(events=list(events), config={"url": receiver.url}, signing_key="k")
    await house.core.db.write(lambda tx: Hooks(tx, TENANT).create(hook))
    for node in house.nodes:
        node.core.directory.forget()


async def test_a_sign_in_is_told_with_who_and_where(house: House) -> None:
    user = await house.add_user("ada")
    async with open_receiver() as receiver:
        await listen(house, receiver, "PostSignIn")
        browser = await (await house.browser()).start()
        await browser.refused("CreatePasswordVerification", credentials("ada", "wrong-one"))
        await (await house.browser()).sign_in("ada", PASSWORD)
        told = (await receiver.next()).json
        assert await receiver.silent(0.5)
    assert told["event"] == "PostSignIn"
    assert told["interactionEvent"] == "SignIn"
    assert told["userId"] == told["user"]["id"] == user.id
    assert told["user"]["username"] == "ada"
    assert told["user"]["lastSignInAt"] is not None
    assert not any("password" in name.lower() for name in told["user"])
    assert told["application"]["id"] == "demo-app"
    assert told["userIp"] == "127.0.0.1"
    assert told["userAgent"] == "Test/1.0"
    assert told["sessionId"]


async def test_a_registration_is_told(house: House) -> None:
    async with open_receiver() as receiver:
        await listen(house, receiver, "PostRegister", "PostSignIn")
        browser = await (await house.browser()).start("Register")
        await browser.identify(await new_identity(browser, "bob"), expect=201)
        await browser.submit()
        told = (await receiver.next()).json
        assert await receiver.silent(0.5)
    assert (told["event"], told["user"]["username"]) == ("PostRegister", "bob")


async def test_a_recovery_is_told(house: House) -> None:
    user = await house.add_user("ada")
    async with open_receiver() as receiver:
        await listen(house, receiver, "PostResetPassword")
        browser = await recovering(house, user.id)
        await browser("ResetUserPassword", json={"password": NEW_PASSWORD}, expect=204)
        answer = await house.client.post("/api/experience/submit", headers=browser.headers)
        assert answer.status_code == 200
        told = (await receiver.next()).json
    assert (told["event"], told["userId"]) == ("PostResetPassword", user.id)


async def test_whoever_is_not_asked_for_is_not_told(house: House) -> None:
    await house.add_user("ada")
    async with open_receiver() as receiver:
        await listen(house, receiver, "PostResetPassword")
        await (await house.browser()).sign_in("ada", PASSWORD)
        assert await receiver.silent(0.5)


async def test_a_lock_is_told_with_whose_name_and_where(house: House) -> None:
    await house.settle(sentinel_policy={"maxAttempts": 2, "lockoutDuration": 5})
    async with open_receiver() as receiver:
        await listen(house, receiver, "Identifier.Lockout")
        browser = await (await house.browser()).start()
        for _ in range(2):
            await browser.refused("CreatePasswordVerification", credentials("ada", "wrong"))
        told = (await receiver.next()).json
        assert await receiver.silent(0.5)
    assert told["event"] == "Identifier.Lockout"
    assert (told["type"], told["value"]) == ("username", "ada")
    assert (told["ip"], told["userAgent"]) == ("127.0.0.1", "Test/1.0")
    assert told["application"]["id"] == "demo-app"


async def test_too_many_messages_to_one_address_are_told(house: House) -> None:
    body = {"identifier": ADA, "interactionEvent": "SignIn"}
    async with open_receiver() as receiver:
        await listen(house, receiver, "Message.RateLimited")
        browser = await (await house.browser()).start()
        for _ in range(10):
            await send(browser)
        await browser.refused("CreateAndSendVerificationCode", body)
        told = (await receiver.next()).json
        assert await receiver.silent(0.5)
    assert told["event"] == "Message.RateLimited"
    assert (told["action"], told["recipient"]) == ("VerificationCodeSend", ADA["value"])
