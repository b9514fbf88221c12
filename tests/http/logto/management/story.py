"""Every change that the Management API can make to records, each at least once, as a table.

The steps are taken in their order, so that a later one finds what an earlier one made: `keep` names
the answer of a step (of a list, its last), from then on `$name` stands for its id and `$name.field`
for a field. What is to hold for every change is tested over this table, so that no operation can be
forgotten.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.http.contract import Api


@dataclass(frozen=True)
class Step:
    """One change: an operation, its body, the path's parameters, the query string."""

    operation: str
    body: Any = None
    keep: str | None = None
    path: Mapping[str, str] = field(default_factory=dict)
    query: str = ""

    async def take(self, api: Api, known: dict[str, Any]) -> httpx.Response:
        """Send it; the answer, held against the contract."""
        path = {name: str(filled(value, known)) for name, value in self.path.items()}
        body = filled(self.body, known)
        answer = await api.send(self.operation, json=body, query=self.query, **path)
        if self.keep is not None and answer.status_code < 300:
            told = answer.json()
            known[self.keep] = told[-1] if isinstance(told, list) else told
        return answer


def step(
    operation: str, body: Any = None, keep: str | None = None, *, query: str = "", **path: str
) -> Step:
    return Step(operation, body, keep, path, query)


def filled(part: Any, known: Mapping[str, Any]) -> Any:
    """A body or a parameter with what `$name` stands for."""
    match part:
        case dict():
            return {name: filled(value, known) for name, value in part.items()}
        case list():
            return [filled(one, known) for one in part]
        case str() if reference := re.fullmatch(r"\$(\w+)(?:\.(\w+))?", part):
            return known[reference[1]][reference[2] or "id"]
        case _:
            return part


USER = {"userId": "$ada"}
APP = {"applicationId": "$web"}
ACME = {"id": "$acme"}
TOKENS = {"tokenTypePath": "access-token"}
SIGN_IN = {"actionType": "action.postSignIn"}
PNG_URL = "https://acme.example/logo.png"
FIELD = {"type": "Text", "required": False, "config": {}}
GOOGLE = {"clientId": "a", "clientSecret": "b"}
DETAILS = {"subject": "Hello", "content": "{{code}}"}
NOTHING_ALLOWED = {
    "userIds": ["$ada"],
    "userRoleIds": ["$reader"],
    "organizationIds": ["$acme"],
    "organizationRoleRules": [],
}
LATER = 2**50

PEOPLE = (
    step("CreateUser", {"username": "ada", "password": "Secret-1"}, "ada"),
    step("CreateUser", {"username": "bob", "primaryEmail": "bob@example.com"}, "bob"),
    step("UpdateUser", {"name": "Ada"}, **USER),
    step("UpdateUserCustomData", {"customData": {"a": 1}}, **USER),
    step("UpdateUserProfile", {"profile": {"nickname": "A"}}, **USER),
    step("UpdateUserPassword", {"password": "Secret-2"}, **USER),
    step("UpdateUserPasswordExpiration", {"isExpired": False}, **USER),
    step("UpdateUserIsSuspended", {"isSuspended": True}, **USER),
    step("UpdateUserIsSuspended", {"isSuspended": False}, **USER),
    step("UpdateUserLogtoConfigs", {"mfa": {"skipped": True}}, **USER),
    step("CreateUserMfaVerification", {"type": "Totp"}, **USER),
    step("ListUserMfaVerifications", None, "totp", **USER),
    step("CreateUserMfaVerification", {"type": "BackupCode"}, **USER),
    step("DeleteUserMfaVerification", verificationId="$totp", **USER),
    step("CreateUserPersonalAccessToken", {"name": "a"}, **USER),
    step("CreateUserPersonalAccessToken", {"name": "b"}, **USER),
    step("UpdateUserPersonalAccessToken", {"name": "c"}, name="a", **USER),
    step("UpdatePersonalAccessTokenName", {"currentName": "c", "name": "d"}, **USER),
    step("DeletePersonalAccessTokenPost", {"name": "d"}, **USER),
    step("DeleteUserPersonalAccessToken", name="b", **USER),
)

