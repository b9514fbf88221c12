"""The program inside the sandbox: runs one script after the other, each in a context of its own.

It is started as a process by itself (`runner.py`), without environment, files, network or any of
this package; QuickJS gives a script nothing but the language. A script that breaks out of the
engine finds a process that may not open, write or start anything, and whose standard input and
output lead to a parent that believes nothing it says beyond its size.

Each message is a JSON object after its length (four bytes, big-endian): in, the script, the name
of its function, its argument and its limits; out, `{"value": "<JSON>"}` or `{"kind", "message"}`.
In between a script may have asked for other addresses: out, `{"fetch": [...]}`; in, the answers.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import struct
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any, BinaryIO

import quickjs  # type: ignore[import-untyped, unused-ignore]

MAX_ADDRESS_SPACE = 512 * 1024 * 1024
"""Bytes of address space: the last bound, should the engine's own be got around."""

STACK_BYTES = 256 * 1024
"""The engine's stack: a script that recurses gets an error, and the process no overflow."""

NICENESS = 5
"""Scripts give way to the server that waits for them."""

_LENGTH = struct.Struct(">I")

_PRELUDE = """
"use strict";
(() => {
  const stringify = JSON.stringify, Failure = Error, text = String;
  const parse = JSON.parse, Wrong = TypeError;
  let asked = [], promises = [];
  globalThis.fetch = (url, options) => new Promise((resolve, reject) => {
    const { method = "GET", headers = {}, body = null } = options ?? {};
    const pairs = typeof headers.entries === "function" ? [...headers.entries()]
      : Array.isArray(headers) ? headers : Object.entries(headers);
    asked.push({
      url: text(url), method: text(method), body: body === null ? null : text(body),
      headers: pairs.map(([name, value]) => [text(name), text(value)]),
    });
    promises.push({ resolve, reject });
  });
  const response = ({ status, body }) => ({
    status, ok: status >= 200 && status < 300, headers: { get: () => null, has: () => false },
    text: async () => body, json: async () => parse(body),
  });
  const take = () => {
    const wanted = stringify(asked);
    asked = [];
    return wanted;
  };
  const give = (answers) => {
    const waiting = promises;
    promises = [];
    parse(answers).forEach((answer, place) => answer.error === undefined
      ? waiting[place].resolve(response(answer))
      : waiting[place].reject(new Wrong(answer.error)));
  };
  const quiet = () => undefined;
  globalThis.console = { log: quiet, info: quiet, warn: quiet, error: quiet, debug: quiet };
  class Denied extends Failure {}
  const returned = (value) => {
    if (value === undefined) return { kind: "undefined" };
    const json = stringify(value);
    return json === undefined
      ? { kind: "type", message: "the script returned what is no JSON" }
      : { value: json };
  };
  const failed = (error) => {
    if (error instanceof Denied) return { kind: "denied", message: text(error.message) };
    if (error instanceof Failure) {
      const memory = error.message === "out of memory" || error.message === "interrupted";
      return { kind: "runtime", message: memory ? error.message : `${error}` };
    }
    return { kind: "runtime", message: text(error) };
  };
  let told = null;
  const start = (main, payload) => {
    const end = (answer) => { told ??= stringify(answer); };
    const denyAccess = (message) => {
      const denied = new Denied(message === undefined ? "Access denied" : text(message));
      end({ kind: "denied", message: denied.message });
      throw denied;
    };
    payload.api = Object.freeze({ denyAccess });
    (async () => main(payload))()
      .then((value) => end(returned(value)))
      .catch((error) => end(failed(error)))
      .catch(() => end({ kind: "runtime", message: "the script threw what cannot be told" }));
  };
  globalThis.__server = { start, answer: () => told, take, give };
})();
"""


def run(message: dict[str, Any], ask: Callable[[Any], str]) -> dict[str, Any]:
    """Run one script within its limits; what came of it. `ask` has the parent fetch something."""
    deadline = time.process_time() + message["seconds"]
    context = quickjs.Context()
    context.set_max_stack_size(STACK_BYTES)
    context.eval(_PRELUDE)
    functions = ("start", "answer", "take", "give")
    start, answer, take, give = (context.eval(f"__server.{name}") for name in functions)
    context.eval("delete globalThis.__server")
    context.set_memory_limit(message["memory"])
    context.set_time_limit(message["seconds"])
    try:
        context.eval(message["script"])
    except quickjs.JSException as error:
        return failure("syntax" if "SyntaxError" in str(error) else "runtime", error)
    try:
        main = context.eval(f"typeof {message['entry']} === 'function' ? {message['entry']} : null")
        if main is None:
            return {"kind": "type", "message": f"the script has no function {message['entry']}"}
        start(main, context.parse_json(message["payload"]))
        while answer() is None:
            if time.process_time() > deadline:
                return {"kind": "timeout", "message": ""}
            if context.execute_pending_job():
                continue
            wanted = json.loads(take())
            if not wanted:
                break
            give(ask(wanted))
        told = answer()
    except quickjs.JSException as error:
        return failure("runtime", error)
    if told is None:
        return {"kind": "runtime", "message": "the script waits for what never happens"}
    found: dict[str, Any] = json.loads(told)
    return limits_named(found)


def failure(kind: str, error: Exception) -> dict[str, Any]:
    """What an exception of the engine means."""
    lines = str(error).strip().splitlines() or [""]
    if lines[0] == "null":  # the engine had no memory left to say so
        return {"kind": "memory", "message": ""}
    return limits_named({"kind": kind, "message": lines[0]})


def limits_named(answer: dict[str, Any]) -> dict[str, Any]:
    """The same, with the engine's limits under names of their own."""
    said = str(answer.get("message", ""))
    if said.endswith("interrupted"):
        return {"kind": "timeout", "message": ""}
    if said.endswith("out of memory"):
        return {"kind": "memory", "message": ""}
    return answer


def shut_in() -> None:
    """Give up everything that a script has no need of."""
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
    limits = {
        resource.RLIMIT_AS: MAX_ADDRESS_SPACE,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NOFILE: 0,
    }
    for what, limit in limits.items():
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(what, (limit, limit))


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Run what comes in until nothing comes any more."""
    while head := source.read(_LENGTH.size):
        body = source.read(_LENGTH.unpack(head)[0])
        try:
            answer = run(json.loads(body), partial(fetch, source, sink))
        except MemoryError:
            answer = {"kind": "memory", "message": ""}
        tell(sink, answer)


def fetch(source: BinaryIO, sink: BinaryIO, wanted: Any) -> str:
    """The parent's answers to requests, as JSON."""
    tell(sink, {"fetch": wanted})
    return source.read(_LENGTH.unpack(source.read(_LENGTH.size))[0]).decode()


def tell(sink: BinaryIO, message: dict[str, Any]) -> None:
    """Send a message to the parent."""
    told = json.dumps(message).encode()
    sink.write(_LENGTH.pack(len(told)) + told)
    sink.flush()


if __name__ == "__main__":
    shut_in()
    serve(sys.stdin.buffer, sys.stdout.buffer)
