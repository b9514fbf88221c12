"""Threads may use any type from the start, and a process that did ends well."""

from __future__ import annotations

import subprocess
import sys

USED_AT_ONCE = """
import enum, msgspec, sys, threading
from typing import Annotated
from gatehouse.ops.struct_types import prepare_types

sys.setswitchinterval(1e-6)
Word = Annotated[str, msgspec.Meta(max_length=9, pattern="^v")]
kinds = []
for number in range(200):
    words = enum.Enum(f"Words{number}", {f"m{i}": f"v{i}" for i in range(20)})
    fields = [("a", words), ("b", Word), ("c", words | None, None)]
    kinds.append(msgspec.defstruct(f"Struct{number}", fields))
prepare_types()
together = threading.Barrier(8)

def use():
    for kind in kinds:
        together.wait()
        assert msgspec.convert({"a": "v3", "b": "v"}, kind).a.name == "m3"

threads = [threading.Thread(target=use) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def test_threads_may_use_a_type_for_the_first_time_at_once() -> None:
    command = [sys.executable, "-c", USED_AT_ONCE]
    done = subprocess.run(command, check=False, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
