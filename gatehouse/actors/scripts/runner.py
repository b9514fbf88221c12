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
from typing import Annotated, Any, Literal

import msgspec
import trio

from gatehouse.actors.outbound import Outbound, OutboundError

CPU_SECONDS = 1.0
"""Processor time of a run: claims are looked up and put together, nothing is computed."""

WALL_SECONDS = 5.0
"""How long a run may take in all, with its wait for a process; Logto allows the same."""

MEMORY_BYTES = 64 * 1024 * 1024
"""What a script may allocate."""

MAX_PROCESSES = 4
"""Processes of one server process; whoever comes when all are busy waits, within `WALL_SECONDS`."""

MAX_ANSWER_BYTES = 256 * 1024
"""What a script may return."""

MAX_MESSAGE = 1000
"""Characters of what a script says when it fails."""

RUNS_PER_PROCESS = 1000
"""After so many runs a process is replaced, whatever it may have leaked."""

MAX_REQUESTS = 8
"""Requests that a run may make, all together."""

UNTOUCHABLE = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer"}
)
"""Headers that belong to the transport."""

_Field = Annotated[str, msgspec.Meta(max_length=8192)]
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
        self,
        outbound: Outbound | None = None,
        *,
        cpu_seconds: float = CPU_SECONDS,
        wall_seconds: float = WALL_SECONDS,
    ) -> None:
        """`outbound` makes the requests that scripts ask for; without it there are none."""
        self._outbound = outbound
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
            asked = 0
            while "fetch" in answer:
                wanted = answer["fetch"]
                asked += len(wanted)
                told = await self._fetch_all(wanted, within=asked <= MAX_REQUESTS)
                answer = await sandbox.ask(json.dumps(told).encode())
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

    async def _fetch_all(self, wanted: list[Any], *, within: bool) -> list[dict[str, Any]]:
        """The answers to requests that a script asked for together, in their order."""
        if not within:
            return [{"error": f"a script makes {MAX_REQUESTS} requests at most"}] * len(wanted)
        answers: list[dict[str, Any]] = [{} for _ in wanted]

        async def fetch(place: int, asked: Any) -> None:
            answers[place] = await self._fetch(asked)

        async with trio.open_nursery() as nursery:
            for place, asked in enumerate(wanted):
                nursery.start_soon(fetch, place, asked)
        return answers

    async def _fetch(self, asked: Any) -> dict[str, Any]:
        if self._outbound is None:
            return {"error": "a script cannot reach the network here"}
        try:
            request = msgspec.convert(asked, _Request)
        except msgspec.ValidationError:
            return {"error": "the request cannot be made"}
        headers = {"user-agent": "Gatehouse"}
        headers |= {
            name.lower(): value
            for name, value in request.headers
            if name.lower() not in UNTOUCHABLE
        }
        body = None if request.body is None else request.body.encode("utf-8", "replace")
        try:
            answer = await self._outbound.request(request.method, request.url, body, headers)
        except OutboundError as failure:
            return {"error": str(failure)}
        return {"status": answer.status, "body": answer.text}


class _Request(msgspec.Struct, frozen=True):
    """What a script asks for."""

    url: Annotated[str, msgspec.Meta(max_length=2048)]
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
    body: Annotated[str, msgspec.Meta(max_length=64 * 1024)] | None
    headers: Annotated[list[tuple[_Field, _Field]], msgspec.Meta(max_length=32)]


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
    kind, message = (
        str(answer.get("kind", "")),
        readable(str(answer.get("message", ""))[:MAX_MESSAGE]),
    )
    value = answer.get("value")
    if kind == "undefined":
        return Returned(None, present=False)
    if kind in _LIMITS:
        raise ScriptFailed(kind, _LIMITS[kind])
    if kind in ("denied", "syntax", "type"):
        raise ScriptFailed(kind, message)
    if not isinstance(value, str):
        raise ScriptFailed("runtime", message)
    try:  # strict about surrogates, which no JSON that others read may have
        return Returned(msgspec.json.decode(value.encode("utf-8", "replace")))
    except (msgspec.DecodeError, RecursionError):
        raise ScriptFailed("type", "the script returned what is no JSON") from None


def readable(text: str) -> str:
    """What can be stored and shown of a text, whatever a script has thrown."""
    stored = text.encode("utf-8", "replace").decode()
    return "".join(char if char.isprintable() else " " for char in stored)
