"""`/api/custom-profile-fields`: what people are asked for besides their identifiers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gatehouse.actors.profile_fields import check_name, forget_field
from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT
from gatehouse.http.logto.errors import ApiError, StrangeInput
from gatehouse.http.logto.management.custom_profile_field_models import (
    MAX_FIELDS,
    AnyField,
    FieldView,
    NewField,
    NewFields,
    Order,
)
from gatehouse.http.logto.management.store import Store, read, write
from gatehouse.http.operation import Operations
from gatehouse.http.wire import Wire
from gatehouse.storage.custom_profile_fields import CustomProfileField
from gatehouse.storage.patterns import PatternRefused, linear_pattern

operations = Operations(tags=("Custom profile fields",), access=MANAGEMENT, cors=CONSOLE_ONLY)


@operations.get("/api/custom-profile-fields", "ListCustomProfileFields", response=list[FieldView])
async def list_fields(call: Call) -> Reply:
    """List the fields in the order of the page."""
    return _shown(200, await read(call, lambda store: store.custom_profile_fields.all()))


@operations.get(
    "/api/custom-profile-fields/{name}",
    "GetCustomProfileFieldByName",
    response=FieldView,
    statuses=(404,),
)
async def get_field(call: Call) -> FieldView:
    """Read a field."""
    name = call.path["name"]
    return FieldView.of(await read(call, lambda store: store.custom_profile_fields.by_name(name)))


@operations.post(
    "/api/custom-profile-fields",
    "CreateCustomProfileField",
    body=NewField,
    response=FieldView,
    status=201,
    statuses=(400, 422),
)
async def create_field(call: Call[Any]) -> FieldView:
    """Define a field."""
    (made,) = await _create(call, [call.body])
    return FieldView.of(made)


@operations.post(
    "/api/custom-profile-fields/batch",
    "CreateCustomProfileFieldsBatch",
    body=NewFields,
    response=list[FieldView],
    status=201,
    statuses=(400, 422),
)
async def create_fields(call: Call[list[Any]]) -> Reply:
    """Define fields: all of them, or none."""
    return _shown(201, await _create(call, call.body))


@operations.put(
    "/api/custom-profile-fields/{name}",
    "UpdateCustomProfileFieldByName",
    body=AnyField,
    response=FieldView,
    statuses=(400, 404),
)
async def update_field(call: Call[Any]) -> FieldView:
    """Change a field; what is not sent stays."""
    name, changes = call.path["name"], call.body.as_json()
    check_field(name, changes, strict=True)

    def change(store: Store) -> CustomProfileField:
        found = store.custom_profile_fields.by_name(name)
        return store.custom_profile_fields.update(found.id, **changes)

    return FieldView.of(await write(call, change))


@operations.delete(
    "/api/custom-profile-fields/{name}", "DeleteCustomProfileFieldByName", statuses=(404,)
)
async def delete_field(call: Call) -> None:
    """Delete a field, also from the forms that show it. What people entered stays."""
    name = call.path["name"]

    def change(store: Store) -> None:
        fields = store.custom_profile_fields
        fields.delete(fields.by_name(name).id)
        forget_field(fields.tx, fields.tenant_id, name)

    await write(call, change)


@operations.post(
    "/api/custom-profile-fields/properties/sie-order",
    "UpdateCustomProfileFieldsSieOrder",
    body=Order,
    response=list[FieldView],
)
async def update_order(call: Call[Order]) -> Reply:
    """Say where fields are on the page."""
    places = {place.name: place.sie_order for place in call.body.order}
    if len(places) < len(call.body.order):
        raise StrangeInput("A field is named twice.")

    def change(store: Store) -> list[CustomProfileField]:
        fields = store.custom_profile_fields
        found = {one.name: one for one in fields.named(list(places))}
        if absent := [name for name in places if name not in found]:
            raise ApiError(
                "custom_profile_fields.entity_not_exists_with_names",
                params={"names": ", ".join(absent)},
            )
        moved = [fields.update(found[name].id, sie_order=at) for name, at in places.items()]
        return sorted(moved, key=lambda one: one.sie_order)

    return _shown(200, await write(call, change))


async def _create(call: Call[Any], wanted: Sequence[Wire]) -> list[CustomProfileField]:
    sent = [one.as_json() for one in wanted]
    for one in sent:
        check_field(one["name"], one)

    def change(store: Store) -> list[CustomProfileField]:
        fields = store.custom_profile_fields
        if len(fields.all()) + len(sent) > MAX_FIELDS:
            raise StrangeInput(f"There can be {MAX_FIELDS} fields at most.")
        made = []
        for place, one in enumerate(sent, fields.next_order()):
            made.append(fields.create(CustomProfileField(**one, sie_order=place)))
        return made

    return await write(call, change)


def _shown(status: int, fields: Sequence[CustomProfileField]) -> Reply:
    return Reply(status, [FieldView.of(one) for one in fields])


def check_field(name: str, field: dict[str, Any], *, strict: bool = False) -> None:
    """Whether a field makes sense. A new one may still lack its options; a changed one may not.

    Raises ApiError, Refused.
    """
    check_name(name)
    config: dict[str, Any] = field.get("config") or {}
    _check_range(config.get("minLength"), config.get("maxLength"))
    _check_range(config.get("minValue"), config.get("maxValue"))
    match field["type"]:
        case "Checkbox" if strict and "defaultValue" not in config:
            raise ApiError("custom_profile_fields.invalid_default_value")
        case "Select" if strict and not config.get("options"):
            raise ApiError("custom_profile_fields.invalid_options")
        case "Regex":
            try:
                linear_pattern(config.get("format", ""))
            except PatternRefused:
                raise ApiError("custom_profile_fields.invalid_regex_format") from None
        case "Address" | "Fullname" as kind:
            _check_parts(kind, config["parts"], strict)


def _check_range(low: float | None, high: float | None) -> None:
    if low is not None and high is not None and low > high:
        raise ApiError("custom_profile_fields.invalid_min_max_input")


def _check_parts(kind: str, parts: Sequence[dict[str, Any]], strict: bool) -> None:
    if not parts:
        raise ApiError(f"custom_profile_fields.invalid_{kind.lower()}_components")
    if any(part["type"] in ("Address", "Fullname") for part in parts):
        raise ApiError("custom_profile_fields.invalid_sub_component_type")
    if len({part["name"] for part in parts}) < len(parts):
        raise StrangeInput("A part is named twice.")
    for part in parts:
        check_field(part["name"], part, strict=strict)
