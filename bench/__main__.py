"""`python -m bench [--quick] [--suite NAME ...] [--target URL ...]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from types import ModuleType

from bench import machine, report
from bench.client import LoadError
from bench.plan import Plan
from bench.servers import Server
from bench.suites import edge, latency, link, management, sign_in, status, token, turns

SUITES: dict[str, ModuleType] = {
    "edge": edge,
    "link": link,
    "turns": turns,
    "status": status,
    "token": token,
    "sign-in": sign_in,
    "latency": latency,
    "management": management,
}
QUICK_SECONDS = 0.3
QUICK_PEOPLE = 1000


def main(arguments: list[str] | None = None) -> int:
    """Run the suites and write the report; 1 if one failed, or missed a goal in a full run."""
    options = _options().parse_args(arguments)
    target = _target(options)
    names = options.suite or [
        name for name, suite in SUITES.items() if target is None or suite.OVER_HTTP
    ]
    if target is not None and not all(SUITES[name].OVER_HTTP for name in names):
        sys.exit("only these suites can be pointed at a target: status, token, sign-in, latency")
    plan = Plan(
        rounds=1 if options.quick else options.rounds,
        seconds=QUICK_SECONDS if options.quick else options.seconds,
        target=target,
        people=QUICK_PEOPLE if options.quick else options.people,
    )
    facts = machine.facts()
    if target is not None:
        facts["target"] = target.url
    if options.quick:
        facts["quick"] = "a smoke run: too short to believe its numbers"
    machine.pin(machine.CLIENT_CORE)
    results = []
    for name in names:
        print(f"{SUITES[name].TITLE} ...", file=sys.stderr, flush=True)
        try:
            results.append(SUITES[name].run(plan))
        except LoadError as error:  # the others are worth a report all the same
            print(f"bench: {name}: {error}", file=sys.stderr)
    _, path = report.write(options.results, results, facts)
    print(path.read_text())
    missed = [goal for result in results for goal in result.goals if goal.met is False]
    failed = len(results) < len(names)
    return 1 if failed or (missed and not options.quick) else 0


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smoke run of a few seconds")
    parser.add_argument("--suite", action="append", choices=SUITES, help="only this one; repeat")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="of one round")
    parser.add_argument(
        "--people", type=int, default=100_000, help="in the databases of the suite management"
    )
    parser.add_argument(
        "--results", type=Path, default=Path(__file__).parent / "results", help="where to report"
    )
    other = parser.add_argument_group("any server of Logto's API instead of our own")
    other.add_argument("--target", metavar="URL", help="http://host:port")
    other.add_argument("--target-pid", type=int, action="append", help="its process, if it is here")
    other.add_argument("--client-id", default="", help="may use the Management API")
    other.add_argument("--client-secret", default="")
    other.add_argument("--application", default="demo-app", help="a public client")
    other.add_argument("--redirect-uri", help="of the application; default: URL/demo-app")
    return parser


def _target(options: argparse.Namespace) -> Server | None:
    if options.target is None:
        return None
    url = options.target.rstrip("/")
    return Server(
        url,
        tuple(options.target_pid or ()),
        options.client_id,
        options.client_secret,
        options.application,
        options.redirect_uri or f"{url}/demo-app",
    )


if __name__ == "__main__":
    sys.exit(main())
