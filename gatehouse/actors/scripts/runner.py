"""Runs scripts: in processes beside the server, few of them, and for a moment only.

A script is somebody's program. It gets a process that has nothing (`sandbox.py`), a moment of
processor time and some memory; one that takes longer is killed together with its process, from
outside, so that no trick within can prevent it. The event loop only waits for pipes. A process is
used again by later scripts, each of which begins in a context of its own.
"""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trio

CPU_SECONDS = 1.0
"""Processor time of a run: claims are looked up and put together, nothing is computed."""

WALL_SECONDS = 5.0
"""How long a run may take in all, with its wait for a process; Logto allows the same."""

MEMORY_BYTES = 64 * 1024 * 1024
"""What a script may allocate."""

MAX_PROCESSES = 2
"""Processes of one server process; whoever comes when all are busy waits, within `WALL_SECONDS`."""

MAX_ANSWER_BYTES = 256 * 1024
"""What a script may return."""

MAX_MESSAGE = 1000
"""Characters of what a script says when it fails."""

RUNS_PER_PROCESS = 1000
"""After so many runs a process is replaced, whatever it may have leaked."""

_LENGTH = struct.Struct(">I")
_TOO_SLOW = "The script took too long."
_TOO_LARGE = "The script needs more memory than it may have."
_LIMITS = {"timeout": _TOO_SLOW, "memory": _TOO_LARGE}
_PROGRAM = Path(__file__).with_name("sandbox.py")


class ScriptFailed(Exception):  # noqa: N818 - it reads as what happened
    """A script did not get to its end.

    `kind` is `denied` (the script said no), `timeout`, `memory`, `syntax`, `type` (there is no
    such function, or no JSON came out) or `runtime`. The message is for who wrote the script.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message


@dataclass(frozen=True, slots=True)
class Returned:
    """What a script returned, as JSON; `present` is False for `undefined`."""

    value: Any
    present: bool = True


class ScriptRunner:
    """Runs scripts in this process's sandboxes, which are started when they are needed."""

    def __init__(
        self, *, cpu_seconds: float = CPU_SECONDS, wall_seconds: float = WALL_SECONDS
    ) -> None:
        self._cpu_seconds = cpu_seconds
        self._wall_seconds = wall_seconds
        self._room = trio.CapacityLimiter(MAX_PROCESSES)
        self._idle: list[_Sandbox] = []

    async def run(self, script: str, entry: str, payload: dict[str, Any]) -> Returned:
        """Call the function `entry` of a script with `payload` and the `api`.

        Raises `ScriptFailed`.
        """
        message = {
            "script": script,
            "entry": entry,
            "payload": json.dumps(payload),
            "seconds": self._cpu_seconds,
            "memory": MEMORY_BYTES,
        }
        try:
            with trio.fail_after(self._wall_seconds):
                async with self._room:
                    return _returned(await self._ask(json.dumps(message).encode()))
        except trio.TooSlowError:
            raise ScriptFailed("timeout", _TOO_SLOW) from None

    async def _ask(self, message: bytes) -> dict[str, Any]:
        sandbox = self._idle.pop() if self._idle else await _Sandbox.start()
        try:
            answer = await sandbox.ask(message)
        except BaseException as error:
            await sandbox.kill()
            if isinstance(error, trio.BrokenResourceError | EOFError):
                raise ScriptFailed("memory", _TOO_LARGE) from None
            raise
        if sandbox.runs < RUNS_PER_PROCESS:
            self._idle.append(sandbox)
        else:
            await sandbox.kill()
        return answer


class _Sandbox:
    """One process that runs one script at a time."""

    def __init__(self, process: trio.Process) -> None:
        assert process.stdin is not None  # noqa: S101 - for the type checker
        assert process.stdout is not None  # noqa: S101
        self._process = process
        self._stdin = process.stdin
        self._stdout = process.stdout
        self._received = bytearray()
        self.runs = 0

    @classmethod
    async def start(cls) -> _Sandbox:
        process = await trio.lowlevel.open_process(
            [sys.executable, "-I", str(_PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            cwd="/",
            start_new_session=True,
        )
        return cls(process)

    async def ask(self, message: bytes) -> dict[str, Any]:
        """Raises `EOFError` and `trio.BrokenResourceError` if the process has ended."""
        self.runs += 1
        await self._stdin.send_all(_LENGTH.pack(len(message)) + message)
        length = _LENGTH.unpack(await self._read(_LENGTH.size))[0]
        if length > MAX_ANSWER_BYTES:
            raise EOFError
        answer: dict[str, Any] = json.loads(await self._read(length))
        return answer

    async def _read(self, count: int) -> bytes:
        while len(self._received) < count:
            part = await self._stdout.receive_some()
            if not part:
                raise EOFError
            self._received += part
        taken = bytes(self._received[:count])
        del self._received[:count]
        return taken

    async def kill(self) -> None:
        with trio.CancelScope(shield=True):
            self._process.kill()
            await self._process.wait()
            await self._stdin.aclose()
            await self._stdout.aclose()


def _returned(answer: dict[str, Any]) -> Returned:
    """What the sandbox says, which is believed in nothing but its form."""
    kind, message = str(answer.get("kind", "")), str(answer.get("message", ""))
    value = answer.get("value")
    if kind == "undefined":
        return Returned(None, present=False)
    if kind in _LIMITS:
        raise ScriptFailed(kind, _LIMITS[kind])
    if kind in ("denied", "syntax", "type"):
        raise ScriptFailed(kind, message[:MAX_MESSAGE])
    if not isinstance(value, str):
        raise ScriptFailed("runtime", message[:MAX_MESSAGE])
    try:
        return Returned(json.loads(value))
    except (ValueError, RecursionError):
        raise ScriptFailed("type", "the script returned what is no JSON") from None
