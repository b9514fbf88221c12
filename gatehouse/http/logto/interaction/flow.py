"""Begin, show who one is, lay down a profile, submit."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from gatehouse.actors import older_interaction, sign_in
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.actors.verification import Event, Identifier, IdentifierType
from gatehouse.actors.visit import Visit
from gatehouse.http.call import Call
from gatehouse.http.logto.errors import ApiError
from gatehouse.http.logto.experience.models import (
    InteractionEvent,
    Password,
    SubmitReply,
    Username,
)
from gatehouse.http.logto.interaction.access import interaction_operations
from gatehouse.http.visit import visit_of
from gatehouse.http.wire import Email, JsonObject, Maybe, Phone, Wire

operations = interaction_operations()

Code = Annotated[str, Field(min_length=1, max_length=64)]
Secret = Annotated[str, Field(min_length=1, max_length=4096)]
ConnectorId = Annotated[str, Field(min_length=1, max_length=128)]


class _Named(Wire):
    username: Maybe[Annotated[str, Field(min_length=1, max_length=256)]] = None
    email: Maybe[Annotated[str, Field(min_length=1, max_length=256)]] = None
    phone: Maybe[Annotated[str, Field(min_length=1, max_length=256)]] = None

    def to_core(self) -> Identifier:
        """The name that was given; one of them was."""
        for kind in IdentifierType:
            if (value := getattr(self, kind.value)) is not None:
                return Identifier(kind, value)
        raise Refused(Reason.VERIFICATION_MISSING, part="body")


class ByPassword(_Named):
    """A name and its account's password."""

    password: Secret


class ByCode(Wire):
    """An address and the code that was sent there."""

    email: Maybe[Email] = None
    phone: Maybe[Phone] = None
    verification_code: Code

    def to_core(self) -> Identifier:
        """The address."""
        if self.email is not None:
            return Identifier(IdentifierType.EMAIL, self.email)
        if self.phone is not None:
            return Identifier(IdentifierType.PHONE, self.phone)
        raise Refused(Reason.VERIFICATION_MISSING, part="body")


class BySocial(Wire):
    """What the browser brought back from a provider."""

    connector_id: ConnectorId
    connector_data: JsonObject


class BySocialAddress(Wire):
    """The address that the provider has verified."""

    connector_id: ConnectorId
    email: Maybe[Email] = None
    phone: Maybe[Phone] = None


def _kind(body: Any) -> str:
    names = set(body) if isinstance(body, dict) else getattr(body, "model_fields_set", set())
    if names & {"connectorData", "connector_data"}:
        return "social"
    if names & {"connectorId", "connector_id"}:
        return "social address"
    return "code" if names & {"verificationCode", "verification_code"} else "password"


AnyIdentifier = ByPassword | ByCode | BySocial | BySocialAddress
IdentifierBody = Annotated[
    Annotated[ByPassword, Tag("password")]
    | Annotated[ByCode, Tag("code")]
    | Annotated[BySocial, Tag("social")]
    | Annotated[BySocialAddress, Tag("social address")],
    Discriminator(_kind),
]


class ProfileBody(Wire):
    """What the account is to have."""

    username: Maybe[Username] = None
    email: Maybe[Email] = None
    phone: Maybe[Phone] = None
    connector_id: Maybe[ConnectorId] = None
    password: Maybe[Password] = None

    @property
    def names(self) -> dict[IdentifierType, str]:
        """The identifiers among it."""
        given = {kind: getattr(self, kind.value) for kind in IdentifierType}
        return {kind: value for kind, value in given.items() if value is not None}


class BeginBody(Wire):
    """What a person came to do, and what is known of them already."""

    event: InteractionEvent
    identifier: Maybe[IdentifierBody] = None
    profile: Maybe[ProfileBody] = None


class EventBody(Wire):
    """What a person came to do instead."""

    event: InteractionEvent


class ToEmail(Wire):
    """A mail address."""

    email: Email


class ToPhone(Wire):
    """A phone number."""

    phone: Phone


def _address_kind(body: Any) -> Literal["email", "phone"]:
    by_mail = isinstance(body, ToEmail) or (isinstance(body, dict) and "email" in body)
    return "email" if by_mail else "phone"


Address = Annotated[
    Annotated[ToEmail, Tag("email")] | Annotated[ToPhone, Tag("phone")],
    Discriminator(_address_kind),
]