ROLES = (
    step("CreateResource", {"name": "Shop", "indicator": "https://shop.example"}, "shop"),
    step("UpdateResource", {"name": "The shop"}, id="$shop"),
    step("UpdateResourceIsDefault", {"isDefault": True}, id="$shop"),
    step("CreateResourceScope", {"name": "read"}, "read", resourceId="$shop"),
    step("CreateResourceScope", {"name": "write"}, "write", resourceId="$shop"),
    step(
        "UpdateResourceScope",
        {"description": "Reads"},
        resourceId="$shop",
        scopeId="$read",
    ),
    step("CreateRole", {"name": "r", "description": "d", "scopeIds": ["$read"]}, "reader"),
    step("CreateRole", {"name": "w", "description": "d"}, "writer"),
    step("UpdateRole", {"description": "Reads", "isDefault": True}, id="$reader"),
    step("CreateRoleScope", {"scopeIds": ["$write"]}, id="$reader"),
    step("DeleteRoleScope", id="$reader", scopeId="$write"),
    step("CreateUser", {"username": "carol"}, "carol"),  # who has the default role
    step("AssignUserRoles", {"roleIds": ["$writer"]}, **USER),
    step("ReplaceUserRoles", {"roleIds": ["$reader"]}, **USER),
    step("DeleteUserRole", roleId="$reader", **USER),
    step("CreateRoleUser", {"userIds": ["$ada", "$bob"]}, id="$writer"),
    step("DeleteRoleUser", id="$writer", userId="$bob"),
)

APPLICATIONS = (
    step("CreateApplication", {"name": "Web", "type": "Traditional"}, "web"),
    step("CreateApplication", {"name": "m", "type": "MachineToMachine"}, "machine"),
    step("CreateApplication", {"name": "p", "type": "SPA", "isThirdParty": True}, "partner"),
    step(
        "CreateApplication",
        {
            "name": "Site",
            "type": "Protected",
            "protectedAppMetadata": {"subDomain": "wiki", "origin": "https://wiki.example"},
        },
        "site",
    ),
    step("UpdateApplication", {"isAdmin": True, "name": "n"}, id="$machine"),
    step("UpdateApplicationCustomData", {"a": 1}, **APP),
    step("CreateApplicationSecret", {"name": "second"}, id="$web"),
    step("UpdateApplicationSecret", {"name": "third"}, id="$web", name="second"),
    step("DeleteApplicationSecret", id="$web", name="third"),
    step("DeleteApplicationLegacySecret", id="$old_application"),
    step("ReplaceApplicationSignInExperience", {"displayName": "Web"}, applicationId="$partner"),
    step("ReplaceApplicationSignInExperience", {"displayName": "W"}, applicationId="$partner"),
    step("CreateRole", {"name": "m", "description": "d", "type": "MachineToMachine"}, "robot"),
    step("AssignApplicationRoles", {"roleIds": ["$robot"]}, applicationId="$machine"),
    step("DeleteApplicationRole", applicationId="$machine", roleId="$robot"),
    step("ReplaceApplicationRoles", {"roleIds": ["$robot"]}, applicationId="$machine"),
    step("DeleteRoleApplication", id="$robot", applicationId="$machine"),
    step("CreateRoleApplication", {"applicationIds": ["$machine"]}, id="$robot"),
    step(
        "CreateApplicationUserConsentScope",
        {"resourceScopes": ["$read"], "userScopes": ["email"]},
        applicationId="$partner",
    ),
    step(
        "DeleteApplicationUserConsentScope",
        applicationId="$partner",
        scopeType="resource-scopes",
        scopeId="$read",
    ),
    step("UpdateCimdConfig", {"enabled": True}),
    step("AssignCimdUserConsentScopes", {"resourceScopes": ["$read"]}),
    step("DeleteCimdUserConsentScope", scopeType="resource-scopes", scopeId="$read"),
    step(
        "CreateApplicationProtectedAppMetadataCustomDomain",
        {"domain": "wiki.acme.example"},
        id="$site",
    ),
    step(
        "DeleteApplicationProtectedAppMetadataCustomDomain", id="$site", domain="wiki.acme.example"
    ),
    step("CreateSamlApplication", {"name": "s"}, "saml"),
    step("UpdateSamlApplication", {"attributeMapping": {"email": "mail"}}, id="$saml"),
    step("CreateSamlApplicationSecret", {"lifeSpanInYears": 1}, "certificate", id="$saml"),
    step("UpdateSamlApplicationSecret", {"active": True}, id="$saml", secretId="$certificate"),
    step("CreateSamlApplicationSecret", {"lifeSpanInYears": 1}, "spare", id="$saml"),
    step("DeleteSamlApplicationSecret", id="$saml", secretId="$spare"),
)

