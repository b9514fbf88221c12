"""Hashes are argon2id, computed elsewhere, bounded; imported ones verify; nobody is as slow as
somebody."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import threading

import bcrypt
import pytest
import trio
import trio.testing
from argon2.low_level import Type, hash_secret
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from gatehouse.actors import hashing
from gatehouse.actors.hashing import (
    HashObserver,
    PasswordHasher,
    StoredPassword,
    hash_now,
    is_current,
    verify_now,
)
from gatehouse.engine.errors import Overloaded

SECRET = "correct horse battery staple"


def argon2(variant: Type, **costs: int) -> str:
    chosen = {"time_cost": 1, "memory_cost": 64, "parallelism": 1, "hash_len": 32, **costs}
    return hash_secret(SECRET.encode(), b"saltsaltsaltsalt", type=variant, **chosen).decode()


def legacy(*expression: object) -> str:
    return json.dumps(expression)


FIREBASE_SALT = "42xEC-ixf3L2lw"  # the URL-safe alphabet, as Firebase's Admin SDK writes it
SIGNER_KEY = base64.b64encode(bytes(range(64))).decode()


def _firebase() -> str:
    salt = base64.urlsafe_b64decode(FIREBASE_SALT + "==") + b"\x07"
    key = hashlib.scrypt(SECRET.encode(), salt=salt, n=2**14, r=8, p=1, maxmem=2**26, dklen=32)
    cipher = Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor()
    return base64.b64encode(cipher.update(bytes(range(64))) + cipher.finalize()).decode()


FIREBASE = _firebase()

IMPORTED = {
    "argon2i": StoredPassword(argon2(Type.I), "Argon2i"),
    "argon2d": StoredPassword(argon2(Type.D), "Argon2d"),
    "argon2id": StoredPassword(argon2(Type.ID), "Argon2id"),
    "md5": StoredPassword(hashlib.md5(SECRET.encode()).hexdigest(), "MD5"),
    "sha1": StoredPassword(hashlib.sha1(SECRET.encode()).hexdigest(), "SHA1"),
    "sha256": StoredPassword(hashlib.sha256(SECRET.encode()).hexdigest().upper(), "SHA256"),
    "salted": StoredPassword(
        legacy("sha512", ["salt", "@"], hashlib.sha512(f"salt{SECRET}".encode()).hexdigest()),
        "Legacy",
    ),
    "pbkdf2": StoredPassword(
        legacy(
            "pbkdf2",
            ["hex:73616c74", "1000", "20", "sha256", "@"],
            hashlib.pbkdf2_hmac("sha256", SECRET.encode(), b"salt", 1000, 20).hex(),
        ),
        "Legacy",
    ),
    "pbkdf2Sync": StoredPassword(
        legacy(
            "pbkdf2Sync",
            ["salt", "1000", "64", "SHA-512", "@"],
            hashlib.pbkdf2_hmac("sha512", SECRET.encode(), b"salt", 1000, 64).hex().upper(),
        ),
        "Legacy",
    ),
    "firebase": StoredPassword(
        legacy("firebase-scrypt", [FIREBASE_SALT, SIGNER_KEY, "Bw==", "8", "14", "@"], FIREBASE),
        "Legacy",
    ),
}

UNREADABLE = [
    StoredPassword("", "Argon2id"),
    StoredPassword("$argon2id$v=19$m=1,t=0,p=0$x$y", "Argon2id"),
    StoredPassword("not hex", "MD5"),
    StoredPassword(SECRET, "Plain"),
    StoredPassword("[]", "Legacy"),
    StoredPassword("{", "Legacy"),
    StoredPassword(legacy("sha256", ["no password"], "00"), "Legacy"),
    StoredPassword(legacy("no such digest", ["@"], "00"), "Legacy"),
    StoredPassword(legacy("pbkdf2", ["salt", "@"], "00"), "Legacy"),
    StoredPassword(legacy("pbkdf2", ["salt", "999999999", "20", "sha256", "@"], "00"), "Legacy"),
    StoredPassword(
        legacy("firebase-scrypt", ["c2FsdA==", "a2V5", "Bw==", "8", "30", "@"], "00"), "Legacy"
    ),
    StoredPassword(legacy("firebase-scrypt", ["c2FsdA==", "@"], "00"), "Legacy"),
    StoredPassword("$2b$99$x", "Bcrypt"),
    StoredPassword("nothing", "Bcrypt"),
]


def test_a_new_hash_is_argon2id_with_the_stated_costs() -> None:
    stored = hash_now(SECRET)
    assert stored.algorithm == "Argon2id"
    assert stored.digest.startswith("$argon2id$v=19$m=9216,t=4,p=1$")
    assert is_current(stored)
    assert verify_now(stored, SECRET)
    assert not verify_now(stored, SECRET + "!")
    assert hash_now(SECRET).digest != stored.digest


@pytest.mark.parametrize("name", IMPORTED)
def test_an_imported_hash_verifies_and_is_due_for_replacement(name: str) -> None:
    stored = IMPORTED[name]
    assert verify_now(stored, SECRET)
    assert not verify_now(stored, "wrong")
    assert not is_current(stored)


def test_firebases_published_example_verifies() -> None:
    signer_key = (
        "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA=="
    )
    digest = (
        "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ=="
    )
    arguments = ["42xEC+ixf3L2lw==", signer_key, "Bw==", "8", "14", "@"]
    stored = StoredPassword(legacy("firebase-scrypt", arguments, digest), "Legacy")
    assert verify_now(stored, "user1password")
    assert not verify_now(stored, "user1passwore")


def test_a_bcrypt_hash_verifies() -> None:
    digest = bcrypt.hashpw(SECRET.encode(), bcrypt.gensalt(4)).decode()
    assert verify_now(StoredPassword(digest, "Bcrypt"), SECRET)
    assert not verify_now(StoredPassword(digest, "Bcrypt"), "wrong")


@pytest.mark.parametrize("stored", UNREADABLE, ids=range(len(UNREADABLE)))
def test_what_cannot_be_read_matches_nothing(stored: StoredPassword) -> None:
    assert not verify_now(stored, SECRET)


async def test_hashing_runs_on_threads_of_lower_priority() -> None:
    hasher = PasswordHasher(1)
    own = os.getpriority(os.PRIO_PROCESS, 0)

    def look() -> tuple[str, int]:
        thread = threading.get_native_id()
        return threading.current_thread().name, os.getpriority(os.PRIO_PROCESS, thread)

    name, priority = await hasher._run(look)
    assert name.startswith("hash-")
    assert priority == min(own + hashing.LOWER_PRIORITY, 19)
    assert os.getpriority(os.PRIO_PROCESS, 0) == own


class Counts(HashObserver):
    def __init__(self) -> None:
        self.verified: list[str] = []
        self.deepest = 0
        self.finished = 0
        self.refused = 0

    def hash_queue(self, waiting: int) -> None:
        self.deepest = max(self.deepest, waiting)

    def hash_finished(self, seconds: float) -> None:
        assert seconds > 0
        self.finished += 1

    def hash_refused(self) -> None:
        self.refused += 1


async def test_what_does_not_fit_the_queue_is_refused_at_once() -> None:
    counts = Counts()
    hasher = PasswordHasher(1, max_queued=2, observer=counts)
    gate = threading.Event()

    async with trio.open_nursery() as nursery:
        for _ in range(2):
            nursery.start_soon(hasher._run, gate.wait)
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(Overloaded) as refused:
            await hasher.verify(None, SECRET)
        assert refused.value.retry_after > 0
        gate.set()
    assert (counts.deepest, counts.finished, counts.refused) == (2, 2, 1)
    assert not await hasher.verify(None, SECRET)


async def test_a_hash_nobody_waits_for_is_not_computed() -> None:
    hasher = PasswordHasher(1)
    gate, computed = threading.Event(), []

    async with trio.open_nursery() as nursery:
        nursery.start_soon(hasher._run, gate.wait)
        await trio.testing.wait_all_tasks_blocked()
        with trio.move_on_after(0) as scope:
            await hasher._run(lambda: computed.append(1))
        assert scope.cancelled_caught
        gate.set()
    assert not await hasher.verify(None, SECRET)
    assert computed == []


async def test_an_error_of_the_work_is_raised_where_it_was_asked_for() -> None:
    def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await PasswordHasher(1)._run(fail)


@pytest.mark.parametrize(
    ("stored", "argon2_runs"),
    [
        (None, 1),
        (IMPORTED["md5"], 1),
        (IMPORTED["salted"], 1),
        (StoredPassword("nonsense", "Argon2id"), 1),
        (hash_now("another"), 1),
    ],
    ids=["nobody", "md5", "legacy", "nonsense", "current"],
)
async def test_every_answer_costs_one_hash_of_ours(
    stored: StoredPassword | None, argon2_runs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasher = PasswordHasher(1)
    runs = []
    verify = hashing.verify_secret

    def counting(digest: bytes, *rest: object) -> bool:
        if digest.startswith(hashing._ARGON2_PREFIX.encode()):
            runs.append(digest)
        return verify(digest, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(hashing, "verify_secret", counting)
    assert not await hasher.verify(stored, "wrong")
    assert len(runs) == argon2_runs


async def test_an_endless_password_is_wrong_without_being_hashed() -> None:
    counts = Counts()
    hasher = PasswordHasher(1, observer=counts)
    assert not await hasher.verify(None, "x" * (hashing.MAX_PASSWORD_LENGTH + 1))
    assert counts.finished == 0
