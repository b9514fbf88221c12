"""The ten operations of the Management API that are used most, on SQLite and on PostgreSQL.

Each server holds many people, and writes go to a database that is not empty. The goal says that
looking somebody up by a name among all of them costs little more than reading them by their id,
which holds as long as an index answers.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

from bench import api, machine, people, servers
from bench.client import LoadError, Session, drive
from bench.measure import Goal, Measurement, Result, Sample, alternate, ratio
from bench.plan import CONNECTIONS, Plan
from bench.servers import Server

TITLE = "Management API: the ten operations used most"
OVER_HTTP = False
ORGANIZATIONS = 100
"""People for each organization."""
ROLE = "bench"

Make = Callable[[], bytes]


def run(plan: Plan) -> Result:
    """Measure every operation on both databases, in alternating rounds."""
    with ExitStack() as stack:
        hello = stack.enter_context(plan.stock())
        contenders: dict[str, Callable[[], Sample]] = {
            "stock Hypercorn hello": lambda: plan.hello(hello)
        }
        notes = [f"{plan.people} people in {plan.people // ORGANIZATIONS or 1} organizations."]
        for name, database in (("SQLite", _sqlite), ("PostgreSQL", _postgresql)):
            try:
                url = stack.enter_context(database())
            except (RuntimeError, OSError, ImportError) as error:
                notes.append(f"{name} is not here to be measured: {error}")
                continue
            people.fill(url, plan.people, plan.people // ORGANIZATIONS or 1)
            server = stack.enter_context(servers.gatehouse(machine.SERVER_CORE, database_url=url))
            for what, make in _operations(server, plan.people).items():
                contenders[f"{what}, {name}"] = _round(server, make, plan.seconds)
        found = alternate(plan.rounds, contenders)
    notes.append("PostgreSQL runs without durability; its own processor time is not counted.")
    return Result("management", TITLE, list(found.values()), [_goal(found)], notes)


def _goal(found: dict[str, Measurement]) -> Goal:
    exact, by_id = found["GET /users?search, SQLite"], found["GET /users/{id}, SQLite"]
    what = "processor time of finding a user among all / of reading one, SQLite"
    return Goal(what, 3, False, ratio(exact.cpu_us, by_id.cpu_us))


@contextmanager
def _sqlite() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="gatehouse-bench-") as directory:
        yield f"sqlite:///{directory}/bench.db"


@contextmanager
def _postgresql() -> Iterator[str]:
    from tests.servers.postgres import Postgres

    with tempfile.TemporaryDirectory(prefix="gatehouse-bench-pg-") as directory:
        Path(directory).chmod(0o755)  # the server runs as another user where we are root
        server = Postgres(Path(directory) / "server")
        server.start()
        try:
            yield server.dsn(server.create_database())
        finally:
            server.stop()


def _round(server: Server, make: Make, seconds: float) -> Callable[[], Sample]:
    def session() -> Session:
        answer = yield make()
        if answer.status >= 400:
            raise LoadError(f"the server answers {answer.status}: {answer.body[:300]!r}")

    def run_round() -> Sample:
        before = server.used()
        load = drive(server.url, session, CONNECTIONS, seconds)
        return Sample(load.sessions / load.seconds, server.cost(before, load.sessions))

    return run_round


def _operations(server: Server, known: int) -> dict[str, Make]:
    """Requests by what they ask for; each call makes another one."""
    manage = api.Management(server)
    role = manage.create("/api/roles", {"name": ROLE, "description": ROLE})
    new = count()
    companies = known // ORGANIZATIONS or 1
    chosen = random.Random(7)

    def someone() -> str:
        return people.user_id(chosen.randrange(known))

    def company() -> str:
        return people.organization_id(chosen.randrange(companies))

    def get(path: Callable[[], str]) -> Make:
        return lambda: manage.request("GET", path())

    def send(method: str, path: Callable[[], str], body: Callable[[], object]) -> Make:
        return lambda: manage.request(method, path(), body())

    # Nobody holds the role twice, and nobody joins twice: that would be refused, or no work.
    holders, joiners = iter(range(known)), iter(range(known))
    return {
        "GET /users": get(lambda: f"/api/users?page={chosen.randrange(1, known // 20 + 1)}"),
        "GET /users?search": get(
            lambda: f"/api/users?search=person_{chosen.randrange(known)}&mode=exact"
        ),
        "GET /users/{id}": get(lambda: f"/api/users/{someone()}"),
        "GET /users/{id}/roles": get(lambda: f"/api/users/{someone()}/roles"),
        "GET /organizations": get(lambda: "/api/organizations?page=1"),
        "GET /organizations/{id}/users": get(
            lambda: f"/api/organizations/{company()}/users?page=1"
        ),
        "POST /users": send("POST", lambda: "/api/users", lambda: {"username": f"new_{next(new)}"}),
        "PATCH /users/{id}": send(
            "PATCH", lambda: f"/api/users/{someone()}", lambda: {"name": "Renamed"}
        ),
        "PUT /users/{id}/roles": send(
            "PUT",
            lambda: f"/api/users/{people.user_id(next(holders, 0))}/roles",
            lambda: {"roleIds": [role]},
        ),
        "POST /organizations/{id}/users": send(
            "POST",
            lambda: f"/api/organizations/{company()}/users",
            lambda: {"userIds": [people.user_id(next(joiners, 0))]},
        ),
    }
