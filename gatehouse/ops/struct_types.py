"""Two faults of msgspec (0.22) by which a process would end with a segmentation fault.

It looks at a type when the type is first used, and a second thread that uses it meanwhile finds it
half looked at. And when Python takes everything apart at the end, it trips over types with bounds
(`msgspec.Meta`).
"""

from __future__ import annotations

import atexit
import gc
from collections.abc import Iterator

import msgspec


def prepare_types() -> None:
    """Have msgspec look at every struct that is defined, and have none taken apart at the end.

    To be called while there is one thread.
    """
    for kind in _beneath(msgspec.Struct):
        msgspec.json.Decoder(kind)
    atexit.register(gc.freeze)


def _beneath(base: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    for kind in base.__subclasses__():
        yield kind
        yield from _beneath(kind)
