"""A script's claims in the tokens that people's applications get."""

from __future__ import annotations

from typing import Any

from gatehouse.actors.scripts.claims import ACCESS_TOKEN
from gatehouse.storage.scripts import Scripts
from gatehouse.storage.transaction import Transaction
from tests.http.oidc.house import API, TENANT, Client, Node, claims, sign_in


async def customize(node: Node, body: str, **settings: Any) -> None:
    arguments = "{ token, context, environmentVariables, api }"
    text = f"const getCustomJwtClaims = async ({arguments}) => {{ {body} }};"

    def put(tx: Transaction) -> None:
        Scripts(tx, TENANT).put(ACCESS_TOKEN, {"script": text, **settings})

    await node.change(put)


async def tokens(client: Client) -> dict[str, Any]:
    """Sign in, and get tokens for the API."""
    code = (await sign_in(client, resource=API))["code"]
    return dict((await client.redeem(code, resource=API)).json())


async def test_a_users_token_has_the_claims_of_the_script(node: Node, spa: Client) -> None:
    await customize(
        node,
        """
        const { user, application } = context;
        return {
          shoe: user.customData.shoe, roles: user.roles.map(role => role.name),
          may: user.roles[0].scopes.map(scope => scope.resource.indicator + '#' + scope.name),
          app: application.name, secret: application.secret, known: user.hasPassword,
          self: token.accountId === user.id && token.clientId === application.id,
          scope: 'everything', grant: typeof token.grantId, digest: user.passwordHash,
        };
        """,
    )
    found = claims((await tokens(spa))["access_token"])
    assert found["shoe"] == 43
    assert found["roles"] == ["reader"]
    assert found["may"] == [f"{API}#read"]
    assert found["app"] == "The spa application"
    assert found["known"] is found["self"] is True
    assert found["grant"] == "string"
    assert found["scope"] == "read"
    assert {"secret", "digest"}.isdisjoint(found)


async def test_a_script_is_told_how_the_user_signed_in(node: Node, spa: Client) -> None:
    await customize(
        node,
        """
        const { interactionEvent, userId, verificationRecords } = context.interaction;
        return { event: interactionEvent, mine: userId === context.user.id,
                 types: verificationRecords.map(record => record.type) };
        """,
    )
    found = claims((await tokens(spa))["access_token"])
    assert (found["event"], found["mine"], found["types"]) == ("SignIn", True, ["Password"])


async def test_refreshed_tokens_are_customized_again(node: Node, spa: Client) -> None:
    await customize(node, "return { step: 1 }")
    first = await tokens(spa)
    await customize(
        node, "return { step: environmentVariables.N }", environmentVariables={"N": "2"}
    )
    again = (await spa.refresh(first["refresh_token"], resource=API)).json()
    assert [claims(one["access_token"])["step"] for one in (first, again)] == [1, "2"]


async def test_a_script_that_denies_ends_the_exchange(node: Node, spa: Client) -> None:
    await customize(node, "if (context.user.username === 'ada') api.denyAccess('not you')")
    for changes in ({"resource": API}, {}):  # signed tokens and opaque ones
        code = (await sign_in(spa, **changes))["code"]
        refused = await spa.redeem(code)
        assert refused.status_code == 400
        assert refused.json()["error"] == "access_denied"
        assert refused.json()["error_description"] == "not you"
        spa.http.cookies.clear()


async def test_a_script_that_fails_costs_nobody_their_token(node: Node, spa: Client) -> None:
    await customize(node, "return context.nothing.here")
    assert claims((await tokens(spa))["access_token"])["scope"] == "read"
