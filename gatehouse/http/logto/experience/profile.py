"""What an account still needs: given while signing in or registering, stored on submission."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gatehouse.actors import sign_in_profile
from gatehouse.actors.verification import IdentifierType
from gatehouse.http.call import Call
from gatehouse.http.logto.experience.access import experience_operations
from gatehouse.http.logto.experience.models import Password, Username, VerificationId
from gatehouse.http.visit import visit_of
from gatehouse.http.wire import JsonObject, Wire

operations = experience_operations()


class UsernameBody(Wire):
    """A username for the account."""

    type: Literal["username"]
    value: Username


class PasswordBody(Wire):
    """A first password for the account."""

    type: Literal["password"]
    value: Password


class AddressBody(Wire):
    """An email address or a phone number that a code has proved."""

    type: Literal["email", "phone"]
    verification_id: VerificationId


class SocialBody(Wire):
    """A social identity that its provider has vouched for."""

    type: Literal["social"]
    verification_id: VerificationId


class FieldsBody(Wire):
    """The form of the tenant's own fields."""

    type: Literal["extraProfile"]
    values: JsonObject


class NewPasswordBody(Wire):
    """A password in place of a forgotten one."""

    password: Password


AnyBody = UsernameBody | PasswordBody | AddressBody | SocialBody | FieldsBody
ProfileBody = Annotated[AnyBody, Field(discriminator="type")]


@operations.post(
    "/api/experience/profile",
    "AddUserProfile",
    body=ProfileBody,
    status=204,
    statuses=(400, 403, 404, 422),
)
async def add_profile(call: Call[AnyBody]) -> None:
    """Add to the account: a name, an address, a first password, the tenant's own fields."""
    visit = visit_of(call)
    match call.body:
        case UsernameBody(value=username):
            await sign_in_profile.add_username(visit, username)
        case PasswordBody(value=password):
            await sign_in_profile.add_password(visit, password)
        case AddressBody(type=kind, verification_id=verification_id):
            await sign_in_profile.add_address(visit, IdentifierType(kind), verification_id)
        case SocialBody(verification_id=verification_id):
            await sign_in_profile.add_social(visit, verification_id)
        case FieldsBody(values=values):
            await sign_in_profile.add_fields(visit, values)


@operations.put(
    "/api/experience/profile/password",
    "ResetUserPassword",
    body=NewPasswordBody,
    status=204,
    statuses=(400, 404, 422),
)
async def reset_password(call: Call[NewPasswordBody]) -> None:
    """Choose a new password while recovering a forgotten one."""
    await sign_in_profile.reset_password(visit_of(call), call.body.password)
