"""Custom profile fields: what they accept, where it is kept, and what is still missing."""

from __future__ import annotations

from typing import Any

import pytest

from gatehouse.actors.profile_fields import (
    ProfileParts,
    check_name,
    fields_of_sign_up,
    missing_fields,
    read_profile,
)
from gatehouse.actors.refusal import Reason, Refused
from gatehouse.storage.custom_profile_fields import CustomProfileField
from gatehouse.storage.patterns import MAX_PATTERN_LENGTH, PatternRefused, linear_pattern


def field(type: Any, name: str = "thing", required: bool = False, **config: Any) -> Any:
    return CustomProfileField(name=name, type=type, required=required, config=config)


def part(name: str, required: bool = False, enabled: bool = True, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": "Text", "required": required, "enabled": enabled, **more}


def accepts(one: CustomProfileField, value: object) -> bool:
    try:
        read_profile([one], {one.name: value})
    except Refused as refusal:
        return refusal.reason is not Reason.PROFILE_VALUE_INVALID
    return True


CHOICE = field("Select", options=[{"value": "a"}, {"value": "b", "label": "B"}])


@pytest.mark.parametrize(
    ("one", "good", "bad"),
    [
        (field("Text"), ["", "x", "x" * 4096], [1, True, ["x"], {}, "x" * 4097]),
        (field("Text", minLength=2, maxLength=3), ["", "ab", "abc"], ["a", "abcd"]),
        (field("Text", required=True), ["x"], [""]),
        (
            field("Number", minValue=-1, maxValue=10),
            [0, -1, 10, 2.5, "7", "1e1"],
            [-2, 11, True, "x", "nan", "inf", "11", [1]],
        ),
        (field("Number"), [0, 10**300], ["1" * 5000, 10**400]),
        (field("Date", format="yyyy-MM-dd"), ["2024-02-29"], ["2023-02-29", "2024-2-9", 5]),
        (field("Date", format="MM/dd/yyyy"), ["12/31/2024"], ["31/12/2024"]),
        (field("Date", format="dd/MM/yyyy"), ["31/12/2024"], ["12/31/2024"]),
        (field("Date", format="custom", customFormat="yyyy"), ["2024"], ["x" * 65]),
        (field("Checkbox"), [True, False, "true", "false"], ["yes", 2, "1"]),
        (CHOICE, ["a", "b"], ["B", "c", ["a"]]),
        (
            field("Url"),
            ["https://example.com/a?b", "http://localhost:3000"],
            ["javascript:alert(1)", "example.com", "https://", "https://[", 7],
        ),
        (field("Regex", format="^[a-z]+$"), ["abc"], ["ABC", "a1", 5]),
        (field("Regex", format="b"), ["abc"], ["ac"]),
        (field("Regex", format="(?=a)a"), [], ["a"]),
    ],
)
def test_a_value_is_one_that_its_field_can_have(
    one: CustomProfileField, good: list[object], bad: list[object]
) -> None:
    assert [value for value in good if not accepts(one, value)] == []
    assert [value for value in bad if accepts(one, value)] == []


def test_a_profile_is_sorted_by_where_its_parts_are_kept() -> None:
    values = {
        "name": "Ann",
        "avatar": "https://example.com/ann.png",
        "nickname": "Annie",
        "givenName": "Ann",
        "address": {"country": "NL", "planet": "Earth"},
        "shoeSize": 39,
        "unheardOf": {"deep": [1]},
    }
    assert read_profile([field("Number", "shoeSize")], values) == ProfileParts(
        "Ann",
        "https://example.com/ann.png",
        {"nickname": "Annie", "givenName": "Ann", "address": {"country": "NL"}},
        {"shoeSize": 39, "unheardOf": {"deep": [1]}},
    )


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("preferredUsername", Reason.PROFILE_NAME_BUILT_IN),
        ("email", Reason.PROFILE_NAME_IDENTIFIER),
        ("primaryPhone", Reason.PROFILE_NAME_IDENTIFIER),
        ("guideRequests", Reason.PROFILE_NAME_CUSTOM_DATA),
    ],
)
def test_reserved_names_are_nobodys_field(name: str, reason: Reason) -> None:
    with pytest.raises(Refused) as refused:
        check_name(name)
    assert refused.value.reason is reason
    with pytest.raises(Refused) as refused:
        read_profile([], {name: "x"})
    assert refused.value.reason is reason
    assert refused.value.params == {"name": name}


@pytest.mark.parametrize("name", ["", "a b", "a-b", "é", "a\n"])
def test_a_name_is_letters_and_digits(name: str) -> None:
    with pytest.raises(Refused) as refused:
        check_name(name)
    assert refused.value.reason is Reason.PROFILE_NAME_INVALID


@pytest.mark.parametrize(
    "values",
    [
        {"name": 1},
        {"avatar": "no url"},
        {"givenName": ["Ann"]},
        {"address": "a street"},
        {"address": {"country": 5}},
        {f"field{number}": 1 for number in range(101)},
        {"long": "x" * 65 * 1024},
    ],
)
def test_values_of_the_wrong_shape_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        read_profile([], values)
    assert refused.value.reason is Reason.PROFILE_VALUE_INVALID


def test_parts_are_checked_each_by_itself() -> None:
    full_name = field(
        "Fullname",
        "fullname",
        parts=[part("givenName", required=True), part("familyName", config={"maxLength": 3})],
    )
    address = field("Address", "address", parts=[part("country", config={"minLength": 2})])
    read_profile([full_name, address], {"givenName": "A", "address": {"country": "NL"}})
    for values in ({"givenName": ""}, {"familyName": "Long"}, {"address": {"country": "N"}}):
        with pytest.raises(Refused):
            read_profile([full_name, address], values)


def test_sign_up_asks_for_all_fields_or_for_those_that_were_chosen() -> None:
    catalog = [field("Text", "a"), field("Text", "b"), field("Text", "c")]
    assert fields_of_sign_up(catalog, None) == catalog
    chosen = [{"name": "c"}, {"name": "gone"}, {"name": "a"}]
    assert [one.name for one in fields_of_sign_up(catalog, chosen)] == ["c", "a"]
    assert fields_of_sign_up(catalog, []) == []


def test_once_the_form_was_sent_only_required_fields_are_missing() -> None:
    wanted = [
        field("Text", "hobby"),
        field("Number", "age", required=True),
        field("Fullname", "fullname", required=True, parts=[part("givenName")]),
    ]
    known: list[dict[str, Any]] = [{"hobby": None}, {"age": 5}]
    assert missing_fields(wanted, known, submitted=False) == ["hobby", "givenName"]
    assert missing_fields(wanted, known, submitted=True) == ["givenName"]
    assert missing_fields(wanted, [*known, {"givenName": ""}], submitted=True) == []


def test_a_pattern_that_would_run_for_years_is_matched_at_once() -> None:
    assert linear_pattern("(a+)+$").search("a" * 4000 + "b") is None


@pytest.mark.parametrize(
    "pattern",
    [r"(a)\1", "(?=a)", "(?<!a)b", "(", "a{1000}{1000}", "x" * (MAX_PATTERN_LENGTH + 1), "\ud800"],
)
def test_a_pattern_that_is_not_linear_is_refused(pattern: str) -> None:
    with pytest.raises(PatternRefused):
        linear_pattern(pattern)
