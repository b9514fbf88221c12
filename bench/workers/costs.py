"""What cannot be avoided: the processor time of a signature, and of a password hash."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from gatehouse.actors.hashing import hash_now, verify_now

LENGTH = 400  # bytes: the signing input of an access token


def signature() -> Callable[[], object]:
    """An ES384 signature (RFC 7518 section 3.4)."""
    key = ec.generate_private_key(ec.SECP384R1())
    return lambda: key.sign(b"x" * LENGTH, ec.ECDSA(hashes.SHA384()))


def password() -> Callable[[], object]:
    """Verifying a password as the server does."""
    stored = hash_now("correct-Horse-7-battery")
    return lambda: verify_now(stored, "correct-Horse-7-battery")


def main(what: str, seconds: float) -> None:
    """Print the cost in microseconds."""
    work = {"signature": signature, "hash": password}[what]()
    work()
    count = 0
    began = time.process_time()
    while (used := time.process_time() - began) < seconds:
        work()
        count += 1
    print(json.dumps({"us": used / count * 1e6}))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
