"""Requests that others aim: bounded, and kept off our own network."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gatehouse.actors.outbound import MAX_ANSWER_BYTES, Outbound, OutboundError, is_public
from tests.servers.receiver import SILENCE, Receiver, open_receiver


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with open_receiver() as receiver:
        yield receiver


async def test_a_request_is_sent_and_answered(receiver: Receiver) -> None:
    outbound = Outbound(allow_private=True)
    receiver.answers = [418]
    answer = await outbound.post(f"{receiver.url}?a=b", b"{}", {"x-name": "value"})
    assert (answer.status, answer.text, answer.succeeded) == (418, "taken", False)
    request = await receiver.next()
    assert request.target == "/hook?a=b"
    assert request.headers["x-name"] == "value"
    assert request.headers["host"] in receiver.url
    assert request.body == b"{}"


async def test_something_is_fetched(receiver: Receiver) -> None:
    answer = await Outbound(allow_private=True).get(receiver.url, {"authorization": "Bearer abc"})
    assert (answer.status, answer.text) == (200, "taken")
    request = await receiver.next()
    assert (request.method, request.headers["authorization"]) == ("GET", "Bearer abc")
    assert "content-length" not in request.headers


@pytest.mark.parametrize("value", ["a\r\nb: c", "\N{SNOWMAN}"])
async def test_a_header_that_cannot_be_is_not_sent(receiver: Receiver, value: str) -> None:
    with pytest.raises(OutboundError) as refused:
        await Outbound(allow_private=True).get(receiver.url, {"authorization": value})
    assert refused.value.final
    assert receiver.count == 0


async def test_the_name_goes_along_while_the_connection_goes_to_the_address(
    receiver: Receiver,
) -> None:
    url = receiver.url.replace("127.0.0.1", "localhost")
    assert (await Outbound(allow_private=True).post(url, b"", {})).succeeded
    assert (await receiver.next()).headers["host"].startswith("localhost:")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]"])
async def test_our_own_network_is_not_reached(receiver: Receiver, host: str) -> None:
    url = receiver.url.replace("127.0.0.1", host)
    with pytest.raises(OutboundError) as refused:
        await Outbound().post(url, b"", {})
    assert refused.value.final
    assert receiver.count == 0


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fd00::1",
        "::ffff:10.0.0.1",
        "2002:a00:1::",
        "2001:0:a00:1::1",
        "ff02::1",
        "nonsense",
    ],
)
def test_what_is_not_of_the_public_internet(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111"])
def test_what_is_of_the_public_internet(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("url", ["", "hook", "ftp://example.com", "http://", "//a/b"])
async def test_what_is_no_url_is_not_called(url: str) -> None:
    with pytest.raises(OutboundError) as refused:
        await Outbound(allow_private=True).post(url, b"", {})
    assert refused.value.final


async def test_a_receiver_that_does_not_answer_is_given_up(receiver: Receiver) -> None:
    receiver.answers = [SILENCE]
    with pytest.raises(OutboundError, match="too long") as failed:
        await Outbound(allow_private=True, timeout=0.5).post(receiver.url, b"", {})
    assert not failed.value.final


async def test_no_more_is_read_than_is_wanted(receiver: Receiver) -> None:
    receiver.answer_body = b"x" * (4 * MAX_ANSWER_BYTES)
    answer = await Outbound(allow_private=True).post(receiver.url, b"", {})
    assert len(answer.body) == MAX_ANSWER_BYTES


async def test_nobody_is_followed_elsewhere(receiver: Receiver) -> None:
    receiver.answers = [302]
    receiver.answer_headers = (f"location: {receiver.url}/elsewhere",)
    assert (await Outbound(allow_private=True).post(receiver.url, b"", {})).status == 302
    assert receiver.count == 1


async def test_nobody_at_home_is_tried_again_later() -> None:
    with pytest.raises(OutboundError) as failed:
        await Outbound(allow_private=True).post("http://127.0.0.1:1/", b"", {})
    assert not failed.value.final
