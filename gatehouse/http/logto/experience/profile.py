"""What an account still needs: given while signing in or registering, stored on submission."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gatehouse.actors import sign_in
from gatehouse.http.call import Call
from gatehouse.http.logto.experience.access import experience_operations
from gatehouse.http.logto.experience.models import Password, Username
from gatehouse.http.visit import visit_of
from gatehouse.http.wire import Wire

operations = experience_operations()


class UsernameBody(Wire):
    """A username for the account."""

    type: Literal["username"]
    value: Username


class PasswordBody(Wire):
    """A first password for the account."""

    type: Literal["password"]
    value: Password


class NewPasswordBody(Wire):
    """A password in place of a forgotten one."""

    password: Password


ProfileBody = Annotated[UsernameBody | PasswordBody, Field(discriminator="type")]


@operations.post(
    "/api/experience/profile",
    "AddUserProfile",
    body=ProfileBody,
    status=204,
    statuses=(400, 403, 404, 422),
)
async def add_profile(call: Call[UsernameBody | PasswordBody]) -> None:
    """Add a username or a first password to the account."""
    if isinstance(call.body, UsernameBody):
        await sign_in.add_username(visit_of(call), call.body.value)
    else:
        await sign_in.add_password(visit_of(call), call.body.value)


@operations.put(
    "/api/experience/profile/password",
    "ResetUserPassword",
    body=NewPasswordBody,
    status=204,
    statuses=(400, 404, 422),
)
async def reset_password(call: Call[NewPasswordBody]) -> None:
    """Choose a new password while recovering a forgotten one."""
    await sign_in.reset_password(visit_of(call), call.body.password)
