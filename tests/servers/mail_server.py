"""A mail server on a real port that keeps what it is given (RFC 5321, the part tests need)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

import trio

from tests.servers.requests import listening


@dataclass
class MailServer:
    """`commands` is the dialogue but for the mails themselves; `refuse_recipients` says 550.

    `taken` is set by the first mail.
    """

    port: int = 0
    refuse_recipients: bool = False
    commands: list[str] = field(default_factory=list)
    mails: list[EmailMessage] = field(default_factory=list)
    taken: trio.Event = field(default_factory=trio.Event)

    async def talk(self, stream: trio.SocketStream) -> None:
        lines = _Lines(stream)
        await stream.send_all(b"220 test ready\r\n")
        while (line := await lines.next()) is not None:
            command = line.decode()
            self.commands.append(command)
            verb = command.partition(" ")[0].upper()
            if verb == "DATA":
                await stream.send_all(b"354 go on\r\n")
                content = b""
                while (part := await lines.next()) not in (b".", None):
                    content += (part or b"") + b"\r\n"
                mail = message_from_bytes(content, policy=policy.default)
                self.mails.append(mail)
                self.taken.set()
            elif verb == "EHLO":
                await stream.send_all(b"250-test\r\n250-SMTPUTF8\r\n250 AUTH PLAIN\r\n")
                continue
            elif verb == "AUTH":
                await stream.send_all(b"235 welcome\r\n")
                continue
            refused = verb == "RCPT" and self.refuse_recipients
            await stream.send_all(b"550 nobody\r\n" if refused else b"250 ok\r\n")
            if verb == "QUIT":
                return


class _Lines:
    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream, self._held = stream, b""

    async def next(self) -> bytes | None:
        while b"\r\n" not in self._held:
            received = await self._stream.receive_some()
            if not received:
                return None
            self._held += received
        line, _, self._held = self._held.partition(b"\r\n")
        return line


@asynccontextmanager
async def open_mail_server() -> AsyncIterator[MailServer]:
    """A mail server for the block."""
    server = MailServer()
    async with listening(server.talk) as server.port:
        yield server