ORGANIZATIONS = (
    step("CreateOrganization", {"name": "Acme"}, "acme"),
    step("UpdateOrganization", {"isMfaRequired": True}, **ACME),
    step("CreateOrganizationScope", {"name": "o:read"}, "o_read"),
    step("UpdateOrganizationScope", {"description": "d"}, id="$o_read"),
    step(
        "CreateOrganizationRole",
        {"name": "member", "organizationScopeIds": ["$o_read"], "resourceScopeIds": ["$read"]},
        "member",
    ),
    step("CreateOrganizationRole", {"name": "bot", "type": "MachineToMachine"}, "bot"),
    step("UpdateOrganizationRole", {"description": "d"}, id="$member"),
    step("ReplaceOrganizationRoleScopes", {"organizationScopeIds": []}, id="$member"),
    step("CreateOrganizationRoleScope", {"organizationScopeIds": ["$o_read"]}, id="$member"),
    step("DeleteOrganizationRoleScope", id="$member", organizationScopeId="$o_read"),
    step("ReplaceOrganizationRoleResourceScopes", {"scopeIds": ["$write"]}, id="$member"),
    step("CreateOrganizationRoleResourceScope", {"scopeIds": ["$read"]}, id="$member"),
    step("DeleteOrganizationRoleResourceScope", id="$member", scopeId="$read"),
    step("AddOrganizationUsers", {"userIds": ["$ada", "$bob"]}, **ACME),
    step("DeleteOrganizationUser", userId="$bob", **ACME),
    step("ReplaceOrganizationUsers", {"userIds": ["$ada", "$carol"]}, **ACME),
    step(
        "AssignOrganizationRolesToUsers",
        {"userIds": ["$ada"], "organizationRoleIds": ["$member"]},
        **ACME,
    ),
    step(
        "AssignOrganizationRolesToUser",
        {"organizationRoleIds": ["$member"]},
        userId="$carol",
        **ACME,
    ),
    step(
        "ReplaceOrganizationUserRoles",
        {"organizationRoleIds": []},
        userId="$carol",
        **ACME,
    ),
    step(
        "DeleteOrganizationUserRole",
        userId="$ada",
        organizationRoleId="$member",
        **ACME,
    ),
    step("AddOrganizationApplications", {"applicationIds": ["$machine"]}, **ACME),
    step(
        "AssignOrganizationRolesToApplications",
        {"applicationIds": ["$machine"], "organizationRoleIds": ["$bot"]},
        **ACME,
    ),
    step(
        "DeleteOrganizationApplicationRole",
        applicationId="$machine",
        organizationRoleId="$bot",
        **ACME,
    ),
    step(
        "AssignOrganizationRolesToApplication",
        {"organizationRoleIds": ["$bot"]},
        applicationId="$machine",
        **ACME,
    ),
    step(
        "ReplaceOrganizationApplicationRoles",
        {"organizationRoleIds": ["$bot"]},
        applicationId="$machine",
        **ACME,
    ),
    step("ReplaceOrganizationApplications", {"applicationIds": ["$machine"]}, **ACME),
    step("DeleteOrganizationApplication", applicationId="$machine", **ACME),
    step("CreateOrganizationJitEmailDomain", {"emailDomain": "a.example"}, **ACME),
    step("DeleteOrganizationJitEmailDomain", emailDomain="a.example", **ACME),
    step(
        "ReplaceOrganizationJitEmailDomains", {"emailDomains": ["a.example", "b.example"]}, **ACME
    ),
    step("CreateOrganizationJitRole", {"organizationRoleIds": ["$member"]}, **ACME),
    step("DeleteOrganizationJitRole", organizationRoleId="$member", **ACME),
    step("ReplaceOrganizationJitRoles", {"organizationRoleIds": ["$member"]}, **ACME),
    step("CreateSsoConnector", {"providerName": "SAML", "connectorName": "Corp"}, "corp"),
    step("CreateOrganizationJitSsoConnector", {"ssoConnectorIds": ["$corp"]}, **ACME),
    step("DeleteOrganizationJitSsoConnector", ssoConnectorId="$corp", **ACME),
    step("ReplaceOrganizationJitSsoConnectors", {"ssoConnectorIds": ["$corp"]}, **ACME),
    step(
        "CreateOrganizationInvitation",
        {
            "invitee": "dan@example.com",
            "organizationId": "$acme",
            "expiresAt": LATER,
            "organizationRoleIds": ["$member"],
        },
        "to_dan",
    ),
    step("ReplaceOrganizationInvitationStatus", {"status": "Revoked"}, id="$to_dan"),
    step("DeleteOrganizationInvitation", id="$to_dan"),
    step(
        "CreateOrganizationInvitation",
        {
            "invitee": "bob@example.com",
            "organizationId": "$acme",
            "expiresAt": LATER,
            "organizationRoleIds": ["$member"],
        },
        "to_bob",
    ),
    step(
        "ReplaceOrganizationInvitationStatus",
        {"status": "Accepted", "acceptedUserId": "$bob"},
        id="$to_bob",
    ),
    step("ReplaceApplicationAccessControl", NOTHING_ALLOWED, **APP),
    step(
        "CreateApplicationUserConsentOrganization",
        {"organizationIds": ["$acme"]},
        id="$partner",
        **USER,
    ),
    step(
        "ReplaceApplicationUserConsentOrganizations",
        {"organizationIds": ["$acme"]},
        id="$partner",
        **USER,
    ),
    step(
        "DeleteApplicationUserConsentOrganization",
        id="$partner",
        organizationId="$acme",
        **USER,
    ),
)

