"""The demo application: one page that signs in with authorization code and PKCE, as an SPA does.

It shows a newcomer that everything works, and what an application has to do, without installing a
client. It is mounted in front of the dialects where settings ask for it, and is no part of them.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Awaitable
from hashlib import sha256
from typing import Any, Final

from gatehouse.ops.seed import DEMO_PATH

_SCRIPT: Final = """
"use strict";
const page = location.origin + location.pathname;
const client = "demo-app";
const base64url = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));
const say = (text) => { document.getElementById("status").textContent = text; };

async function signIn() {
  const verifier = random(), state = random();
  sessionStorage.setItem("demo", JSON.stringify({ verifier, state }));
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  location.assign("/oidc/auth?" + new URLSearchParams({
    client_id: client, redirect_uri: page, response_type: "code", scope: "openid profile",
    state, code_challenge: base64url(digest), code_challenge_method: "S256",
  }));
}

function signOut(idToken) {
  location.assign("/oidc/session/end?" + new URLSearchParams({
    id_token_hint: idToken, client_id: client, post_logout_redirect_uri: page,
  }));
}

async function redeem(answer) {
  const kept = JSON.parse(sessionStorage.getItem("demo") ?? "{}");
  sessionStorage.removeItem("demo");
  history.replaceState(null, "", page);
  if (answer.has("error")) return say(answer.get("error_description") ?? answer.get("error"));
  if (!kept.state || answer.get("state") !== kept.state) {
    return say("This answer was not asked for.");
  }
  const response = await fetch("/oidc/token", {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "authorization_code", client_id: client, redirect_uri: page,
      code: answer.get("code"), code_verifier: kept.verifier,
    }),
  });
  const tokens = await response.json();
  if (!response.ok) return say(tokens.message ?? "The code was refused.");
  const text = atob(tokens.id_token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
  const claims = JSON.parse(new TextDecoder().decode(bytes));
  say("You are signed in. Your id token says:");
  const claimsView = document.getElementById("claims");
  claimsView.textContent = JSON.stringify(claims, null, 2);
  claimsView.hidden = false;
  const button = document.getElementById("button");
  button.textContent = "Sign out";
  button.onclick = () => signOut(tokens.id_token);
}

document.getElementById("button").onclick = signIn;
const answer = new URLSearchParams(location.search);
if (answer.has("code") || answer.has("error")) redeem(answer).catch((error) => say(error.message));
"""

_STYLE: Final = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
main { margin: 10vh auto; max-width: 34rem; padding: 0 1rem; }
button { background: #0b57d0; border: 0; border-radius: .5rem; color: #fff; font: inherit;
  padding: .75rem 1.5rem; }
button:focus-visible { outline: 3px solid #a8c7fa; outline-offset: 2px; }
pre { background: #8882; border-radius: .5rem; overflow-x: auto; padding: 1rem; }
"""

_PAGE: Final = f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Demo application</title>
<style>{_STYLE}</style>
<main>
<h1>Demo application</h1>
<p id="status" role="status">This page signs in like any application of yours would.</p>
<pre id="claims" hidden></pre>
<button id="button" type="button">Sign in</button>
<noscript><p>An application like this one needs JavaScript; signing in does not.</p></noscript>
</main>
<script>{_SCRIPT}</script>
</html>
""".encode()


def _hash(source: str) -> str:
    return f"'sha256-{b64encode(sha256(source.encode()).digest()).decode()}'"


_HEADERS: Final = (
    (b"content-type", b"text/html; charset=utf-8"),
    (b"content-length", str(len(_PAGE)).encode()),
    (b"cache-control", b"no-store"),
    (
        b"content-security-policy",
        f"default-src 'none'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
        f"script-src {_hash(_SCRIPT)}; style-src {_hash(_STYLE)}".encode(),
    ),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)


class WithDemo:
    """An ASGI application with the demo page in front of it."""

    def __init__(self, app: Any) -> None:
        self._app = app

    def __call__(self, scope: Any, receive: Any, send: Any) -> Awaitable[None]:
        """Answer the demo page; hand everything else on, at the cost of one comparison."""
        if scope.get("path") == DEMO_PATH and scope.get("method") in {"GET", "HEAD"}:
            return _answer(scope, send)
        awaitable: Awaitable[None] = self._app(scope, receive, send)
        return awaitable


async def _answer(scope: Any, send: Any) -> None:
    body = b"" if scope["method"] == "HEAD" else _PAGE
    await send({"type": "http.response.start", "status": 200, "headers": list(_HEADERS)})
    await send({"type": "http.response.body", "body": body})
