"""Second factors on the account pages: named, and replaced as a whole or not at all."""

from __future__ import annotations

import re

from gatehouse.storage.mfa import BackupCode, MfaVerification, MfaVerifications, backup_codes_json
from tests.http.logto.account.people import PASSWORD, open_account_centre
from tests.http.pages.test_account import Visitor, visitor
from tests.http.running import TENANT, Server

__all__ = ["visitor"]

OLD_CODES = backup_codes_json([BackupCode("0123456789")])


async def give(server: Server, visitor: Visitor, factor: MfaVerification) -> MfaVerification:
    """Give somebody a factor, and let them show that it is them."""
    manager = server.api(await server.management_token())
    mfa = {"factors": ["Totp", "WebAuthn", "BackupCode"], "policy": "UserControlled"}
    await manager("UpdateSignInExp", json={"mfa": mfa})
    await visitor.post("/verify", then="/account/factors", password=PASSWORD)
    return await server.core.db.write(lambda tx: MfaVerifications(tx, TENANT).add(factor))


async def factors(server: Server, visitor: Visitor) -> list[MfaVerification]:
    return await server.core.db.read(lambda tx: MfaVerifications(tx, TENANT).of(visitor.user_id))


def passkey(visitor: Visitor) -> MfaVerification:
    detail = {"publicKey": "a2V5", "rpId": "localhost", "transports": [], "synced": True}
    return MfaVerification(
        user_id=visitor.user_id, type="WebAuthn", credential_id="Y3JlZA", detail=detail
    )


async def test_a_passkey_is_given_a_name(server: Server, visitor: Visitor) -> None:
    key = await give(server, visitor, passkey(visitor))
    page = f"/factors/passkey/{key.id}"
    assert f"/account{page}" in (await visitor.get("/factors")).text
    assert (await visitor.get(page)).status_code == 200
    assert (await visitor.post(page, name="  ")).status_code == 200
    assert (await visitor.post(page, name=" Ada's phone ")).status_code == 303
    assert [factor.name for factor in await factors(server, visitor)] == ["Ada's phone"]
    assert "Ada&#39;s phone" in (await visitor.get("/factors")).text
    await open_account_centre(server, passkey="ReadOnly")
    assert (await visitor.post(page, name="Mine")).status_code == 400
    assert page not in (await visitor.get("/factors")).text


async def test_only_ones_own_passkeys_are_named_and_only_by_who_showed_it(
    server: Server, visitor: Visitor
) -> None:
    totp = MfaVerification(user_id=visitor.user_id, type="Totp", secret="JBSWY3DPEHPK3PXP")
    app = await give(server, visitor, totp)
    for factor_id in (app.id, "unknown"):
        page = f"/factors/passkey/{factor_id}"
        assert (await visitor.get(page)).status_code == 400
        assert (await visitor.post(page, name="Mine")).status_code == 400
    del visitor.cookies["_account_verification"]
    page = f"/factors/passkey/{app.id}"
    assert (await visitor.post(page, name="Mine")).headers["location"].startswith("/account/verify")
    assert [factor.name for factor in await factors(server, visitor)] == [None]


async def test_new_backup_codes_take_the_place_of_the_old_or_leave_them(
    server: Server, visitor: Visitor
) -> None:
    codes = MfaVerification(user_id=visitor.user_id, type="BackupCode", secret=OLD_CODES)
    await give(server, visitor, codes)
    refused = await visitor.post("/factors/backup-codes")
    assert refused.status_code == 400
    assert [factor.secret for factor in await factors(server, visitor)] == [OLD_CODES]
    await give(server, visitor, passkey(visitor))
    shown = await visitor.post("/factors/backup-codes")
    made = re.findall(r"<code>([0-9a-f]{10})</code>", shown.text)
    kept = {factor.type: factor for factor in await factors(server, visitor)}
    assert [one.code for one in kept["BackupCode"].codes] == made
    assert len(made) == 10
    assert len(kept) == 2
