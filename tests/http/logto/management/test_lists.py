"""What every list does: pages, totals, links, and searching."""

from __future__ import annotations

import pytest

from tests.http.contract import Api
from tests.http.running import BOTH_DATABASES, Server


async def people(api: Api, count: int) -> list[str]:
    return [
        (await api("CreateUser", json={"username": f"user_{n}", "name": f"Name {n}"}))["id"]
        for n in range(count)
    ]


async def test_a_list_says_how_long_it_is_and_where_its_pages_are(api: Api, server: Server) -> None:
    await people(api, 4)  # and the demo user
    answer = await api.send("ListUsers", query="page=2&page_size=2&search=%25")
    assert len(answer.json()) == 2
    assert answer.headers["total-number"] == "5"
    links = dict(reversed(part.split("; ")) for part in answer.headers["link"].split(", "))
    assert links == {
        f'rel="{rel}"': f"<{server.url}/users?page={page}&page_size=2&search=%25>"
        for rel, page in {"first": 1, "prev": 1, "next": 3, "last": 3}.items()
    }


async def test_pages_do_not_overlap(api: Api) -> None:
    made = await people(api, 5)
    seen = []
    for page in (1, 2, 3):
        answer = await api("ListUsers", query={"page": page, "page_size": 2})
        seen += [user["id"] for user in answer]
    assert seen[:5] == made[::-1]
    assert len(set(seen)) == len(seen) == 6


async def test_a_page_beyond_the_end_is_empty(api: Api) -> None:
    answer = await api.send("ListUsers", query={"page": 9})
    assert answer.json() == []
    assert answer.headers["total-number"] == "1"
    assert 'rel="next"' not in answer.headers["link"]


@pytest.mark.parametrize(
    "query",
    ["page=0", "page=-1", "page=x", "page=1.5", "page_size=0", "page_size=101", "page=1&page=2"],
)
async def test_pages_that_cannot_be_are_refused(api: Api, query: str) -> None:
    refused = await api("ListUsers", query=query, expect=400)
    assert refused["code"] == "guard.invalid_pagination"


async def test_lists_that_may_be_asked_for_as_a_whole_have_no_links_then(api: Api) -> None:
    answer = await api.send("ListResources")
    assert "link" not in answer.headers
    paged = await api.send("ListResources", query={"page_size": 1})
    assert paged.headers["total-number"] == "1"


@BOTH_DATABASES
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("search=%25NAME%201%25", [1]),
        ("search=user_2", [2]),
        ("search.username=user_3", [3]),
        ("search.username=%25ser_1", [1]),
        ("search.name=user_1", []),
        ("search=USER_1&mode=exact", [1]),
        ("search=USER_1&mode=exact&isCaseSensitive=true", []),
        ("search.username=user_1&search.name=Name%201&joint=and", [1]),
        ("search.username=user_1&search.name=Name%202&joint=and", []),
        ("search.username=user_1&search.name=Name%202", [1, 2]),
        ("search=%25'%20or%201=1--%25", []),
        ("search.username=user_1&search.username=user_3&mode.username=exact", [1, 3]),
        (
            "search.username=user_1&search.username=user_3&mode=exact"
            "&search.name=Name%201&joint=and",
            [1],
        ),
        ("search.username=_[12]$&mode.username=posix", [1, 2]),
        ("search=USER_[12]&mode=posix", [1, 2]),
        ("search=USER_[12]&mode=posix&isCaseSensitive=true", []),
        ("search.username=user%5C_(1|3)&mode=similar_to&isCaseSensitive=true", [1, 3]),
    ],
)
async def test_users_are_found(api: Api, query: str, found: list[int]) -> None:
    await people(api, 4)
    answer = await api("ListUsers", query=query)
    assert sorted(user["username"] for user in answer) == [f"user_{n}" for n in found]


@pytest.mark.parametrize(
    "query",
    [
        "search=",
        "search.password_hash=x",
        "search=x&mode=telepathy",
        "search=x&joint=xor",
        "search=x&search=y",
        "search=x&mode=similar_to",
        "search=(&mode=posix",
        "search=(a)%5C1&mode=posix",
        "search=x%5C&mode=similar_to&isCaseSensitive=true",
    ],
)
async def test_searches_that_make_no_sense_are_refused(api: Api, query: str) -> None:
    refused = await api("ListUsers", query=query, expect=400)
    assert refused["code"] == "request.invalid_input"


async def test_a_pattern_that_ends_in_an_escape_is_refused(api: Api) -> None:
    answer = await api.send("ListUsers", query={"search": "a\\"})
    assert answer.status_code == 422


SEARCHED = {
    "ListApplicationRoles",
    "ListApplications",
    "ListResourceScopes",
    "ListRoleApplications",
    "ListRoleScopes",
    "ListRoles",
    "ListRoleUsers",
    "ListUserRoles",
    "ListUsers",
}
"""The lists that the contract says can be searched."""


async def test_the_document_tells_which_lists_can_be_searched(server: Server) -> None:
    document = (await server.client.get("/api/.well-known/management.openapi.json")).json()
    told = {
        one["operationId"]
        for methods in document["paths"].values()
        for one in methods.values()
        if any(parameter["name"] == "search_params" for parameter in one["parameters"])
    }
    assert told == SEARCHED
