"""How messages are worded, and that nothing in them can become more than text."""

from __future__ import annotations

import pytest

from gatehouse.actors.connectors.configs import SmtpConfig, mailbox
from gatehouse.actors.connectors.smtp import compose
from gatehouse.actors.connectors.templates import BUILT_IN, Template, TemplateNotFound, word


def test_a_use_without_a_template_is_worded_as_generic() -> None:
    templates = (Template("Generic", "Code", "It is {{code}}, {{ name }}."),)
    worded = word(templates, "BindMfa", {"code": "123456"})
    assert worded.body == "It is 123456, ."
    with pytest.raises(TemplateNotFound):
        word((), "SignIn", {})


def test_values_are_escaped_in_html_and_keep_to_their_line_in_a_subject() -> None:
    template = Template("Generic", "For {{name}}", "<b>{{name}}</b>", "text/html")
    worded = word((template,), "Generic", {"name": "<i>\r\nBcc: x@y.z"})
    assert worded.subject == "For <i> Bcc: x@y.z"
    assert worded.body == "<b>&lt;i&gt;\r\nBcc: x@y.z</b>"


@pytest.mark.parametrize(
    "text", ["", "ada", "a@b\r\nBcc: x@y", "a@b, c@d", "a@b@c", "a\x00@b.c", "a@", "@b"]
)
def test_what_is_not_one_mailbox_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a mail address"):
        mailbox(text)


def test_the_same_message_always_has_the_same_id() -> None:
    config = SmtpConfig(
        host="mail.example.com",
        port=25,
        from_email="house@example.com",
        templates=tuple(BUILT_IN),
    )
    worded = word(config.templates, "SignIn", {"code": "1"})
    mails = [compose(config, "abc", "ada@example.com", worded) for _ in range(2)]
    assert [mail["Message-ID"] for mail in mails] == ["<abc@example.com>"] * 2