SETTINGS = (
    step("UpdateSignInExp", {"signInMode": "SignIn", "agreeToTermsPolicy": "Manual"}),
    step("UpdateAccountCenterSettings", {"enabled": True, "fields": {"name": "Edit"}}),
    step("UpdateOidcSessionConfig", {"ttl": 3600}),
    step("RotateOidcKeys", {}, "old_key", keyType="private-keys"),
    step("UpsertJwtCustomizer", {"script": "x"}, **TOKENS),
    step("UpsertJwtCustomizer", {"script": "y"}, **TOKENS),
    step("UpdateJwtCustomizer", {"environmentVariables": {"A": "1"}}, **TOKENS),
    step("DeleteJwtCustomizer", **TOKENS),
    step("UpsertAction", {"script": "x"}, **SIGN_IN),
    step("UpsertAction", {"script": "y"}, **SIGN_IN),
    step("UpdateAction", {"enabled": False}, **SIGN_IN),
    step("DeleteAction", **SIGN_IN),
    step("UpsertIdTokenConfig", {"enabledExtendedClaims": ["custom_data"]}),
    step("UpdateAdminConsoleConfig", {"organizationCreated": True}),
    step("CreateConnector", {"connectorId": "google-universal", "config": GOOGLE}, "google"),
    step("CreateConnector", {"connectorId": "mock-social-connector", "config": GOOGLE}, "mock"),
    step("CreateUserIdentity", {"connectorId": "$mock", "connectorData": {"code": "1"}}, **USER),
    step("ReplaceUserIdentity", {"userId": "g-1"}, target="google", **USER),
    step("ReplaceUserIdentity", {"userId": "g-2"}, target="google", **USER),
    step("DeleteSecret", id="$token_set"),
    step("DeleteUserIdentity", target="google", **USER),
    step("UpdateConnector", {"syncProfile": True}, id="$google"),
    step("UpdateSignInExp", {"socialSignInConnectorTargets": ["google"]}),
    step("DeleteConnector", id="$google"),
    step("UpdateSsoConnector", {"connectorName": "Corporation"}, id="$corp"),
    step("CreateSsoConnectorSigningKey", {"active": True}, "signing", id="$corp"),
    step("CreateSsoConnectorSigningKey", {}, "next", id="$corp"),
    step("UpdateSsoConnectorSigningKey", {"active": True}, id="$corp", keyId="$next"),
    step("DeleteSsoConnectorSigningKey", id="$corp", keyId="$signing"),
    step("CreateHook", {"events": ["Role.Created"], "config": {"url": "http://h.example"}}, "hook"),
    step("UpdateHook", {"enabled": False}, id="$hook"),
    step("UpdateHookSigningKey", id="$hook"),
    step(
        "ReplaceEmailTemplates",
        {
            "templates": [
                {"languageTag": tag, "templateType": "SignIn", "details": DETAILS}
                for tag in ("de", "en")
            ]
        },
        "template",
    ),
    step("UpdateEmailTemplateDetails", {"subject": "Hi"}, id="$template"),
    step("DeleteEmailTemplate", id="$template"),
    step("DeleteEmailTemplates", query="languageTag=de"),
    step(
        "UpdateCaptchaProvider",
        {"config": {"type": "Turnstile", "siteKey": "s", "secretKey": "k"}},
    ),
    step("DeleteCaptchaProvider"),
    step("AddOneTimeTokens", {"email": "bob@example.com"}, "used"),
    step("AddOneTimeTokens", {"email": "bob@example.com"}, "ended"),
    step("VerifyOneTimeToken", {"email": "bob@example.com", "token": "$used.token"}),
    step("ReplaceOneTimeTokenStatus", {"status": "revoked"}, id="$ended"),
    step("DeleteOneTimeToken", id="$ended"),
    step("CreateDomain", {"domain": "login.acme.example"}, "domain"),
    step("CleanupDomains", {"staleDays": 1}),
    step("DeleteDomain", id="$domain"),
    step("ReplaceCustomPhrase", {"action": {"sign_in": "Los"}}, languageTag="de"),
    step("ReplaceCustomPhrase", {"action": {"sign_in": "Auf"}}, languageTag="de"),
    step("DeleteCustomPhrase", languageTag="de"),
    step("CreateCustomProfileField", {"name": "hobby", **FIELD}),
    step("CreateCustomProfileFieldsBatch", [{"name": "pet", **FIELD}, {"name": "zoo", **FIELD}]),
    step("UpdateCustomProfileFieldByName", {**FIELD, "label": "Pet"}, name="pet"),
    step(
        "UpdateCustomProfileFieldsSieOrder",
        {"order": [{"name": "zoo", "sieOrder": 1}, {"name": "pet", "sieOrder": 2}]},
    ),
    step("UpdateSignInExp", {"signUpProfileFields": [{"name": "pet"}, {"name": "zoo"}]}),
    step("DeleteCustomProfileFieldByName", name="pet"),
)

