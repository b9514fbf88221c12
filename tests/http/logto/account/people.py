"""People who act on their own accounts, through an application they signed in to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import trio

from gatehouse.actors import family
from gatehouse.actors.audit import Origin
from gatehouse.actors.authorization import AuthorizationRequest, ConsentResult, LoginResult
from gatehouse.actors.family import CODE_AGE_MS, AccessWish, Granted, RedeemCode, RefreshPolicy
from gatehouse.actors.hashing import hash_now
from gatehouse.actors.sign_on import open_family, sign_in
from gatehouse.actors.tokens import Purpose
from gatehouse.storage.applications import Applications
from gatehouse.storage.audit import Messages
from gatehouse.storage.records import Application, OidcClientMetadata, User
from gatehouse.storage.users import Users
from tests.http.contract import Api
from tests.http.running import DEMO_APP, TENANT, Server

PASSWORD = "wombat-9-hill"
DIGEST = hash_now(PASSWORD)
SCOPES = (
    *("openid", "offline_access", "profile", "email", "phone", "address"),
    *("custom_data", "identities", "urn:logto:scope:sessions"),
)
FIELDS = (
    *("name", "avatar", "profile", "email", "phone", "password"),
    *("username", "social", "customData", "mfa", "passkey", "session"),
)
ORIGIN = Origin("203.0.113.9", "Test/1.0", DEMO_APP)
THIRD_PARTY = "third-party-app"


@dataclass
class Person:
    """Somebody with an account who is signed in to an application."""

    api: Api
    user_id: str
    session_id: str
    access_token: str
    refresh_token: str

    async def verified(self, password: str = PASSWORD) -> dict[str, str]:
        """The header that shows that it is really them."""
        made = await self.api("CreateVerificationByPassword", json={"password": password})
        return {"logto-verification-id": made["verificationRecordId"]}


async def open_account_centre(server: Server, control: str = "Edit", **fields: str) -> None:
    """Let people do this with every field, save those that are named."""
    manager = server.api(await server.management_token())
    controls = dict.fromkeys(FIELDS, control) | fields
    await manager("UpdateAccountCenterSettings", json={"enabled": True, "fields": controls})


async def add_user(server: Server, username: str | None = "ada", **fields: Any) -> User:
    """A user with the password, unless the fields say otherwise."""
    fields = {"password_hash": DIGEST.digest, "password_algorithm": DIGEST.algorithm, **fields}
    user = User(username=username, **fields)
    return await server.core.db.write(lambda tx: Users(tx, TENANT).create(user))


async def stored(server: Server, user_id: str) -> User:
    """The user as the database has them."""
    return await server.core.db.read(lambda tx: Users(tx, TENANT).get(user_id))


async def code_to(server: Server, recipient: str, at_least: int = 1) -> str:
    """The code of the newest message to somebody, once there are so many."""
    with trio.fail_after(30):
        while True:
            kept = await server.core.db.read(lambda tx: Messages(tx, TENANT).search(100).items)
            theirs = [message for message in kept if message.recipient == recipient]
            if len(theirs) >= at_least:
                newest = max(theirs, key=lambda message: message.created_at)
                return str(newest.payload["code"])
            await trio.sleep(0.01)


async def verify_address(
    server: Server, person: Person, kind: str, value: str, at_least: int = 1
) -> str:
    """Show that an address is the person's; the verification's id."""
    identifier = {"type": kind, "value": value}
    begun = await person.api(
        "CreateVerificationByVerificationCode", json={"identifier": identifier}
    )
    given = {
        "identifier": identifier,
        "verificationId": begun["verificationRecordId"],
        "code": await code_to(server, value, at_least),
    }
    passed = await person.api("VerifyVerificationByVerificationCode", json=given)
    return str(passed["verificationRecordId"])


async def add_third_party(server: Server) -> None:
    """An application of somebody else's."""
    application = Application(
        id=THIRD_PARTY,
        name="Third party",
        type="Traditional",
        is_third_party=True,
        oidc_client_metadata=OidcClientMetadata(redirect_uris=["https://app.example/callback"]),
    )
    await server.core.db.write(lambda tx: Applications(tx, TENANT).create(application))


async def authorize(
    server: Server,
    user: User,
    scopes: tuple[str, ...] = SCOPES,
    client: str = DEMO_APP,
    session_id: str | None = None,
) -> tuple[str, str]:
    """Sign in at a browser and let the application have the scopes; the session and the family."""
    core = server.core
    login = LoginResult(user_id=user.id, amr=("pwd",), auth_time=core.clock())
    presence = await sign_in(core, session_id, login)
    request = AuthorizationRequest(client_id=client, redirect_uri="", scopes=scopes)
    consent = ConsentResult(scopes=scopes)
    session_id = presence.session_id
    return session_id, await open_family(
        core, session_id, request, consent, CODE_AGE_MS, origin=ORIGIN
    )


async def person(
    server: Server,
    user: User,
    *scopes: str,
    client: str = DEMO_APP,
    session_id: str | None = None,
) -> Person:
    """Somebody who signed in at a browser and let the application have the scopes."""
    core = server.core
    session_id, family_id = await authorize(server, user, scopes or SCOPES, client, session_id)
    policy = RefreshPolicy(ttl=86_400_000, rotate=True, extend=True)
    redeem = RedeemCode(client, None, None, policy, AccessWish(3_600_000))
    redeemed = await core.engine.turn(family.address(TENANT, family_id), redeem)
    assert isinstance(redeemed, Granted)
    encode = core.tokens.encode
    access = encode(Purpose.ACCESS_TOKEN, family_id, redeemed.access_number)
    refresh = encode(Purpose.REFRESH_TOKEN, family_id, redeemed.refresh_number)
    return Person(server.api(access), user.id, session_id, access, refresh)
