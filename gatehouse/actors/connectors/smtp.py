"""Sending a mail through a mail server (RFC 5321), in a thread of its own.

Nothing that comes from outside can add a header or a recipient: addresses are parsed, headers are
written by the `email` package, which refuses line breaks, and the envelope names one recipient.
The connection is made to an address that was judged before, so that nobody who may set up a
connector can reach into the server's own network by a name.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY

import trio

from gatehouse.actors.connectors.configs import SmtpConfig, mailbox
from gatehouse.actors.connectors.templates import Worded

TIMEOUT_S = 15.0
"""How long the mail server may take for each answer."""

DEADLINE_S = 45.0
"""How long a mail may take altogether."""

SENDING_AT_ONCE = 16
"""Threads of one process that send mail."""

_threads = trio.CapacityLimiter(SENDING_AT_ONCE)


class MailRefused(Exception):  # noqa: N818 - it reads as what happened
    """The mail was not sent. The message is safe to show."""


def compose(config: SmtpConfig, message_id: str, recipient: str, worded: Worded) -> EmailMessage:
    """The mail to send. Raises ValueError for a recipient that is no mail address."""
    sender = mailbox(worded.send_from or config.from_email)
    mail = EmailMessage(SMTP_POLICY)
    mail["From"] = sender
    mail["To"] = mailbox(recipient)
    if reply_to := worded.reply_to or config.reply_to:
        mail["Reply-To"] = mailbox(reply_to)
    mail["Subject"] = worded.subject
    mail["Message-ID"] = f"<{message_id}@{sender.domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(worded.body, subtype=worded.content_type.partition("/")[2])
    return mail


async def send_mail(config: SmtpConfig, addresses: Sequence[str], mail: EmailMessage) -> None:
    """Send a mail through the server at one of these addresses. Raises MailRefused."""
    try:
        with trio.fail_after(DEADLINE_S):
            await trio.to_thread.run_sync(
                _send, config, addresses, mail, abandon_on_cancel=True, limiter=_threads
            )
    except (trio.TooSlowError, TimeoutError):
        raise MailRefused("the mail server took too long") from None
    except smtplib.SMTPAuthenticationError:
        raise MailRefused("the mail server refused the credentials") from None
    except smtplib.SMTPRecipientsRefused:
        raise MailRefused("the mail server refused the recipient") from None
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise MailRefused(f"the mail server failed ({type(error).__name__})") from None


def _send(config: SmtpConfig, addresses: Sequence[str], mail: EmailMessage) -> None:
    context = ssl.create_default_context()
    connection = _connect(config, addresses, context)
    server = smtplib.SMTP(timeout=TIMEOUT_S)
    server.sock = connection
    server.file = None
    try:
        code, greeting = server.getreply()
        if code != 220:
            raise smtplib.SMTPConnectError(code, greeting)
        server.ehlo()
        if not config.secure and not config.ignore_tls and server.has_extn("starttls"):
            _start_tls(server, config.host, context)
        elif config.require_tls and not config.secure:
            raise smtplib.SMTPNotSupportedError("no STARTTLS")
        if config.auth.user:
            server.login(config.auth.user, config.auth.password)
        server.send_message(mail)
        # The mail is taken: whatever comes now, it must not be sent again.
        with suppress(smtplib.SMTPException, OSError):
            server.quit()
    finally:
        server.close()


def _connect(
    config: SmtpConfig, addresses: Sequence[str], context: ssl.SSLContext
) -> socket.socket:
    """A connection to the first address that takes one. The certificate is checked for the name."""
    failure: OSError = OSError("no address")
    for address in addresses:
        try:
            plain = socket.create_connection((address, config.port), TIMEOUT_S)
        except OSError as error:
            failure = error
            continue
        if config.secure:
            return context.wrap_socket(plain, server_hostname=config.host)
        return plain
    raise failure


def _start_tls(server: smtplib.SMTP, host: str, context: ssl.SSLContext) -> None:
    """STARTTLS for the name that was set up; smtplib's own would check the address (RFC 3207)."""
    code, answer = server.docmd("STARTTLS")
    if code != 220 or server.sock is None:
        raise smtplib.SMTPResponseException(code, answer)
    server.sock = context.wrap_socket(server.sock, server_hostname=host)
    server.file = None
    server.helo_resp = server.ehlo_resp = None
    server.esmtp_features = {}
    server.does_esmtp = False
    server.ehlo()