ENDS = (
    step("DeleteHook", id="$hook"),
    step("DeleteSsoConnector", id="$corp"),
    step("DeleteOrganizationRole", id="$member"),
    step("DeleteOrganizationScope", id="$o_read"),
    step("DeleteOrganization", id="$acme"),
    step("DeleteResourceScope", resourceId="$shop", scopeId="$write"),
    step("DeleteResource", id="$shop"),
    step("DeleteRole", id="$reader"),
    step("DeleteSamlApplication", id="$saml"),
    step("DeleteApplication", id="$partner"),
    step("DeleteUser", **USER),
    step("DeleteOidcKey", keyType="private-keys", keyId="$old_key"),  # which signed the token
)

STORY: tuple[Step, ...] = (
    *PEOPLE,
    *ROLES,
    *APPLICATIONS,
    *ORGANIZATIONS,
    *SETTINGS,
    *ENDS,
)

ELSEWHERE = {
    "CheckPasswordWithDefaultSignInExperience": "asks",
    "CreateConnectorAuthorizationUri": "asks",
    "CreateConnectorTest": "sends",
    "CreateHookTest": "sends",
    "CreateOrganizationInvitationMessage": "sends",
    "CreateSubjectToken": "is one turn of an actor",
    "CreateUserAsset": "stores a file",
    "CreateVerificationCode": "is one turn of an actor",
    "DeleteSentinelActivities": "is a turn of an actor for each target",
    "DeleteUserGrant": "is one turn of an actor",
    "ReplaceDomainVerificationFiles": "answers otherwise than the contract says, which has a test",
    "DeleteUserSession": "is one turn of an actor",
    "TestAction": "asks",
    "TestJwtCustomizer": "asks",
    "UploadCustomUiAssets": "stores files",
    "VerifyUserPassword": "asks",
    "VerifyVerificationCode": "is one turn of an actor",
}
"""Operations that change no record, and what they do instead."""
