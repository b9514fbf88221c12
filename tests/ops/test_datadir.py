"""The data directory: for its owner, and with secrets that are made once."""

from __future__ import annotations

import stat
from base64 import b64encode
from pathlib import Path

import pytest

from gatehouse.ops import datadir
from gatehouse.ops.datadir import DataDirError
from gatehouse.ops.settings import Settings, load_settings
from gatehouse.storage.vault import SealError

OLD, NEW = (b64encode(bytes([number]) * 32).decode() for number in (1, 2))


def settings(monkeypatch: pytest.MonkeyPatch, path: Path, **values: str) -> Settings:
    for name, value in {"DATA_DIR": str(path), **values}.items():
        monkeypatch.setenv(f"GATEHOUSE_{name}", value)
    return load_settings()


def test_secrets_are_made_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ours = settings(monkeypatch, tmp_path)
    mac = datadir.secret_ring(ours).mac(b"m")
    sealed = datadir.vault(ours).seal("s", "here")
    assert datadir.secret_ring(ours).mac(b"m") == mac
    assert datadir.vault(ours).open(sealed, "here") == "s"
    for name in ("secret-keys", "vault-keys"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_secrets_that_another_process_made_first_are_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first = tmp_path / "secret-keys"
    datadir.write_private(first, "theirs\n", replace=False)
    datadir.write_private(first, "ours\n", replace=False)
    assert first.read_text() == "theirs\n"
    assert list(tmp_path.iterdir()) == [first]


def test_a_new_key_in_front_makes_and_the_old_one_still_verifies(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = settings(monkeypatch, tmp_path, SECRET_KEYS=OLD, VAULT_KEYS=f"k1:{OLD}")
    mac = datadir.secret_ring(before).mac(b"m")
    sealed = datadir.vault(before).seal("s", "here")
    after = settings(
        monkeypatch, tmp_path, SECRET_KEYS=f"{NEW},{OLD}", VAULT_KEYS=f"k2:{NEW},k1:{OLD}"
    )
    assert datadir.secret_ring(after).verify(b"m", mac)
    assert datadir.secret_ring(after).mac(b"m") != mac
    assert datadir.vault(after).open(sealed, "here") == "s"
    assert datadir.vault(after).current == "k2"
    later = settings(monkeypatch, tmp_path, VAULT_KEYS=f"k2:{NEW}")
    with pytest.raises(SealError):
        datadir.vault(later).open(sealed, "here")


def test_a_directory_that_cannot_be_made_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    ours = settings(monkeypatch, tmp_path / "file" / "data")
    with pytest.raises(DataDirError, match="GATEHOUSE_DATA_DIR"):
        datadir.prepare_data_dir(ours)
