"""What the audit log hears of scripts that were told a secret."""

from __future__ import annotations

import json

import pytest

from gatehouse.actors.scripts.actions import REDACTED, without


@pytest.mark.parametrize("secret", ["wombat-9-hill", 'a "quoted" one', "back\\slash", "tab\there"])
def test_a_secret_is_taken_out_as_it_is_and_as_json_has_it(secret: str) -> None:
    shown = secret.replace("\t", " ")
    assert without(f"no {shown}, {shown}", secret) == f"no {REDACTED}, {REDACTED}"
    quoted = json.dumps({"password": secret})
    assert without(quoted, secret) == json.dumps({"password": REDACTED})


def test_a_secret_that_was_cut_off_is_taken_out_as_well() -> None:
    assert without("it was wombat-9-h", "wombat-9-hill") == "it was "


def test_without_a_secret_nothing_is_taken_out() -> None:
    assert without("Error: no", "") == "Error: no"
