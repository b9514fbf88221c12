"""How the lists of the Management API are asked for in `crowd`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Ask:
    """An operation with the query strings to ask it with, in one place of its path."""

    operation: str
    queries: tuple[str, ...] = ("",)
    path: Mapping[str, str] = field(default_factory=dict)


def _ask(operation: str, *queries: str, **path: str) -> Ask:
    return Ask(operation, queries or ("",), path)


PAGES = ("", "page=2&page_size=20", "page=1&page_size=100")

LISTS_BESIDES = {
    "ListUserAllIdentities",
    "ListUserGrants",
    "ListUserSessions",
    "GetApplicationAccessControl",
    "ListApplicationUserConsentScopes",
}
"""What does not look like a list but is one."""

HANDFUL = {
    "GetOidcKeys",
    "ListActions",
    "ListApplicationProtectedAppMetadataCustomDomains",
    "ListConnectorFactories",
    "ListDomainVerificationFiles",
    "ListJwtCustomizers",
    "ListSamlApplicationSecrets",
    "ListSsoConnectorProviders",
    "ListSsoConnectorSigningKeys",
}
"""Lists of a handful, however large the tenant is."""

ASKED: tuple[Ask, ...] = (
    _ask(
        "ListUsers",
        *PAGES,
        "page=900",
        "page=500&page_size=20",
        "search=user77&mode=exact",
        "search.username=name_77&mode=exact&isCaseSensitive=true",
        "search.primaryEmail=mail77@people.example&mode=exact",
        "search.primaryPhone=49000000077&mode=exact",
        "search.name=person%2077&mode=exact",
        "search.id=user77&search.id=user78&mode=exact",
        "search.id=user77&search.name=nobody&mode=exact&joint=and",
        "search=nobody",
    ),
    _ask("ListUserRoles", *PAGES, "search.name=role%2077", userId="user1"),
    _ask("ListUserRoles", *PAGES, userId="user2"),
    _ask("ListUserOrganizations", userId="user2"),
    _ask("ListUserPersonalAccessTokens", userId="user2"),
    _ask("ListUserMfaVerifications", userId="user2"),
    _ask("ListUserAllIdentities", userId="user2"),
    _ask("ListUserSessions", userId="user2"),
    _ask("ListUserGrants", userId="user2"),
    _ask("GetTotalUserCount"),
    _ask("GetNewUserCounts"),
    _ask("GetActiveUserCounts", "", "date=2022-02-01"),
    _ask(
        "ListApplications",
        *PAGES[1:],
        "page=29",
        "types=MachineToMachine",
        "types=MachineToMachine&page=1",
        "types=SPA&page=2",
        "types=SPA&types=Native&page=2",
        "isThirdParty=true&page=1",
        "excludeRoleId=role2&page=1",
        "excludeOrganizationId=org2&page=1",
        "search.name=App%2077&page=1",
        "search=app77&page=1",
    ),
    _ask("ListApplicationRoles", *PAGES, applicationId="app3"),
    _ask("ListApplicationOrganizations", *PAGES, id="app3"),
    _ask("ListApplicationSecrets", id="app1"),
    _ask(
        "ListApplicationUserConsentOrganizations",
        *PAGES,
        id="app5",
        userId="user1",
    ),
    _ask("ListApplicationUserConsentScopes", applicationId="app5"),
    _ask("GetApplicationAccessControl", applicationId="app1"),
    _ask("ListResources", "page=1", "page=29", "page=2&includeScopes=true"),
    _ask("ListResourceScopes", "page=1", "page=10", "page=1&search.name=do:77", resourceId="api1"),
    _ask("ListResourceScopes", "", "page=1", "search.name=do:500", resourceId="api500"),
    _ask(
        "ListRoles",
        *PAGES,
        "page=29",
        "type=MachineToMachine",
        "type=User&page=2",
        "excludeUserId=user2",
        "excludeUserId=user1",
        "excludeApplicationId=app2&type=MachineToMachine",
        "search.name=role%2077",
        "search=role77",
        "search.id=role77&search.name=Role%2078&mode=exact",
    ),
    _ask("ListRoleUsers", *PAGES, "page=20", "search.name=person%2077", id="role1"),
    _ask("ListRoleUsers", *PAGES, "search=user77", id="role2"),
    _ask("ListRoleApplications", *PAGES, id="role1"),
    _ask("ListRoleApplications", *PAGES, id="role2"),
    _ask("ListRoleScopes", "page=1", "page=2", "page=1&search.name=do:77", id="role1"),
    _ask("ListRoleScopes", "", "search.name=do:3", id="role2"),
    _ask("ListOrganizations", *PAGES, "page=190", "showFeatured=true"),
    _ask("ListOrganizationUsers", *PAGES, "page=900", "organizationRoleId=orole7", id="org1"),
    _ask("ListOrganizationUsers", *PAGES, "q=77", "organizationRoleId=orole7", id="org2"),
    _ask("ListOrganizationUserRoles", *PAGES, id="org1", userId="user2"),
    _ask("ListOrganizationUserScopes", id="org1", userId="user2"),
    _ask("ListOrganizationApplications", *PAGES, "organizationRoleId=orole7", id="org1"),
    _ask("ListOrganizationApplications", *PAGES, "q=77", id="org2"),
    _ask("ListOrganizationApplicationRoles", *PAGES, id="org1", applicationId="app2"),
    _ask("ListOrganizationJitEmailDomains", "page=1", "page=14", id="org1"),
    _ask("ListOrganizationJitEmailDomains", id="org2"),
    _ask("ListOrganizationJitRoles", id="org2"),
    _ask("ListOrganizationJitSsoConnectors", "", "page=1", id="org2"),
    _ask("ListOrganizationRoles", "page=1"),
    _ask("ListOrganizationRoleScopes", "", "page=1", id="orole2"),
    _ask("ListOrganizationRoleResourceScopes", "", "page=1", id="orole2"),
    _ask("ListOrganizationScopes", "page=1"),
    _ask(
        "ListOrganizationInvitations",
        "organizationId=org2",
        "inviterId=user2",
        "invitee=Mail77@people.example",
        "organizationId=org2&inviterId=user3",
    ),
    _ask(
        "ListLogs",
        *PAGES,
        "page=900",
        "userId=user2",
        "applicationId=app2",
        "applicationId=app2&userId=user2",
        "logKey=Rare",
        "logKey=Usual",
        "logKey=Usual&userId=user2",
        "logKey=Usual&applicationId=app2",
        "start_time=1700000000500&end_time=1700000000900",
        "start_time=1700000000500",
        "userId=user2&start_time=1700000000500",
        "enableCap=true",
    ),
    _ask("ListHooks", "page=1", "page=10", "page=1&includeExecutionStats=true"),
    _ask("GetHook", "", "includeExecutionStats=true", id="hook2"),
    _ask(
        "ListHookRecentLogs",
        "",
        "logKey=TriggerHook.PostSignIn",
        "start_time=1700000000500",
        id="hook2",
    ),
    _ask("ListSsoConnectors", "page=1", "page=10"),
    _ask("ListConnectors", "", "target=github"),
    _ask(
        "ListOneTimeTokens",
        *PAGES[1:],
        "page=50",
        "email=mail77@people.example",
        "email=mail77@people.example&status=consumed",
        "status=consumed&page=1",
        "status=revoked",
        "status=active",
    ),
    _ask("ListEmailTemplates", "", "languageTag=en", "templateType=Generic"),
    _ask("ListDomains"),
    _ask("ListCustomPhrases"),
    _ask("ListCustomProfileFields"),
)
