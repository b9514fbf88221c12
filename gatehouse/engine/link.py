"""One connection to a Redis server that any number of tasks share.

Why our own: redis-py speaks threads and asyncio only, and on trio every bridge costs ten times
what Redis itself does (75-200 us a command against 5). What can be taken from redis-py and hiredis
is: packing, parsing, errors, URLs, backoff. What is left is this file: a queue of commands, a queue
of those who wait, and three loops.

How: a caller appends its packed command and sleeps. The write loop wakes in the scheduler's next
pass, when every task that was ready has had its say, and sends all of it in one write. Redis
answers in order, so the read loop hands each reply to the head of the queue, waking its task
directly: no event, no future, no lock a command. A cancelled caller leaves its place in the queue
behind, so that its reply is still consumed in order, and dropped. While nobody else waits, a caller
does without both loops: it writes by itself and reads the reply where it stands (`_lead`), which
saves two passes of the scheduler.

What it costs: one slow command holds up all behind it (so no blocking commands), and a lost
connection fails everything in flight at once. Such a request is never repeated here, as it may have
been executed (`ConnectionLost`). Every wait has an end: a server that owes a reply and sends
nothing for `reply_timeout` is given up; while there is no connection, callers wait for `PATIENCE`
and are refused; what may wait at all is bounded in number and bytes.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import hiredis
import outcome
import trio
from redis.backoff import EqualJitterBackoff
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    ClusterDownError,
    MasterDownError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
)

from gatehouse.engine.errors import ConnectionLost, Overloaded, Unavailable
from gatehouse.engine.observer import Observer
from gatehouse.engine.pubsub import Listener, OnMessage
from gatehouse.engine.wire import (
    NOT_YET,
    READ_SIZE,
    REPLY_TIMEOUT,
    UNREACHABLE,
    Address,
    Argument,
    Connection,
    PlainStream,
    pack,
    reason_of,
)

if TYPE_CHECKING:
    from gatehouse.engine.redis import Call, Script

MAX_IN_FLIGHT: Final = 8192
"""Requests that may wait at once; at 150,000 a second that is 50 ms of work for Redis."""

MAX_UNSENT_BYTES: Final = 32 * 1024 * 1024
"""Bytes that may wait for a write, so that large values cannot fill the memory before the count."""

EAGER: Final = 64
"""Requests that are sent without waiting for more to come."""

PATIENCE: Final = 0.25
"""Seconds a request waits for a connection to come back before it is refused.

