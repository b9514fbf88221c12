"""The command line: `gatehouse serve`, `migrate`, `seed`, `keys`, `outbox`, `doctor`, `bench`.

Imports wait until a command needs them, because every command, `--help` too, pays for what is
imported here.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from gatehouse import __version__
from gatehouse.ops.errors import expected_errors, sole_cause
from gatehouse.ops.settings import CONFIG_VARIABLE, Settings, SettingsError, load_settings

if TYPE_CHECKING:
    from gatehouse.engine.dead_letters import DeadLetter
    from gatehouse.ops.server import Started

T = TypeVar("T")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A TOML file of settings; the environment (GATEHOUSE_...) wins over it.",
)
def cli(config: Path | None) -> None:
    """Gatehouse, a sign-in server."""
    if config is not None:
        # Workers are processes of their own and read the same file.
        os.environ[CONFIG_VARIABLE] = str(config.absolute())


@cli.command()
def serve() -> None:
    """Start the server, and everything it needs that no setting names."""
    settings = _settings()
    from gatehouse.ops import server  # noqa: PLC0415

    _run(server.serve, settings, _announce)


@cli.command()
def migrate() -> None:
    """Bring the database's schema up to date."""
    settings = _settings()
    from gatehouse.ops import datadir  # noqa: PLC0415
    from gatehouse.storage.migrate import migrate as run  # noqa: PLC0415

    with _explained():
        datadir.prepare_data_dir(settings)
        changed = run(settings.database)
    click.echo("The schema was brought up to date." if changed else "The schema is up to date.")


@cli.command()
def seed() -> None:
    """Migrate, and create what a first start creates: tenant, keys, applications, demo user."""
    settings = _settings()
    from gatehouse.ops import datadir, server  # noqa: PLC0415

    with _explained():
        datadir.prepare_data_dir(settings)
    seeded = _run(server.prepare, settings)
    if seeded is None:
        click.echo("Everything is there already.")
    else:
        _print_seeded(settings, seeded)


@cli.group()
def keys() -> None:
    """The signing keys of tokens, and the keys by which secrets are sealed."""


@keys.command("list")
def list_keys() -> None:
    """List the keys, newest first."""
    from gatehouse.ops import keys as commands  # noqa: PLC0415

    for key in _run(commands.list_keys, _settings()):
        click.echo(f"{key.kid}  {key.alg}  {key.status}")


_ALGORITHM = click.option(
    "--alg", type=click.Choice(["ES384", "ES256", "RS256"]), default="ES384", show_default=True
)


@keys.command()
@_ALGORITHM
def prepare(alg: str) -> None:
    """Publish the next key, which signs nothing yet, so that clients learn of it in time."""
    from gatehouse.ops import keys as commands  # noqa: PLC0415

    click.echo(_run(commands.prepare_key, _settings(), alg))


@keys.command()
@_ALGORITHM
def rotate(alg: str) -> None:
    """Sign with the prepared key of this algorithm, or with a new one.

    The key that signed until now still verifies. Workers follow within five seconds.
    """
    from gatehouse.ops import keys as commands  # noqa: PLC0415

    click.echo(_run(commands.rotate_key, _settings(), alg))


@keys.command()
@click.argument("kid")
def delete(kid: str) -> None:
    """Delete a key: what it signed is refused from then on. The current one stays."""
    from gatehouse.ops import keys as commands  # noqa: PLC0415

    _run(commands.delete_key, _settings(), kid)


@keys.command()
def reseal() -> None:
    """Seal every secret of the database with the first of the vault keys.

    The other vault keys are not needed after it. The server may run meanwhile, if it has the same
    keys in the same order.
    """
    from gatehouse.ops import keys as commands  # noqa: PLC0415

    count, current = _run(commands.reseal, _settings())
    click.echo(f"Sealed {count} secrets anew: all are sealed with {current} now.")


@cli.group()
def outbox() -> None:
    """Messages, audit entries and other effects that were given up: the dead letters."""


