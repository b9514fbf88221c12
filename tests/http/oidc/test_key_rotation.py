"""Keys rotate while clients and other nodes verify: nobody's token fails meanwhile."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

import httpx
import jwt
import pytest

from gatehouse.actors import directory, key_rotation
from gatehouse.actors.keyring import KeyStatus, SigningAlgorithm, generate_key
from gatehouse.storage.records import SigningKey
from gatehouse.storage.tenants import SigningKeys
from gatehouse.storage.transaction import Transaction
from tests.http.oidc.house import API, ISSUER, TENANT, Client, Clock, House, Node, tokens

CACHE_MS = 15 * 60 * 1000
"""How long the clients of these tests keep the key set, whatever happens."""

GRACE_MS = 60 * 60 * 1000


@dataclass
class Verifier:
    """An API that keeps the published keys for a while, as libraries do."""

    http: httpx.AsyncClient
    clock: Clock
    keys: dict[str, Any] = field(default_factory=dict)
    read_at: int = 0

    async def verify(self, token: str) -> str:
        """The id of the key that the token was good by."""
        if not self.keys or self.clock() - self.read_at > CACHE_MS:
            answer = await self.http.get("/oidc/jwks")
            self.keys = {key["kid"]: key for key in answer.json()["keys"]}
            self.read_at = self.clock()
        header = jwt.get_unverified_header(token)
        key = jwt.PyJWK(self.keys[header["kid"]])
        options: Any = {"verify_aud": False, "verify_exp": False, "verify_iat": False}
        jwt.decode(token, key, [header["alg"]], options=options, issuer=ISSUER)
        return str(header["kid"])


async def rotate(
    node: Node, clock: Clock, grace_ms: int, algorithm: SigningAlgorithm = SigningAlgorithm.ES384
) -> str:
    """Have another key sign; its id."""
    made = generate_key(algorithm, KeyStatus.NEXT)
    new = SigningKey(
        kid=made.kid,
        alg=made.algorithm.value,
        public_jwk=dict(made.public_jwk),
        private_key=made.private_pem.decode(),
        status="next",
    )

    def change(tx: Transaction) -> None:
        key_rotation.rotate(SigningKeys(tx, TENANT), new, clock(), grace_ms)

    await node.change(change)
    return new.kid


async def api_token(client: Client) -> str:
    answer = await client.token(grant_type="client_credentials", resource=API, scope="read")
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


async def test_clients_with_caches_verify_through_staged_rotations(house: House) -> None:
    async with (
        house.node() as here,
        house.node() as there,
        here.client() as http,
        there.client() as other,
    ):
        clients = [Client(http, "machine"), Client(other, "machine")]
        verifiers = [Verifier(one, house.clock) for one in (http, other)]
        issued: list[str] = []
        signed_by: list[str] = []
        for algorithm in (SigningAlgorithm.ES384, SigningAlgorithm.ES256):
            await rotate(here, house.clock, GRACE_MS, algorithm)
            for _ in range(16):
                house.clock.pass_ms(GRACE_MS // 12)
                here.core.directory.forget()  # what was remembered is a few seconds old
                there.core.directory.forget()
                issued += [await api_token(one) for one in clients]
                for verifier in verifiers:
                    signed_by += [await verifier.verify(token) for token in issued[-8:]]
        assert len(dict.fromkeys(signed_by)) == 3


async def test_what_one_node_signs_with_a_new_key_no_other_refuses(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also before the news of the rotation has reached it."""
    async with house.node() as here, house.node() as there:
        monkeypatch.setattr(there.core.directory, "forget", lambda: None)
        async with here.client() as http, there.client() as other:
            here_client, there_client = Client(http, "machine"), Client(other, "machine")
            old = await api_token(here_client)
            assert (await there_client.introspect(old))["active"]
            kid = await rotate(here, house.clock, 0)
            new = await api_token(here_client)
            assert jwt.get_unverified_header(new)["kid"] == kid
            assert (await there_client.introspect(new))["active"]
            assert (await there_client.introspect(old))["active"]


async def test_an_id_token_of_before_is_a_hint_after(house: House) -> None:
    async with house.node() as node, node.client() as http:
        spa = Client(http, "spa")
        body = await tokens(spa)
        await rotate(node, house.clock, 0)
        answer = await http.get("/oidc/session/end", params={"id_token_hint": body["id_token"]})
        assert "You are signed out" in answer.text


async def test_invented_keys_do_not_have_the_keys_read_again_and_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house.node() as node, node.client() as http:
        machine = Client(http, "machine")
        good = await api_token(machine)
        reads = 0
        read = node.core.db.read

        async def counting(work: Any, *args: Any, **more: Any) -> Any:
            nonlocal reads
            reads += getattr(work, "__name__", "") == "_signing_keys"
            return await read(work, *args, **more)

        monkeypatch.setattr(node.core.directory, "_db", Counting(counting))
        monkeypatch.setattr(directory, "UNKNOWN_KEY_S", 3600)
        monkeypatch.setattr(directory, "MAX_AGE_S", 3600)
        payload = jwt.decode(good, options={"verify_signature": False})
        for _ in range(20):
            headers = {"typ": "at+jwt", "kid": secrets.token_hex(8)}
            forged = jwt.encode(payload, "x" * 32, algorithm="HS256", headers=headers)
            assert not (await machine.introspect(forged))["active"]
        assert reads == 1


@dataclass
class Counting:
    """A database of which only reading is of interest."""

    read: Any
