"""`/api/applications/{applicationId}/sign-in-experience`: how one application's sign-in looks."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from gatehouse.http.call import Call, Reply
from gatehouse.http.logto.access import CONSOLE_ONLY, MANAGEMENT
from gatehouse.http.logto.management.organizations import Colors
from gatehouse.http.logto.management.sign_in_exp_models import Branding, LongText, UrlOrNothing
from gatehouse.http.logto.management.store import Store, read, write
from gatehouse.http.operation import Operations
from gatehouse.http.wire import JsonObject, Maybe, View, Wire
from gatehouse.storage.application_looks import ApplicationSignInExperience

PATH = "/api/applications/{applicationId}/sign-in-experience"

operations = Operations(tags=("Applications",), access=MANAGEMENT, cors=CONSOLE_ONLY)


class Looks(Wire):
    """An application's looks. What is left out stays as it was."""

    color: Maybe[Colors] = None
    branding: Maybe[Branding] = None
    custom_css: LongText | None = None
    display_name: Annotated[str, Field(max_length=256)] | None = None
    terms_of_use_url: UrlOrNothing = None
    privacy_policy_url: UrlOrNothing = None


class LooksView(View):
    """An application's looks, as far as they differ from the tenant's."""

    tenant_id: str
    application_id: str
    color: JsonObject
    branding: JsonObject
    custom_css: str | None
    terms_of_use_url: str | None
    privacy_policy_url: str | None
    display_name: str | None


@operations.get(PATH, "GetApplicationSignInExperience", response=LooksView, statuses=(404,))
async def get_looks(call: Call) -> LooksView:
    """Read how an application's sign-in looks."""

    def look(store: Store) -> ApplicationSignInExperience:
        application = store.applications.get(call.path["applicationId"])
        return store.application_looks.get(application.id)

    return LooksView.of(await read(call, look))


@operations.put(
    PATH,
    "ReplaceApplicationSignInExperience",
    body=Looks,
    response=LooksView,
    statuses=(201, 404, 422),
)
async def put_looks(call: Call[Looks]) -> Reply:
    """Say how an application's sign-in looks; 201 the first time."""
    given: dict[str, Any] = call.body.given()
    for name in ("color", "branding"):
        if name in given:
            given[name] = given[name].as_json()

    def change(store: Store) -> tuple[int, ApplicationSignInExperience]:
        id_ = store.applications.get(call.path["applicationId"]).id
        if store.application_looks.find(id_) is not None:
            return 200, store.application_looks.update(id_, **given)
        new = ApplicationSignInExperience(application_id=id_, **given)
        return 201, store.application_looks.create(new)

    status, looks = await write(call, change)
    return Reply(status, LooksView.of(looks))
