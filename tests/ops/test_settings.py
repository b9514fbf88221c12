"""Settings: where they come from, what is refused, and that no value is ever repeated."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest

from gatehouse.ops.settings import Settings, SettingsError, check_urls, load_settings

KEY = b64encode(bytes(32)).decode()


def load(monkeypatch: pytest.MonkeyPatch, **values: str) -> Settings:
    for name, value in values.items():
        monkeypatch.setenv(f"GATEHOUSE_{name}", value)
    return load_settings()


def test_without_settings_there_is_an_answer_to_everything() -> None:
    settings = load_settings()
    assert settings.origin == "http://localhost:3001"
    assert settings.database == f"sqlite:///{Path('data').absolute()}/gatehouse.db"
    assert settings.workers == 1


def test_lists_are_written_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(
        monkeypatch, BIND="127.0.0.1:1, [::1]:2,unix:/run/gate", TRUSTED_PROXIES="10.0.0.0/8,::1"
    )
    assert settings.bind == ("127.0.0.1:1", "[::1]:2", "unix:/run/gate")
    assert settings.trusted_proxies == ("10.0.0.0/8", "::1/128")


def test_a_file_is_read_and_the_environment_wins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "gatehouse.toml"
    file.write_text('workers = 3\nlog_level = "debug"\nbind = ["127.0.0.1:5"]\n')
    settings = load(monkeypatch, CONFIG=str(file), WORKERS="2")
    assert (settings.workers, settings.log_level) == (2, "debug")
    assert settings.origin == "http://localhost:5"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PUBLIC_URL", "ftp://s3cret.example"),
        ("PUBLIC_URL", "https://s3cret.example/path"),
        ("BIND", "s3cret"),
        ("BIND", "127.0.0.1:99999"),
        ("METRICS_BIND", "s3cret"),
        ("WORKERS", "s3cret"),
        ("WORKERS", "0"),
        ("LOG_LEVEL", "s3cret"),
        ("SECRET_KEYS", "s3cret"),
        ("SECRET_KEYS", f"{KEY},s3cret"),
        ("VAULT_KEYS", KEY),
        ("VAULT_KEYS", "k1:s3cret"),
        ("TRUSTED_PROXIES", "s3cret"),
        ("MAX_BODY_BYTES", "1"),
        ("M2M_CLIENT_ID", "S3CRET s3cret"),
        ("DEMO_USER", "s3cret s3cret"),
        ("ACCESS_LOG", "s3cret"),
    ],
)
def test_a_wrong_setting_is_named_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        load(monkeypatch, **{name: value})
    assert f"GATEHOUSE_{name}: " in str(refused.value)
    assert "s3cret" not in str(refused.value).lower()
    assert refused.value.__cause__ is None


def test_every_wrong_setting_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match=r"(?s)GATEHOUSE_WORKERS.*GATEHOUSE_LOG_LEVEL"):
        load(monkeypatch, WORKERS="x", LOG_LEVEL="x")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("wrokers = 2", "wrokers .*: is not a setting"),
        ('workers = "s3cret"', r"workers \(in the settings file\): "),
        ("workers = s3cret", "is not TOML"),
    ],
)
def test_a_wrong_file_is_explained(tmp_path: Path, content: str, message: str) -> None:
    file = tmp_path / "gatehouse.toml"
    file.write_text(content)
    with pytest.raises(SettingsError, match=message) as refused:
        load_settings(file)
    assert "s3cret" not in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"missing\.toml"):
        load_settings(tmp_path / "missing.toml")


def test_a_certificate_needs_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="TLS_KEY"):
        load(monkeypatch, TLS_CERTIFICATE="/tmp/chain.pem")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://root:s3cret@host/db"),
        ("REDIS_URL", "http://user:s3cret@host"),
        ("REDIS_URL", "redis+sentinel://user:s3cret@host:1"),
    ],
)
def test_a_url_nobody_can_use_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    settings = load(monkeypatch, **{name: value})
    with pytest.raises(SettingsError, match=f"GATEHOUSE_{name}: ") as refused:
        check_urls(settings)
    assert "s3cret" not in str(refused.value)


def test_secrets_do_not_show_when_settings_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(
        monkeypatch,
        DATABASE_URL="postgresql://u:s3cret@h/d",
        REDIS_URL="redis://:s3cret@h",
        M2M_CLIENT_SECRET="s3cret",
        DEMO_PASSWORD="s3cret",
        SECRET_KEYS=KEY,
        VAULT_KEYS=f"k:{KEY}",
    )
    assert "s3cret" not in repr(settings)
    assert KEY not in repr(settings)
