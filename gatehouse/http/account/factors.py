"""The second factors of one's account: listed, an app and backup codes set up, any taken away."""

from __future__ import annotations

from typing import Annotated

from markupsafe import Markup
from pydantic import Field

from gatehouse.actors import own_factors
from gatehouse.actors.account_center import Control
from gatehouse.actors.factors import backup_code, totp
from gatehouse.actors.mfa_checks import rules_of
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.second_factors import MfaFactor, NewBackupCodes
from gatehouse.http.account.owner import Owner, OwnForm, for_owner, sensitive
from gatehouse.http.account.passkeys import FACTORS, PASSKEY, named
from gatehouse.http.account.times import since
from gatehouse.http.call import Reply, redirect
from gatehouse.http.operation import Operations
from gatehouse.http.pages.messages import Message, message_for
from gatehouse.storage.mfa import MfaVerification

operations = Operations(tags=("Pages",))

_TOTP = f"{FACTORS}/totp"
_CODES = f"{FACTORS}/backup-codes"
_GROUP = 4
"""Characters of a key that are written together."""
_KINDS = {"Totp": "mfa.totp", "WebAuthn": "mfa.webauthn", "BackupCode": "mfa.backup_code"}
"""The keys of what each is called."""


class TotpForm(OwnForm):
    """A code of the app that has the key."""

    key: Annotated[str, Field(max_length=64)] = ""
    code: Annotated[str, Field(max_length=64)] = ""


class RemoveForm(OwnForm):
    """Which factor to take away."""

    factor: Annotated[str, Field(max_length=64)] = ""


@operations.get(FACTORS, "AccountFactorsPage", documented=False)
@for_owner
async def factors_page(owner: Owner, form: object) -> Reply:
    """The second factors there are, and could be."""
    owner.center.check_shown("mfa")
    return await _list(owner)


@operations.post(FACTORS, "AccountFactorsForm", body=RemoveForm, form=True, documented=False)
@for_owner
@sensitive
async def remove_factor(owner: Owner, form: RemoveForm) -> Reply:
    """Take a factor away."""
    try:
        factor = await own_factors.find(owner.core, owner.user.id, form.factor)
        owner.center.check_editable("passkey" if factor.type == "WebAuthn" else "mfa")
        await own_factors.remove(owner.core, owner.user.id, factor.id)
    except Refused as refusal:
        if refusal.reason is not Reason.NO_SUCH_VERIFICATION:
            raise
    return redirect(FACTORS)


@operations.get(_TOTP, "AccountTotpPage", documented=False)
@for_owner
@sensitive
async def totp_page(owner: Owner, form: object) -> Reply:
    """A key for an authenticator app."""
    await _check_editable(owner, MfaFactor.TOTP)
    return await _draw_totp(owner, totp.new_key())


@operations.post(_TOTP, "AccountTotpForm", body=TotpForm, form=True, documented=False)
@for_owner
@sensitive
async def add_totp(owner: Owner, form: TotpForm) -> Reply:
    """Take the app's first code; it replaces the app that there was."""
    await _check_editable(owner, MfaFactor.TOTP)
    if not totp.is_key(form.key):
        return await _draw_totp(owner, totp.new_key())
    try:
        new = own_factors.shown_totp(owner.core, form.key, form.code.replace(" ", ""))
    except Refused as refusal:
        return await _draw_totp(owner, form.key, message_for(refusal))
    await own_factors.add(owner.core, owner.user.id, new, replace=True)
    return redirect(FACTORS)


@operations.get(_CODES, "AccountBackupCodesPage", documented=False)
@for_owner
@sensitive
async def codes_page(owner: Owner, form: object) -> Reply:
    """Ask whether to make backup codes."""
    await _check_editable(owner, MfaFactor.BACKUP_CODE)
    values = {
        "title": owner.words("mfa.backup_code"),
        "lead": owner.words("page.account.backup_codes_lead"),
        "action": _CODES,
        "inputs": [],
        "buttons": [(owner.words("page.account.show_codes"), "")],
    }
    return await owner.draw("account_form.html", values)


@operations.post(_CODES, "AccountBackupCodesForm", body=OwnForm, form=True, documented=False)
@for_owner
@sensitive
async def add_codes(owner: Owner, form: OwnForm) -> Reply:
    """Make backup codes, in the place of those that there were, and show them once."""
    await _check_editable(owner, MfaFactor.BACKUP_CODE)
    codes = backup_code.new_codes()
    new = NewBackupCodes.of(owner.core.vault, codes)
    try:
        await own_factors.add(owner.core, owner.user.id, new, replace=True)
    except Refused as refusal:
        return await _list(owner, message_for(refusal))
    return await owner.draw("account_codes.html", {"codes": codes, "back": FACTORS})


async def _check_editable(owner: Owner, kind: MfaFactor) -> None:
    owner.center.check_editable("mfa")
    await own_factors.check_enabled(owner.core, kind)


async def _list(owner: Owner, error: Message | None = None) -> Reply:
    held = await own_factors.factors(owner.core, owner.user.id)
    rules = await rules_of(owner.core)
    enabled, offers, words = rules.factors, [], owner.words
    if owner.center.control("mfa") is Control.EDIT:
        has_totp = any(factor.type == "Totp" for factor in held)
        if MfaFactor.TOTP in enabled:
            key = "replace_authenticator_app" if has_totp else "add_authenticator_app"
            offers.append((words(f"mfa.{key}"), _TOTP))
        if MfaFactor.BACKUP_CODE in enabled and any(one.type != "BackupCode" for one in held):
            offers.append((words("account_center.backup_code.generate_new"), _CODES))
    if owner.center.control("passkey") is Control.EDIT and rules.binds(MfaFactor.WEBAUTHN):
        offers.append((words("account_center.passkey.add_passkey"), PASSKEY))
    values = {
        "title": words("account_center.security.two_step_verification"),
        "action": FACTORS,
        "lead": words("page.account.factors_lead"),
        "items": [_item(owner, factor) for factor in held],
        "empty": words("page.account.no_factors"),
        "field": "factor",
        "offers": offers,
        "sections": [],
    }
    return await owner.draw("account_list.html", values, error)


def _item(owner: Owner, factor: MfaVerification) -> dict[str, object]:
    words = owner.words
    detail = since(words, factor.created_at)
    if factor.type == "BackupCode":
        detail = words("page.account.codes_left", count=factor.remaining)
    passkey = factor.type == "WebAuthn"
    control = owner.center.control("passkey" if passkey else "mfa")
    return {
        "id": factor.id,
        "label": factor.name or words(_KINDS[factor.type]),
        "detail": detail,
        "button": words("action.remove") if control is Control.EDIT else None,
        "href": named(factor.id) if control is Control.EDIT and passkey else None,
    }


async def _draw_totp(owner: Owner, key: str, error: Message | None = None) -> Reply:
    uri = totp.key_uri(owner.core, owner.user, key)
    groups = (key[start : start + _GROUP] for start in range(0, len(key), _GROUP))
    values = {
        "action": _TOTP,
        "picture": Markup(totp.qr_svg(uri)),  # noqa: S704 - drawn here, of a text that is encoded
        "key": " ".join(groups),
        "raw_key": key,
        "back": FACTORS,
    }
    return await owner.draw("account_totp.html", values, error)
