"""What every factor has in common: how it names a person, and what its verification record says.

A factor is a way to show who one is. Its file declares a record (what the interaction remembers of
one verification) and the functions that gather the facts for such a record. The flows know only
what is declared here, so that adding a factor adds a file and touches no flow.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, ClassVar

import msgspec
from pydantic.alias_generators import to_camel

from gatehouse.actors.refusal import Reason


class Event(StrEnum):
    """What a person came to do; each is a flow over the same interaction."""

    SIGN_IN = "SignIn"
    REGISTER = "Register"
    FORGOT_PASSWORD = "ForgotPassword"  # noqa: S105


class IdentifierType(StrEnum):
    """The kinds of name by which a person can be found."""

    USERNAME = "username"
    EMAIL = "email"
    PHONE = "phone"


class Identifier(msgspec.Struct, frozen=True):
    """A name that a person gave for an account."""

    type: IdentifierType
    value: str


class Method(StrEnum):
    """The columns of the sign-in settings: each can be enabled for each type of identifier."""

    PASSWORD = "password"  # noqa: S105
    VERIFICATION_CODE = "verificationCode"


class Switch(StrEnum):
    """The switches of the settings that let a kind of verification sign in by itself."""

    PASSKEY = "passkeySignIn"
    SINGLE_SIGN_ON = "singleSignOnEnabled"
    SOCIAL = "socialSignIn"


class NewPassword(msgspec.Struct, frozen=True):
    """A password that was accepted and hashed, waiting to be stored with a user."""

    digest: str
    algorithm: str


class SsoLink(msgspec.Struct, frozen=True, kw_only=True):
    """Who a person is at a company's identity provider, and what that says of them."""

    connector_id: str
    issuer: str
    identity_id: str
    detail: dict[str, Any]
    tokens: SealedTokens | None = None


class SocialLink(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Who a person is at a social provider, and what that says of them."""

    target: str
    user_info: dict[str, Any]


class SealedTokens(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens of a provider on their way to the database: `value` is sealed for `place`.

    `metadata` says what may be known without opening them.
    """

    connector_id: str
    target: str
    identity_id: str
    place: str
    value: str
    metadata: dict[str, Any]

    def __repr__(self) -> str:
        return f"<SealedTokens of {self.connector_id!r}>"


class Profile(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a person has given of the account that is being made or completed.

    `profile` are claims (OpenID Connect Core §5.1) and `custom_data` the rest of what the tenant's
    own fields ask for; `submitted`: the form of those was filled in.
    """

    username: str | None = None
    primary_email: str | None = None
    primary_phone: str | None = None
    name: str | None = None
    avatar: str | None = None
    password: NewPassword | None = None
    profile: dict[str, Any] | None = None
    custom_data: dict[str, Any] | None = None
    submitted: bool | None = None
    jit_organizations: tuple[str, ...] | None = None
    sso_identity: SsoLink | None = None
    social_identity: SocialLink | None = None
    social_tokens: SealedTokens | None = None

    def merged(self, newer: Profile) -> Profile:
        """This profile with everything the newer one has."""
        given = {
            name: value
            for name in self.__struct_fields__
            if (value := getattr(newer, name)) is not None
        }
        return msgspec.structs.replace(self, **given)


class Record(msgspec.Struct, frozen=True, kw_only=True, tag_field="factor"):
    """One verification within an interaction. Each factor has its own subclass, tagged by name.

    The tag is the factor's name in the audit log and in metrics. An interaction keeps one record
    of each factor: a newer verification replaces the older. `shown` names what the person's own
    browser may see of a record; what is not named stays on the server.
    """

    shown: ClassVar[tuple[str, ...]] = ("id",)

    id: str

    def view(self) -> dict[str, Any]:
        """What the person's own browser may see, in the wire's words."""
        owner = {} if self.owner is None else {"userId": self.owner}
        return {"type": self.factor, **owner, **view_of(self, self.shown)}

    @property
    def factor(self) -> str:
        """The factor's name: the tag of the record's type."""
        return str(self.__struct_config__.tag)

    @property
    def verified(self) -> bool:
        """Whether the person has passed."""
        raise NotImplementedError

    @property
    def user_id(self) -> str | None:
        """The user this verification identifies, if it passed and can identify one."""
        return None

    @property
    def names(self) -> Identifier | None:
        """The name whose owner this verification identifies: looked for when it is used."""
        return None

    @property
    def identity(self) -> tuple[str, str] | None:
        """Who the person is at a social provider: target and id, looked for when they are used."""
        return None

    @property
    def owner(self) -> str | None:
        """Whose this is, where only that user may be shown it: a second factor's account."""
        return None

    @property
    def second_factor(self) -> str | None:
        """Which second factor of the account was shown, in Logto's words, if one was."""
        return None

    @property
    def waives_mfa(self) -> bool:
        """Whether no second factor is asked for besides this."""
        return self.mfa_elsewhere

    @property
    def invited(self) -> bool:
        """Whether the operator asked this very person in: then no setting keeps them out."""
        return False

    @property
    def sign_in_method(self) -> tuple[IdentifierType, Method] | None:
        """What must be enabled in the sign-in settings before this record identifies a user."""
        return None

    @property
    def sign_in_switch(self) -> Switch | None:
        """What must be switched on instead, where it has nothing to do with identifiers."""
        return None

    @property
    def mfa_elsewhere(self) -> bool:
        """Whether a company's identity provider sees to second factors: none are set up here."""
        return False

    @property
    def new_profile(self) -> Profile | None:
        """What a new user starts with, if this verification can register one and has passed."""
        return None

    @property
    def added_profile(self) -> Profile:
        """What signing in by this verification adds to the account or changes of it."""
        return Profile()

    @property
    def linked_profile(self) -> Profile:
        """The same where the account is found in another way, and is to be found by this too."""
        return self.added_profile

    @property
    def stranger(self) -> Reason:
        """What is said of a verification by which nobody can be identified."""
        return Reason.VERIFICATION_FAILED

    @property
    def vouched_for(self) -> bool:
        """Whether another provider vouches for the person: no captcha is asked for."""
        return False

    @property
    def completes_profile(self) -> bool:
        """Whether an account lacks nothing that is signed in to, or made, by this verification."""
        return False

    @property
    def email(self) -> str | None:
        """The email address by which this verification knows the person, if that is how."""
        identifier: Identifier | None = getattr(self, "identifier", None)
        named = identifier is not None and identifier.type is IdentifierType.EMAIL
        return identifier.value if named and identifier is not None else None

    @property
    def resets_password(self) -> bool:
        """Whether this verification may identify somebody who forgot the password."""
        return False

    @property
    def amr(self) -> tuple[str, ...]:
        """The authentication methods this verification used (RFC 8176)."""
        return ()


def view_of(struct: msgspec.Struct, shown: Iterable[str]) -> dict[str, Any]:
    """The fields of these names that have a value, in the wire's words."""
    given = ((name, getattr(struct, name)) for name in shown)
    return {
        to_camel(name): msgspec.to_builtins(value) for name, value in given if value is not None
    }