@outbox.command("list")
@click.option("--kind", help="Only effects of this kind.")
def list_letters(kind: str | None) -> None:
    """List the dead letters: id, kind, when it was given up, attempts, last error, bytes."""
    from gatehouse.ops import dead_letters  # noqa: PLC0415

    selection = dead_letters.Selection(kind=kind, every=kind is None)
    for letter in _run(dead_letters.list_letters, _settings(), selection):
        when = datetime.fromtimestamp(letter.died_at // 1000, UTC).isoformat()
        click.echo(
            f"{letter.id}  {letter.kind}  {when}  {letter.failures}  {letter.error}  {letter.size}"
        )


def _choosing_letters(command: Callable[..., None]) -> Callable[..., None]:
    """The ways to say which letters are meant."""
    command = click.option("--all", "every", is_flag=True, help="All there are.")(command)
    command = click.option("--kind", help="All of this kind.")(command)
    return click.argument("ids", metavar="[ID]...", nargs=-1)(command)


@outbox.command()
@_choosing_letters
def redeliver(ids: tuple[str, ...], kind: str | None, every: bool) -> None:
    """Deliver dead letters again, under the ids they had."""
    from gatehouse.ops import dead_letters  # noqa: PLC0415

    _deal_with_letters(dead_letters.redeliver, ids, kind, every)


@outbox.command()
@_choosing_letters
def drop(ids: tuple[str, ...], kind: str | None, every: bool) -> None:
    """Delete dead letters for good."""
    from gatehouse.ops import dead_letters  # noqa: PLC0415

    _deal_with_letters(dead_letters.drop, ids, kind, every)


def _deal_with_letters(
    act: Callable[..., Coroutine[Any, Any, list[DeadLetter]]],
    ids: tuple[str, ...],
    kind: str | None,
    every: bool,
) -> None:
    from gatehouse.ops.dead_letters import Selection  # noqa: PLC0415

    if not (ids or kind or every):
        raise click.UsageError("say which: ids, --kind or --all")
    done = {letter.id for letter in _run(act, _settings(), Selection(frozenset(ids), kind, every))}
    for id in sorted(done):
        click.echo(id)
    if missing := set(ids) - done:
        raise click.ClickException(f"no such dead letter: {', '.join(sorted(missing))}")


@cli.command()
@click.option("--send-test-message", metavar="ADDRESS", help="Send a mail by way of the outbox.")
def doctor(send_test_message: str | None) -> None:
    """Check the settings and everything they point at."""
    settings = _settings()
    from gatehouse.ops import doctor as examination  # noqa: PLC0415

    findings = _run(examination.examine, settings, send_test_message)
    for finding in findings:
        click.echo(f"{finding.verdict:8}{finding.subject}: {finding.message}")
    if any(finding.verdict == "fails" for finding in findings):
        sys.exit(1)


@cli.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def bench(arguments: tuple[str, ...]) -> None:
    """Run the load suites, which are part of a checkout of the sources."""
    import gatehouse  # noqa: PLC0415

    root = Path(gatehouse.__file__).parent.parent
    if not (root / "bench" / "__main__.py").is_file():
        raise click.ClickException("the load suites are in the sources: run `./dev bench` there")
    os.chdir(root)
    os.execv(sys.executable, [sys.executable, "-m", "bench", *arguments])  # noqa: S606


def main() -> None:
    """Entry point of the `gatehouse` program."""
    cli(prog_name="gatehouse")


def _settings() -> Settings:
    from gatehouse.ops.logging import configure_logging  # noqa: PLC0415

    try:
        settings = load_settings()
    except SettingsError as error:
        raise click.ClickException(str(error)) from None
    configure_logging(settings)
    return settings


def _run(function: Callable[..., Coroutine[Any, Any, T]], *args: object) -> T:
    import trio  # noqa: PLC0415

    with _explained():
        return trio.run(function, *args)


@contextmanager
def _explained() -> Iterator[None]:
    """Turn what an operator can do something about into one line; leave the rest as it is."""
    try:
        yield
    except Exception as error:
        cause = sole_cause(error)
        if isinstance(cause, expected_errors()):
            raise click.ClickException(str(cause)) from None
        raise


def _announce(started: Started) -> None:
    from gatehouse.ops.seed import DEMO_PATH  # noqa: PLC0415

    settings = started.settings
    if started.seeded is not None:
        _print_seeded(settings, started.seeded)
    click.echo(f"Gatehouse {__version__} serves {', '.join(started.urls)}")
    if settings.demo:
        click.echo(f"Sign in        {settings.origin}{DEMO_PATH}")
    click.echo(f"Discovery      {settings.origin}/oidc/.well-known/openid-configuration")
    if started.ops_url:
        click.echo(f"Inbox          {started.ops_url}/inbox")
        click.echo(f"Metrics        {started.ops_url}/metrics")
    if started.seeded is None:
        from gatehouse.ops.datadir import CREDENTIALS  # noqa: PLC0415

        click.echo(f"Credentials    {settings.data_dir / CREDENTIALS}")


def _print_seeded(settings: Settings, seeded: Any) -> None:
    from gatehouse.ops.datadir import CREDENTIALS  # noqa: PLC0415

    rows = {
        "Management API": seeded.management_resource,
        "  client id": seeded.management_client_id,
        "  client secret": seeded.management_client_secret,
        "Demo user": seeded.demo_user,
        "  password": seeded.demo_password,
    }
    shown = [f"{name:17}{value}" for name, value in rows.items() if value]
    if shown:
        click.echo("\n".join(shown))
        click.echo(f"Shown this once, and kept in {settings.data_dir / CREDENTIALS}\n")