@operations.put(
    "/api/interaction",
    "PutInteraction",
    body=BeginBody,
    status=204,
    statuses=(400, 401, 403, 422),
)
async def begin(call: Call[BeginBody]) -> None:
    """Begin an interaction, forgetting what went before."""
    body, visit = call.body, visit_of(call)
    event = Event(body.event)
    state = await visit.state()
    # A code waits in the interaction in which it was asked for.
    waiting = isinstance(body.identifier, ByCode) and state.event is event
    if not waiting:
        await older_interaction.begin(visit, event)
    if body.identifier is not None:
        await _show(visit, body.identifier)
    if body.profile is not None:
        await _lay_down(visit, body.profile, replace=True)


@operations.delete("/api/interaction", "DeleteInteraction", status=204, statuses=(400,))
async def abort(call: Call) -> None:
    """Give up: the application is told that access was denied."""
    await older_interaction.abort(visit_of(call))


@operations.put(
    "/api/interaction/event",
    "UpdateEvent",
    body=EventBody,
    status=204,
    statuses=(400, 403, 404),
)
async def switch_event(call: Call[EventBody]) -> None:
    """Change from signing in to registering or back."""
    try:
        await sign_in.switch_event(visit_of(call), Event(call.body.event))
    except Refused as refusal:
        if refusal.reason is Reason.NOT_FOR_FORGOT_PASSWORD:
            raise ApiError(Reason.NOT_STARTED.value) from None
        raise


@operations.patch(
    "/api/interaction/identifiers",
    "PatchIdentifiers",
    body=IdentifierBody,
    status=204,
    statuses=(400, 401, 404, 422),
)
async def identifiers(call: Call[AnyIdentifier]) -> None:
    """Show that an identifier is one's own."""
    await _show(visit_of(call), call.body)


@operations.put(
    "/api/interaction/profile",
    "PutProfile",
    body=ProfileBody,
    status=204,
    statuses=(400, 404, 422),
)
async def put_profile(call: Call[ProfileBody]) -> None:
    """Lay down what the account is to have, in the place of what was said before."""
    await _lay_down(visit_of(call), call.body, replace=True)


@operations.patch(
    "/api/interaction/profile",
    "PatchProfile",
    body=ProfileBody,
    status=204,
    statuses=(400, 404, 422),
)
async def patch_profile(call: Call[ProfileBody]) -> None:
    """Lay down more of what the account is to have."""
    await _lay_down(visit_of(call), call.body, replace=False)


@operations.delete("/api/interaction/profile", "DeleteProfile", status=204, statuses=(400, 404))
async def delete_profile(call: Call) -> None:
    """Forget what the account was to have."""
    await older_interaction.forget(visit_of(call))


@operations.post(
    "/api/interaction/verification/verification-code",
    "SendInteractionCode",
    body=Address,
    status=204,
    statuses=(400, 404, 429, 501),
)
async def send_code(call: Call[ToEmail | ToPhone]) -> None:
    """Send a code to an address."""
    body = call.body
    identifier = (
        Identifier(IdentifierType.EMAIL, body.email)
        if isinstance(body, ToEmail)
        else Identifier(IdentifierType.PHONE, body.phone)
    )
    await older_interaction.send_code(visit_of(call), identifier)


@operations.post(
    "/api/interaction/submit",
    "SubmitOlderInteraction",
    response=SubmitReply,
    statuses=(400, 401, 403, 404, 422),
)
async def submit(call: Call) -> SubmitReply | None:
    """Finish: the browser goes on to where the answer says. A recovery goes nowhere."""
    redirect_to = await older_interaction.submit(visit_of(call))
    return None if redirect_to is None else SubmitReply(redirect_to=redirect_to)


async def _show(visit: Visit, identifier: AnyIdentifier) -> None:
    match identifier:
        case ByPassword(password=password):
            await older_interaction.show_password(visit, identifier.to_core(), password)
        case ByCode(verification_code=code):
            await older_interaction.show_code(visit, identifier.to_core(), code)
        case BySocial(connector_id=connector_id, connector_data=data):
            await older_interaction.show_social(visit, connector_id, data)
        case BySocialAddress(connector_id=connector_id):
            await older_interaction.show_social_address(visit, connector_id)


async def _lay_down(visit: Visit, profile: ProfileBody, *, replace: bool) -> None:
    await older_interaction.lay_down(
        visit, profile.names, profile.password, profile.connector_id, replace=replace
    )
