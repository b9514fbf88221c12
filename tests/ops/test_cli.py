"""The command line, as an operator uses it."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64encode
from secrets import token_bytes

import httpx

from gatehouse.engine.codec import dead_key, outbox_key
from tests.ops.conftest import Install
from tests.ops.installation import eventually
from tests.servers.valkey import Valkey


def test_a_wrong_setting_ends_in_one_line(install: Install) -> None:
    failed = install(WORKERS="many").run("serve")
    assert failed.returncode == 1
    assert "GATEHOUSE_WORKERS: " in failed.stderr
    assert "Traceback" not in failed.stderr


def test_a_database_that_is_away_is_said_without_its_password(install: Install) -> None:
    failed = install(DATABASE_URL="postgresql://u:s3cret@127.0.0.1:1/d").run("migrate")
    assert failed.returncode == 1
    assert "cannot connect" in failed.stderr
    assert "s3cret" not in failed.stderr
    assert "Traceback" not in failed.stderr


def test_migrating_twice_changes_nothing(install: Install) -> None:
    gatehouse = install()
    assert "brought up to date" in gatehouse.run("migrate").stdout
    assert "is up to date" in gatehouse.run("migrate").stdout


def test_seeding_twice_makes_nothing_new(install: Install) -> None:
    gatehouse = install(PUBLIC_URL="http://localhost:1")
    first = gatehouse.run("seed")
    assert "Shown this once" in first.stdout
    assert "already" in gatehouse.run("seed").stdout
    gatehouse.settings |= {"M2M_CLIENT_ID": "mine", "M2M_CLIENT_SECRET": "a-fixed-secret"}
    assert "a-fixed-secret" in gatehouse.run("seed").stdout
    kept = json.loads((gatehouse.data_dir / "management-credentials.json").read_text())
    assert kept["management_client_id"] == "mine"
    assert kept["demo_password"] in first.stdout


def test_keys_are_prepared_rotated_and_deleted(install: Install) -> None:
    gatehouse = install()
    gatehouse.run("seed")
    prepared = gatehouse.run("keys", "prepare", "--alg", "ES256").stdout.strip()
    assert f"{prepared}  ES256  next" in gatehouse.run("keys", "list").stdout
    assert "prepared already" in gatehouse.run("keys", "prepare").stderr
    assert gatehouse.run("keys", "rotate", "--alg", "ES256").stdout.strip() == prepared
    listed = gatehouse.run("keys", "list").stdout
    assert f"{prepared}  ES256  current" in listed
    old = next(line.split()[0] for line in listed.splitlines() if "previous" in line)
    assert gatehouse.run("keys", "delete", old).returncode == 0
    refused = gatehouse.run("keys", "delete", prepared)
    assert refused.returncode == 1
    assert "the only key" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert gatehouse.run("keys", "list").stdout.count("\n") == 1


def test_a_running_server_signs_with_a_rotated_key(install: Install) -> None:
    gatehouse = install()
    gatehouse.start()
    kid = gatehouse.run("keys", "rotate", "--alg", "ES256").stdout.strip()

    def published() -> bool:
        keys = httpx.get(f"{gatehouse.url}/oidc/jwks").json()["keys"]
        return kid in [key["kid"] for key in keys]

    eventually(published)


def test_the_vault_key_is_replaced(install: Install) -> None:
    gatehouse = install()
    gatehouse.run("seed")
    kept = gatehouse.data_dir / "vault-keys"
    old = kept.read_text()
    new = f"k2:{urlsafe_b64encode(token_bytes(32)).decode()}\n"
    kept.write_text(new)
    refused = gatehouse.run("keys", "reseal")
    assert refused.returncode == 1
    assert "'k1'" in refused.stderr
    assert "Traceback" not in refused.stderr
    kept.write_text(new + old)
    done = gatehouse.run("keys", "reseal")
    assert re.fullmatch(r"Sealed [1-9]\d* secrets anew: all .* with k2 now\.\n", done.stdout)
    assert gatehouse.run("keys", "reseal").stdout.startswith("Sealed 0 secrets")
    kept.write_text(new)
    assert "current" in gatehouse.run("keys", "list").stdout


def test_doctor_finds_an_installation_well_and_delivers_a_message(install: Install) -> None:
    gatehouse = install()
    gatehouse.start()
    healthy = gatehouse.run("doctor", "--send-test-message", "ada@example.com")
    assert healthy.returncode == 0, healthy.stdout + healthy.stderr
    assert "fails" not in healthy.stdout
    page = httpx.get(f"{gatehouse.ops_url}/inbox").text
    assert page.count("ada@example.com") == 1
    assert "Test message" in page


def test_doctor_starts_the_private_valkey_where_no_server_runs(install: Install) -> None:
    gatehouse = install()
    gatehouse.run("seed")
    healthy = gatehouse.run("doctor")
    assert healthy.returncode == 0, healthy.stdout
    assert "ok      redis: Valkey" in healthy.stdout


def test_doctor_says_what_is_wrong(install: Install) -> None:
    gatehouse = install(REDIS_URL="redis://127.0.0.1:1", PUBLIC_URL="http://login.example.com")
    ill = gatehouse.run("doctor")
    assert ill.returncode == 1
    assert "fails   redis" in ill.stdout
    assert "fails   database: the schema is not current" in ill.stdout
    assert "warns   settings: the public URL is not https" in ill.stdout
    gatehouse.run("seed")
    (gatehouse.data_dir / "secret-keys").touch()
    (gatehouse.data_dir / "secret-keys").chmod(0o644)
    assert "can be read by others" in gatehouse.run("doctor").stdout


def test_dead_letters_are_listed_dropped_and_delivered_again(
    install: Install, valkey: Valkey
) -> None:
    gatehouse = install(REDIS_URL=valkey.url)
    with valkey.client() as client:
        for number, kind in enumerate(("mail", "mail", "audit")):
            letter = {
                "e": f"{kind}\0the secret 1234",
                "i": f"07-{number}",
                "n": 12,
                "error": "Oops",
            }
            client.xadd(dead_key(7), letter)
        listed = gatehouse.run("outbox", "list")
        assert "07-0  mail  2" in listed.stdout
        assert listed.stdout.splitlines()[2].endswith("  12  Oops  15")
        assert "1234" not in listed.stdout + listed.stderr
        assert gatehouse.run("outbox", "list", "--kind", "audit").stdout.startswith("07-2")

        assert gatehouse.run("outbox", "redeliver", "--kind", "audit").stdout == "07-2\n"
        ((_, moved),) = client.xrange(outbox_key(7))
        assert moved == {b"e": b"audit\0the secret 1234", b"i": b"07-2"}

        unknown = gatehouse.run("outbox", "drop", "07-0", "07-9")
        assert unknown.stdout == "07-0\n"
        assert "no such dead letter: 07-9" in unknown.stderr
        assert unknown.returncode == 1
        assert gatehouse.run("outbox", "drop").returncode == 2
        assert gatehouse.run("outbox", "drop", "--all").stdout == "07-1\n"
        assert gatehouse.run("outbox", "list").stdout == ""
        assert client.xlen(outbox_key(7)) == 1


def test_dead_letters_of_a_redis_that_is_away_end_in_one_line(install: Install) -> None:
    failed = install(REDIS_URL="redis://u:s3cret@127.0.0.1:1").run("outbox", "list")
    assert failed.returncode == 1
    assert "cannot be reached" in failed.stderr
    assert "s3cret" not in failed.stderr
    assert "Traceback" not in failed.stderr


def test_the_embedded_redis_is_asked_without_a_server_too(install: Install) -> None:
    assert install().run("outbox", "list").returncode == 0
