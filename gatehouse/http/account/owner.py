"""Who is at an account page: somebody signed in at this browser, with a form that is ours."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Annotated, Any, TypeVar
from urllib.parse import urlencode

from markupsafe import Markup
from pydantic import BaseModel, Field

from gatehouse.actors import account_verification, own_account
from gatehouse.actors.account_center import AccountCenter
from gatehouse.actors.audit import Origin
from gatehouse.actors.authorization import ACCOUNT_PAGES, AuthorizationRequest
from gatehouse.actors.core import Core
from gatehouse.actors.sign_on import find_presence
from gatehouse.http.call import Call, Reply, redirect
from gatehouse.http.oidc import browser
from gatehouse.http.oidc.authorize import ACCOUNT_PATH, sign_in_for
from gatehouse.http.pages.forms import csrf_matches, csrf_token
from gatehouse.http.pages.messages import STALE_FORM, Message
from gatehouse.http.pages.render import page
from gatehouse.http.pages.words import Words, words_for
from gatehouse.storage.records import User

AnyCall = Call[Any, Any]
F = TypeVar("F", bound="OwnForm")

HOME = ACCOUNT_PATH
VERIFY = f"{HOME}/verify"

Typed = Annotated[str, Field(max_length=4096)]


class OwnForm(BaseModel):
    """What every form of these pages has."""

    csrf: Annotated[str, Field(max_length=64)] = ""
    by: Annotated[str, Field(max_length=32)] = ""


@dataclass(frozen=True, slots=True)
class Owner:
    """Somebody who is signed in at this browser, and what they may do with their account."""

    call: AnyCall
    session_id: str
    user: User
    center: AccountCenter
    words: Words

    @property
    def core(self) -> Core:
        """The core that answers."""
        return self.call.core

    @property
    def csrf(self) -> str:
        """The token of every form: bound to the session."""
        return csrf_token(self.core, _subject(self.session_id))

    @property
    def origin(self) -> Origin:
        """Where they are."""
        agent = self.call.headers.get("user-agent")
        accepted = self.call.headers.get("accept-language")
        return Origin(self.call.client_address, agent, accept_language=accepted)

    async def verified(self) -> bool:
        """Whether they have shown that it is really them, as far as they can."""
        if not own_account.can_verify(self.user):
            return True
        named = browser.account_verification(self.core, self.call.cookies)
        return await account_verification.permits_changes(self.core, self.user.id, named)

    async def draw(
        self,
        template: str,
        values: Mapping[str, object],
        error: Message | None = None,
        *,
        cookies: Sequence[str] = (),
    ) -> Reply:
        """One of the account pages."""
        css = self.center.custom_css or ""
        shared = {
            "csrf": self.csrf,
            "error": error,
            "home": HOME,
            "custom_css": Markup("") if "</" in css else Markup(css),  # noqa: S704 - an operator's
        }
        status = 200 if error is None else 400
        return await page(
            self.core, self.words, template, {**shared, **values}, status=status, cookies=cookies
        )


Handler = Callable[[Owner, Any], Awaitable[Reply]]


def for_owner(handler: Handler) -> Callable[[AnyCall], Awaitable[Reply]]:
    """The page of whoever is signed in; others sign in first. A form must be one of ours."""

    @wraps(handler)
    async def answer(call: AnyCall) -> Reply:
        owner = await _owner_of(call)
        if owner is None:
            return await sign_in_for(
                call, AuthorizationRequest(client_id=ACCOUNT_PAGES, redirect_uri="")
            )
        if isinstance(call.body, OwnForm) and not csrf_matches(
            call.core, _subject(owner.session_id), call.body.csrf
        ):
            words = owner.words
            values = {
                "title": words("page.trouble.try_again"),
                "text": STALE_FORM.said(words).text,
                "good": False,
                "facts": (),
                "link": (words("account_center.page.title"), HOME),
            }
            return await page(call.core, words, "message.html", values, status=400)
        return await handler(owner, call.body)

    return answer


def sensitive(handler: Handler) -> Handler:
    """The same, for what takes more than being signed in: others show first that it is them."""

    @wraps(handler)
    async def answer(owner: Owner, form: Any) -> Reply:
        if await owner.verified():
            return await handler(owner, form)
        return redirect(f"{VERIFY}?{urlencode({'then': owner.call.url_path})}")

    return answer


def home(changed: str = "") -> Reply:
    """Back to the overview, which says what was changed."""
    return redirect(f"{HOME}?{urlencode({'changed': changed})}" if changed else HOME)


def _subject(session_id: str) -> str:
    return f"account:{session_id}"


async def _owner_of(call: AnyCall) -> Owner | None:
    core = call.core
    center = await core.directory.account_center()
    center.check_enabled()
    presence = await find_presence(core, browser.session_id(core, call.cookies))
    if presence is None:
        return None
    user = await own_account.get(core, presence.session.user_id)
    words = await words_for(core, call.headers.get("accept-language"))
    return Owner(call, presence.session_id, user, center, words)
