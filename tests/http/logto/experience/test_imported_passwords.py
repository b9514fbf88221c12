"""Digests of other systems: imported by the Management API, good for signing in, then replaced."""

from __future__ import annotations

import bcrypt
import pytest

from gatehouse.actors.hashing import StoredPassword
from gatehouse.storage.users import Users
from tests.actors.test_hashing import IMPORTED, SECRET, legacy
from tests.http.contract import Api
from tests.http.logto.experience.browsing import credentials
from tests.http.logto.experience.house import TENANT, House
from tests.http.running import BOTH_DATABASES

BCRYPT = StoredPassword(bcrypt.hashpw(SECRET.encode(), bcrypt.gensalt(4)).decode(), "Bcrypt")
EVERY = {**IMPORTED, "bcrypt": BCRYPT}


@pytest.mark.parametrize("name", EVERY)
async def test_an_imported_password_signs_in_and_is_hashed_anew(house: House, name: str) -> None:
    stored = EVERY[name]
    user = await house.add_user(
        "ada", password=None, password_hash=stored.digest, password_algorithm=stored.algorithm
    )
    browser = await (await house.browser()).start()
    wrong = await browser.refused("CreatePasswordVerification", credentials("ada", "wrong"))
    assert wrong == (422, "session.invalid_credentials")
    assert (await house.user(user.id)).password_hash == stored.digest
    for _ in range(2):
        await (await house.browser()).sign_in("ada", SECRET)
        known = await house.user(user.id)
        assert known.password_algorithm == "Argon2id"
        assert str(known.password_hash).startswith("$argon2id$v=19$m=9216,t=4,p=1$")


def test_every_algorithm_of_the_contract_is_tried() -> None:
    tried = {stored.algorithm for stored in EVERY.values()}
    assert tried == {
        "Argon2i",
        "Argon2id",
        "Argon2d",
        "SHA1",
        "SHA256",
        "MD5",
        "Bcrypt",
        "Legacy",
    }


@BOTH_DATABASES
async def test_users_are_imported_with_their_digests(api: Api, server: object) -> None:
    for number, (name, stored) in enumerate(EVERY.items()):
        body = {
            "username": f"user_{number}",
            "passwordDigest": stored.digest,
            "passwordAlgorithm": stored.algorithm,
        }
        made = await api("CreateUser", json=body)
        assert made["hasPassword"], name

    def digests(tx: object) -> list[str | None]:
        found = Users(tx, TENANT).search(limit=100).items  # type: ignore[arg-type]
        return [user.password_hash for user in found if (user.username or "").startswith("user_")]

    kept = await server.core.db.read(digests)  # type: ignore[attr-defined]
    assert sorted(kept) == sorted(stored.digest for stored in EVERY.values())


@pytest.mark.parametrize(
    ("digest", "algorithm", "code"),
    [
        ("{", "Legacy", "password.invalid_legacy_password_format"),
        (
            legacy("sha256", ["salt"], "00"),
            "Legacy",
            "password.invalid_legacy_password_format",
        ),
        (
            legacy("sha0", ["@"], "00"),
            "Legacy",
            "password.unsupported_legacy_hash_algorithm",
        ),
        (
            legacy("pbkdf2", ["hex:7", "1000", "20", "sha256", "@"], "00"),
            "Legacy",
            "password.invalid_legacy_password_format",
        ),
        (
            legacy("pbkdf2", ["salt", "1000000000", "20", "sha256", "@"], "00"),
            "Legacy",
            "password.invalid_legacy_password_format",
        ),
        (
            legacy("firebase-scrypt", ["c2FsdA==", "a2V5", "Bw==", "8", "30", "@"], "00"),
            "Legacy",
            "password.invalid_legacy_password_format",
        ),
        ("x", "Scrypt", "guard.invalid_input"),
        ("x" * 1025, "MD5", "guard.invalid_input"),
    ],
)
async def test_a_digest_that_could_never_verify_is_not_imported(
    api: Api, digest: str, algorithm: str, code: str
) -> None:
    body = {"username": "ada", "passwordDigest": digest, "passwordAlgorithm": algorithm}
    refused = await api("CreateUser", json=body, expect=400)
    assert refused["code"] == code
    assert await api("ListUsers", query={"search.username": "ada"}) == []
