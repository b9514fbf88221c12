"""What a token cannot do without: the processor time of an ES384 signature. Prints JSON."""

from __future__ import annotations

import json
import sys
import time

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

SIGNED = b"x" * 400
"""As long as the header and claims of an access token."""


def main(seconds: float) -> None:
    """Sign for so long, and print the cost in microseconds."""
    key = ec.generate_private_key(ec.SECP384R1())
    count = 0
    began = time.process_time()
    while (used := time.process_time() - began) < seconds:
        key.sign(SIGNED, ec.ECDSA(hashes.SHA384()))
        count += 1
    print(json.dumps({"us": used / count * 1e6}))


if __name__ == "__main__":
    main(float(sys.argv[1]))