Long enough to bridge a restart of Redis or a dropped connection, too short for a queue to build.
"""

LIFE_SIGN: Final = 5.0
"""Seconds of silence after which an idle connection is asked whether it is still there."""

STEADY: Final = 1.0
"""Seconds a connection must have served for the next attempt to start without backoff."""

BACKOFF = EqualJitterBackoff(cap=1.0, base=0.02)
"""Between attempts to connect: 10-20 ms at first, half a second to a second in the long run."""

_WRONG_SERVER = (ReadOnlyError, BusyLoadingError, MasterDownError, AuthenticationError)
"""Replies after which a new connection, perhaps to another server, is what helps."""

_CANNOT_NOW = (*_WRONG_SERVER, ClusterDownError, OutOfMemoryError)
_CANNOT_NOW_CODES = ("BUSY ", "MISCONF ", "NOREPLICAS ")
"""Refusals without execution that pass by themselves, so `Unavailable` and not a mistake."""

_logger = logging.getLogger(__name__)


class _Waiter:
    """Whoever waits for the next reply. `task` is None once nobody does.

    `expected` replies are gathered into a list; 0 means one reply, raised if it is an error. Who
    `leads` is awake and finds its `result` here.
    """

    __slots__ = ("expected", "leads", "replies", "result", "task")

    def __init__(self, task: trio.lowlevel.Task | None, expected: int) -> None:
        self.task = task
        self.expected = expected
        self.leads = False
        self.result: outcome.Outcome[Any] | None = None
        if expected:
            self.replies: list[Any] = []

    def abandon(self, _: object) -> trio.lowlevel.Abort:
        self.task = None
        return trio.lowlevel.Abort.SUCCEEDED

    def finish(self, result: outcome.Outcome[Any]) -> None:
        task = self.task
        if task is None:
            return
        self.task = None
        if self.leads:
            self.result = result
        else:
            trio.lowlevel.reschedule(task, result)


class Link:
    """A `Redis` that is one server at a time; `open_connection` says which."""

    def __init__(
        self,
        open_connection: Callable[[], Awaitable[Connection]],
        *,
        name: str,
        reply_timeout: float = REPLY_TIMEOUT,
        max_in_flight: int = MAX_IN_FLIGHT,
        observer: Observer | None = None,
    ) -> None:
        self._open = open_connection
        self._name = name
        self._reply_timeout = reply_timeout
        self._max_in_flight = max_in_flight
        self._observer = observer or Observer()
        self._listener = Listener(open_connection, reply_timeout=reply_timeout)

        self.address: Address | None = None
        """The server it is connected to now."""
        self._connected = False
        self._up = trio.Event()
        self._attempted = trio.Event()
        self._queueing = 0
        self._why_down = "not connected yet"
        self._retiring = False
        self._serving: trio.CancelScope | None = None

        self._unsent: list[bytes] = []
        self._unsent_bytes = 0
        self._unsent_waiters: list[_Waiter] = []
        self._sent: deque[_Waiter] = deque()
        self._idle_writer: trio.lowlevel.Task | None = None
        self._writer_called = False
        self._plain: PlainStream | None = None
        self._reader: Any = None
        self._reads = 0
        self._resting: trio.lowlevel.Task | None = None
        """The read loop, while no reply is owed or somebody else reads."""
        self._leader: _Waiter | None = None
        """Who reads while the read loop rests."""
        self._broken: Exception | None = None
        """What a leader found out that ends the connection."""

    # What callers use

    async def execute(self, *args: Argument, key: str | bytes | None = None) -> Any:
        """See `Redis.execute`."""
        if not self._connected:
            await self._come_back()
        return await self._submit(pack(args), 0)

    async def eval(
        self, script: Script, keys: Sequence[str | bytes], args: Sequence[Argument] = ()
    ) -> Any:
        """See `Redis.eval`."""
        if not self._connected:
            await self._come_back()
        count = len(keys)
        try:
            return await self._submit(pack((b"EVALSHA", script.sha, count, *keys, *args)), 0)
        except NoScriptError:
            return await self.execute(b"EVAL", script.source, count, *keys, *args)

    async def eval_each(self, script: Script, calls: Sequence[Call]) -> list[Any]:
        """See `Redis.eval_each`."""
        answers = await self.pipeline(
            [(b"EVALSHA", script.sha, len(keys), *keys, *args) for keys, args in calls]
        )
        unknown = [number for number, one in enumerate(answers) if isinstance(one, NoScriptError)]
        if unknown:
            again = await self.pipeline(
                [
                    (b"EVAL", script.source, len(calls[one][0]), *calls[one][0], *calls[one][1])
                    for one in unknown
                ]
            )
            for number, answer in zip(unknown, again, strict=True):
                answers[number] = answer
        return answers

    async def pipeline(
        self, commands: Sequence[Sequence[Argument]], key: str | bytes | None = None
    ) -> list[Any]:
        """See `Redis.pipeline`."""
        if not commands:
            return []
        if not self._connected:
            await self._come_back()
        data = b"".join([pack(tuple(command)) for command in commands])
        replies: list[Any] = await self._submit(data, len(commands))
        return replies

    def subscribe(self, channel: str, callback: OnMessage) -> None:
        """See `Redis.subscribe`."""
        self._listener.subscribe(channel, callback)

    # The queue

    async def _come_back(self) -> None:
        if self._queueing >= self._max_in_flight:
            self._observer.link_refused()
            raise Overloaded("too many requests wait for the connection to Redis")
        self._queueing += 1
        try:
            with trio.move_on_after(PATIENCE):
                await self._up.wait()
        finally:
            self._queueing -= 1
        if not self._connected:
            raise Unavailable(f"Redis at {self._name} cannot be reached: {self._why_down}")

    def _submit(self, data: bytes, expected: int) -> Awaitable[Any]:
        """Queue packed commands; the awaitable sleeps until their replies are there."""
        if (
            len(self._sent) + len(self._unsent) >= self._max_in_flight
            or self._unsent_bytes > MAX_UNSENT_BYTES
        ):
            self._observer.link_refused()
            raise Overloaded(f"too many requests are in flight to Redis at {self._name}")
        waiter = _Waiter(trio.lowlevel.current_task(), expected)
        if self._resting is not None and self._leader is None and self._plain is not None:
            if self._plain.has_input():
                # Nothing is owed: the server has said goodbye, which nobody has read.
                self.retire("the server closed the connection")
                return self._resubmit(data, expected)
            self._leader = waiter
            waiter.leads = True
            self._enqueue(data, waiter)
            return self._lead(waiter, self._plain)
        self._enqueue(data, waiter)
        # Awaited by the caller: a coroutine of our own around it would cost every request.
        return trio.lowlevel.wait_task_rescheduled(waiter.abandon)  # noqa: ASYNC105

    async def _resubmit(self, data: bytes, expected: int) -> Any:
        await self._come_back()
        return await self._submit(data, expected)

    def _enqueue(self, data: bytes, waiter: _Waiter) -> None:
        self._unsent.append(data)
        self._unsent_bytes += len(data)
        self._unsent_waiters.append(waiter)
        writer = self._idle_writer
        if writer is not None:
            if not self._sent:
                self._send_ahead()  # the server has nothing to do: nobody is worth waiting for
                if not self._unsent:
                    return
            self._idle_writer = None
            self._writer_called = True
            trio.lowlevel.reschedule(writer)
        elif self._writer_called and len(self._unsent_waiters) >= EAGER:
            self._send_ahead()

    def _send_ahead(self) -> None:
        """Give the server work already, before the tasks that are still to come have their turn.

        Only while the writer sleeps, or has been called and not come: nothing is half sent then.
        """
        if self._plain is None or self._retiring:
            return
        data = self._take_unsent()
        try:
            sent = self._plain.send_now(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            sent = len(data)  # the reader finds out
        if sent < len(data):
            self._unsent.append(data[sent:])
            self._unsent_bytes = len(data) - sent
            self._writer_called = False

    def _take_unsent(self) -> bytes:
        """What is to be sent; whoever waits for it waits for an answer from now on."""
        data = b"".join(self._unsent)
        self._unsent.clear()
        self._unsent_bytes = 0
        self._sent.extend(self._unsent_waiters)
        self._observer.link_batch(len(self._unsent_waiters), len(self._sent))
        self._unsent_waiters.clear()
        return data

    # The three loops of a connection

    async def _write(self, stream: trio.abc.Stream) -> None:
        def abort(_: object) -> trio.lowlevel.Abort:
            self._idle_writer = None
            return trio.lowlevel.Abort.SUCCEEDED

        while True:
            if not self._unsent:
                self._idle_writer = trio.lowlevel.current_task()
                await trio.lowlevel.wait_task_rescheduled(abort)
            if self._retiring:
                return  # nothing more for this server; what is unsent fails as not executed
            self._writer_called = False
            data = self._take_unsent()
            await stream.send_all(data)

    async def _read(self, stream: trio.abc.Stream) -> None:
        while True:
            if self._plain is not None and not (self._sent or self._unsent or self._retiring):
                await self._rest()
            if self._broken is not None:
                raise self._broken
            if self._retiring and not self._sent:
                raise trio.BrokenResourceError(self._why_down)
            data = await stream.receive_some(READ_SIZE)
            if not data:
                raise trio.BrokenResourceError("the server closed the connection")
            self._hand_out(data)

    async def _rest(self) -> None:
        """Sleep until there is something to read that no leader reads."""

        def abort(_: object) -> trio.lowlevel.Abort:
            self._resting = None
            return trio.lowlevel.Abort.SUCCEEDED

        self._resting = trio.lowlevel.current_task()
        await trio.lowlevel.wait_task_rescheduled(abort)

    def _rouse(self) -> None:
        """Have the read loop read, if it rests and nobody leads."""
        if self._resting is not None and self._leader is None:
            trio.lowlevel.reschedule(self._resting)
            self._resting = None

    async def _lead(self, waiter: _Waiter, stream: PlainStream) -> Any:
        """Read in the place of the read loop until the own reply is there; whatever else comes
        meanwhile is handed out. What ends the connection is left to the read loop.
        """
        try:
            while waiter.task is not None:
                data = await stream.receive_some(READ_SIZE)
                if not data:
                    break
                self._hand_out(data)
        except UNREACHABLE as error:
            if self._leader is waiter:
                self._broken = error
        except BaseException:
            waiter.task = None
            raise
        finally:
            waiter.leads = False
            if self._leader is waiter:
                self._leader = None
                if self._sent or self._unsent or self._retiring or self._broken is not None:
                    self._rouse()
        if waiter.result is None:
            return await trio.lowlevel.wait_task_rescheduled(waiter.abandon)
        return waiter.result.unwrap()

    def _hand_out(self, data: bytes | bytearray) -> None:
        """Give the replies to those who wait for them."""
        sent, reader = self._sent, self._reader
        push, gets = hiredis.PushNotification, reader.gets
        value = outcome.Value
        self._reads += 1
        reader.feed(data)
        while (reply := gets()) is not NOT_YET:
            if isinstance(reply, RedisError):
                reply = self._judge(reply)
            elif type(reply) is push:
                continue
            if not sent:
                raise trio.BrokenResourceError("the server sent a reply nobody asked for")
            waiter = sent[0]
            if waiter.expected:
                waiter.replies.append(reply)
                if len(waiter.replies) < waiter.expected:
                    continue
                reply = waiter.replies
            sent.popleft()
            failed = isinstance(reply, Exception)
            waiter.finish(outcome.Error(reply) if failed else value(reply))

    async def _watch(self) -> None:
        """Give up a server that owes a reply and sends nothing; ask an idle one for a sign of life.

        A socket whose other end has vanished, or is stopped, raises no error by itself.
        """
        tick = self._reply_timeout / 4
        reads, head = self._reads, None
        owing = silent = 0.0
        while True:
            await trio.sleep(tick)
            quiet, before = self._reads == reads, head
            reads, head = self._reads, self._sent[0] if self._sent else None
            owing = owing + tick if quiet and head is not None and head is before else 0.0
            silent = silent + tick if quiet and head is None else 0.0
            if silent:
                self._rouse()  # to hear of it if the server goes away
            if owing >= self._reply_timeout:
                raise trio.BrokenResourceError("the server stopped answering")
            if silent >= LIFE_SIGN:
                silent = 0.0
                self._enqueue(pack((b"PING",)), _Waiter(None, 0))

    def _judge(self, error: RedisError) -> Exception:
        """What an error reply means to the caller, and to this connection."""
        text = str(error)
        if not isinstance(error, _CANNOT_NOW) and not text.startswith(_CANNOT_NOW_CODES):
            return error
        if isinstance(error, _WRONG_SERVER):
            self.retire(text)
        return Unavailable(f"Redis at {self._name} refuses: {text}")

    # The life of connections

    def retire(self, reason: str) -> None:
        """Leave this server: send it nothing more, await what it owes, connect anew."""
        if not self._connected:
            return
        self._connected = False
        self._up = trio.Event()
        self._why_down = reason
        self._retiring = True
        if not self._sent and self._serving is not None:
            self._serving.cancel()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """See `Redis.run`."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._keep_connected)
            nursery.start_soon(self._listener.run)
            await self._attempted.wait()
            task_status.started()

    async def _keep_connected(self) -> None:
        failures = 0
        while True:
            began = trio.current_time()
            try:
                connection = await self._open()
            except (*UNREACHABLE, Unavailable) as error:
                self._note_loss(error)
                self._attempted.set()
            else:
                await self._serve(connection)
            steady = trio.current_time() - began > STEADY
            failures = 0 if steady else min(failures + 1, 16)
            await trio.sleep(BACKOFF.compute(failures))

    async def _serve(self, connection: Connection) -> None:
        self._retiring = False
        self._connected = True
        self._up.set()
        self._attempted.set()
        self.address = connection.address
        stream = connection.stream
        self._plain = stream if isinstance(stream, PlainStream) else None
        self._reader = connection.reader
        self._leader = self._broken = None
        self._writer_called = False
        self._observer.link_connected(self._name)
        try:
            async with trio.open_nursery() as nursery:
                self._serving = nursery.cancel_scope
                nursery.start_soon(self._write, stream)
                nursery.start_soon(self._read, stream)
                nursery.start_soon(self._watch)
        except* UNREACHABLE as group:
            self._note_loss(group)
        finally:
            self._serving = None
            self.address = None
            self._connected = False
            self._up = trio.Event()
            self._leader = None
            await connection.close()
            self._fail_waiters()

    def _note_loss(self, error: BaseException) -> None:
        reason = reason_of(error)
        if reason != self._why_down:
            _logger.warning("no connection to Redis at %s: %s", self._name, reason)
        self._why_down = reason
        self._observer.link_lost(self._name, reason)

    def _fail_waiters(self) -> None:
        lost = f"the connection to Redis at {self._name} was lost: {self._why_down}"
        while self._sent:
            self._sent.popleft().finish(outcome.Error(ConnectionLost(lost)))
        for waiter in self._unsent_waiters:
            waiter.finish(outcome.Error(Unavailable(lost)))
        self._unsent_waiters.clear()
        self._unsent.clear()
        self._unsent_bytes = 0
