"""The sandbox: what a script can do, and what it cannot, however it tries."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
import trio

from gatehouse.actors.outbound import Outbound
from gatehouse.actors.scripts.runner import MAX_PROCESSES, Returned, ScriptFailed, ScriptRunner
from tests.servers.receiver import SILENCE, open_receiver

MAIN = "main"


def script(body: str) -> str:
    return f"const main = async ({{ token, api }}) => {{ {body} }};"


@pytest.fixture
def runner() -> ScriptRunner:
    return ScriptRunner(cpu_seconds=0.1, wall_seconds=30)


async def run(runner: ScriptRunner, body: str, **payload: Any) -> Any:
    return (await runner.run(script(body), MAIN, payload)).value


def seen_of(pid: int) -> tuple[bytes, dict[str, str]]:
    """The environment and the limits of a process."""
    about = Path(f"/proc/{pid}")
    lines = (about / "limits").read_text().splitlines()
    return (about / "environ").read_bytes(), {x[:26].strip(): x[26:].split()[0] for x in lines}


async def failure(runner: ScriptRunner, body: str) -> tuple[str, str]:
    with pytest.raises(ScriptFailed) as caught:
        await run(runner, body)
    return caught.value.kind, caught.value.message


async def test_a_script_gets_its_argument_and_returns_json(runner: ScriptRunner) -> None:
    assert await run(runner, "return { was: token.sub, list: [1, null] }", token={"sub": "a"}) == {
        "was": "a",
        "list": [1, None],
    }


async def test_undefined_is_told_apart_from_null(runner: ScriptRunner) -> None:
    assert await runner.run(script("return"), MAIN, {}) == Returned(None, present=False)
    assert await runner.run(script("return null"), MAIN, {}) == Returned(None)


async def test_a_function_that_is_not_async_will_do(runner: ScriptRunner) -> None:
    assert (await runner.run("function main() { return 1 }", MAIN, {})).value == 1


@pytest.mark.parametrize(
    "body",
    [
        "for (;;);",
        "await 0; for (;;);",
        "for (;;) await 0;",
        "const again = () => Promise.resolve().then(again); await again();",
        "try { for (;;); } finally { for (;;); }",
        "return { get a() { for (;;); } }",
        "return { toJSON() { for (;;); } }",
        "throw { toString() { for (;;); } }",
        "return /(a+)+$/.test('a'.repeat(40) + '!')",
    ],
)
async def test_a_script_that_does_not_end_is_ended(runner: ScriptRunner, body: str) -> None:
    assert await failure(runner, body) == ("timeout", "The script took too long.")
    assert await run(runner, "return 1") == 1


async def test_what_the_engine_does_not_stop_is_killed() -> None:
    runner = ScriptRunner(cpu_seconds=60, wall_seconds=0.5)
    body = "const x = 'a'.repeat(1 << 20); for (;;) x.lastIndexOf('b');"
    assert (await failure(runner, body))[0] == "timeout"
    assert runner._idle == []


async def test_an_endless_top_level_is_ended(runner: ScriptRunner) -> None:
    with pytest.raises(ScriptFailed, match="too long"):
        await runner.run("for (;;);", MAIN, {})


@pytest.mark.parametrize(
    "body",
    [
        "const a = []; for (;;) a.push('x'.repeat(1e6) + a.length);",
        "return new ArrayBuffer(1e9)",
        "return new Array(1e9).fill(1)",
        "return 'x'.repeat(2 ** 29)",
        "return 'x'.repeat(50e6)",
    ],
)
async def test_a_script_cannot_have_much_memory(body: str) -> None:
    runner = ScriptRunner(cpu_seconds=5, wall_seconds=30)
    kind, message = await failure(runner, body)
    assert (kind, message) == ("memory", "The script needs more memory than it may have.")
    assert await run(runner, "return 1") == 1


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        ("throw new TypeError('no')", "runtime", "TypeError: no"),
        ("throw null", "runtime", "null"),
        ("throw 'text'", "runtime", "text"),
        ("const f = () => f(); f()", "runtime", "RangeError: Maximum call stack size exceeded"),
        ("return () => 1", "type", "the script returned what is no JSON"),
        ("const o = {}; o.o = o; return o", "runtime", "TypeError: circular reference"),
        ("return new Promise(() => 0)", "runtime", "the script waits for what never happens"),
        ("return fetch('https://example.com')", "runtime", "TypeError: a script cannot reach"),
        ("api.denyAccess('not today')", "denied", "not today"),
        ("try { api.denyAccess('no') } catch {} return {}", "denied", "no"),
        ("return import('os')", "runtime", ""),
        ("syntax error", "syntax", "SyntaxError"),
        ("throw new Error('a\\u0000b\\ud800\\r\\nc')", "runtime", "Error: a b?  c"),
        ("return '\\ud800'", "type", "the script returned what is no JSON"),
        ("return { '\\udfff': 1 }", "type", "the script returned what is no JSON"),
    ],
)
async def test_why_a_script_failed_is_told(
    runner: ScriptRunner, body: str, kind: str, message: str
) -> None:
    found = await failure(runner, body)
    assert found[0] == kind
    assert message in found[1]


async def test_a_script_needs_its_function(runner: ScriptRunner) -> None:
    for text in ("", "const other = () => 1", "const main = 1"):
        with pytest.raises(ScriptFailed, match="no function main"):
            await runner.run(text, MAIN, {})


async def test_what_a_script_leaves_behind_no_other_finds(runner: ScriptRunner) -> None:
    tricks = """
        globalThis.left = 1;
        Object.prototype.left = 1;
        Array.prototype.map = Promise.prototype.then = () => 'mine';
        JSON.stringify = () => 'mine';
        globalThis.Error = Object;
        return {};
    """
    with pytest.raises(ScriptFailed):
        await run(runner, tricks)
    found = await run(runner, "return [typeof left, [1].map(x => x), String(new Error('e'))]")
    assert found == ["undefined", [1], "Error: e"]


async def test_a_script_finds_the_language_and_nothing_else(runner: ScriptRunner) -> None:
    names = "['process', 'require', 'std', 'os', 'print', 'Deno', 'setTimeout', '__run']"
    found = await run(runner, f"return {names}.map(name => typeof globalThis[name])")
    assert set(found) == {"undefined"}
    made = "return (() => 0).constructor('return typeof process + typeof require')()"
    assert await run(runner, made) == "undefinedundefined"


async def test_the_process_has_no_environment_and_may_not_open_files(
    runner: ScriptRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEHOUSE_TEST_SECRET", "s3cret")
    await run(runner, "return 1")
    process = runner._idle[0]._process
    environment, limits = seen_of(process.pid)
    assert environment == b""
    assert limits["Max open files"] == limits["Max file size"] == "0"


async def test_a_process_that_dies_is_replaced(runner: ScriptRunner) -> None:
    await run(runner, "return 1")
    process = runner._idle[0]._process
    os.kill(process.pid, signal.SIGKILL)
    await process.wait()
    with pytest.raises(ScriptFailed):
        await run(runner, "return 1")
    assert await run(runner, "return 2") == 2


async def test_the_event_loop_goes_on_and_few_processes_run(runner: ScriptRunner) -> None:
    ticks = 0
    failed: list[str] = []

    async def spin() -> None:
        failed.append((await failure(runner, "for (;;);"))[0])

    async with trio.open_nursery() as nursery:
        for _ in range(2 * MAX_PROCESSES):
            nursery.start_soon(spin)
        while len(failed) < 2 * MAX_PROCESSES:
            await trio.sleep(0.005)
            ticks += 1
    assert set(failed) == {"timeout"}
    assert ticks >= 10
    assert len(runner._idle) <= MAX_PROCESSES


async def test_a_caller_that_goes_away_leaves_no_process_busy(runner: ScriptRunner) -> None:
    with trio.move_on_after(0.05):
        await run(runner, "for (;;);")
    assert await run(runner, "return 1") == 1


@pytest.fixture
def connected() -> ScriptRunner:
    """Scripts that may ask for addresses of this machine."""
    return ScriptRunner(Outbound(allow_private=True), cpu_seconds=0.5, wall_seconds=30)


async def test_a_script_can_ask_elsewhere(connected: ScriptRunner) -> None:
    async with open_receiver() as receiver:
        receiver.answer_body = b'{"plan":"gold"}'
        body = f"""
            const options = {{ method: 'POST', body: JSON.stringify(token), headers: {{
              'content-type': 'application/json', Authorization: 'Bearer x', Host: 'evil' }} }};
            const answer = await fetch('{receiver.url}', options);
            return [answer.ok, answer.status, (await answer.json()).plan];
        """
        assert await run(connected, body, token={"sub": "a"}) == [True, 200, "gold"]
        asked = await receiver.next()
    assert (asked.method, asked.json) == ("POST", {"sub": "a"})
    assert asked.headers["authorization"] == "Bearer x"
    assert asked.headers["host"] != "evil"


async def test_requests_are_made_together_and_their_failures_can_be_caught(
    connected: ScriptRunner,
) -> None:
    async with open_receiver() as receiver:
        receiver.answers.append(404)
        body = f"""
            const good = fetch('{receiver.url}');
            const bad = fetch('http://127.0.0.1:1').catch(error => String(error));
            return [(await good).status, await bad];
        """
        found = await run(connected, body)
    assert found == [404, "TypeError: the connection failed (ConnectError)"]


async def test_a_script_makes_few_requests(connected: ScriptRunner) -> None:
    async with open_receiver() as receiver:
        body = f"for (;;) await fetch('{receiver.url}')"
        assert "8 requests at most" in (await failure(connected, body))[1]
        assert receiver.count == 8


@pytest.mark.parametrize(
    "call",
    [
        "fetch('file:///etc/passwd')",
        "fetch('http://127.0.0.1', { method: 'CONNECT' })",
        "fetch('http://127.0.0.1', { headers: { 'a\\r\\nb': 'c' } })",
        "fetch('x'.repeat(5000))",
        "fetch()",
    ],
)
async def test_what_is_no_request_is_refused(connected: ScriptRunner, call: str) -> None:
    assert (await failure(connected, f"return await {call}"))[1].startswith("TypeError: ")


async def test_private_addresses_are_not_reached_unless_allowed() -> None:
    runner = ScriptRunner(Outbound(), wall_seconds=30)
    found = await failure(runner, "return fetch('http://127.0.0.1:1')")
    assert found == ("runtime", "TypeError: the address is not a public one")


async def test_who_never_answers_costs_the_script_its_time() -> None:
    runner = ScriptRunner(Outbound(allow_private=True), wall_seconds=0.3)
    async with open_receiver() as receiver:
        receiver.answers.append(SILENCE)
        assert (await failure(runner, f"return fetch('{receiver.url}')"))[0] == "timeout"
    assert runner._idle == []
