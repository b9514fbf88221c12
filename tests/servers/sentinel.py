"""A Sentinel group of real servers: one master, two replicas, three sentinels, on 127.0.0.1."""

from __future__ import annotations

from pathlib import Path

from tests.servers.process import free_port, wait_until
from tests.servers.valkey import Valkey

SERVICE = "gatehouse"
DOWN_AFTER_MS = 800
FAILOVER_TIMEOUT_MS = 3000


class Sentinel(Valkey):
    """One sentinel: the same program, told to watch instead of to serve."""

    def __init__(self, directory: Path, master_port: int) -> None:
        port = free_port()
        directory.mkdir(parents=True, exist_ok=True)
        configuration = directory / "sentinel.conf"
        configuration.write_text(
            f"""port {port}
bind 127.0.0.1
dir {directory}
unixsocket {directory / "valkey.sock"}
sentinel monitor {SERVICE} 127.0.0.1 {master_port} 2
sentinel down-after-milliseconds {SERVICE} {DOWN_AFTER_MS}
sentinel failover-timeout {SERVICE} {FAILOVER_TIMEOUT_MS}
"""
        )
        super().__init__(directory, port=port)
        self.command = [self.command[0], str(configuration), "--sentinel"]


class SentinelGroup:
    """The group, which can be hurt by a test and is healed for the next."""

    def __init__(self, directory: Path) -> None:
        at_once = ("--repl-diskless-sync-delay", "0")
        first = Valkey(directory / "server-0", *at_once, port=free_port())
        follow = (*at_once, "--replicaof", f"127.0.0.1 {first.port}")
        self.servers = [
            first,
            *(Valkey(directory / f"server-{i}", *follow, port=free_port()) for i in (1, 2)),
        ]
        self.sentinels = [Sentinel(directory / f"sentinel-{i}", first.port) for i in range(3)]

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        return f"redis+sentinel://{hosts}/{SERVICE}"

    @property
    def master(self) -> Valkey:
        """The server that the sentinels call master."""
        with self.sentinels[0].client() as client:
            port = int(client.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE)[1])
        return next(server for server in self.servers if server.port == port)

    def heal(self) -> None:
        """Start and resume everything, and wait until the group is whole again."""
        for server in (*self.servers, *self.sentinels):
            if server.running:
                server.resume()
            else:
                server.start()
        try:
            wait_until(self._whole, "the Sentinel group is whole", timeout=60)
        except TimeoutError as error:
            error.add_note(self._describe())
            raise

    def stop(self) -> None:
        for server in (*self.sentinels, *self.servers):
            server.kill()

    def _whole(self) -> bool:
        states = []
        for sentinel in self.sentinels:
            with sentinel.client() as client:
                states += client.sentinel_masters().values()
        ports = {state["port"] for state in states}
        if len(ports) != 1 or any(state["flags"] != "master" for state in states):
            return False
        acquainted = all(
            state["num-other-sentinels"] == len(self.sentinels) - 1
            and state["num-slaves"] == len(self.servers) - 1
            for state in states
        )
        return self._following(*ports) and acquainted

    def _following(self, port: int) -> bool:
        """Whether all follow this master; those that do not are told to.

        The sentinels do that as well, but take ten seconds and more to look.
        """
        followers = 0
        for server in self.servers:
            with server.client() as client:
                role = client.role()
                if server.port == port:
                    followers += role[0] == b"master"
                elif role[0] == b"slave" and role[2] == port:
                    followers += role[3] == b"connected"
                else:
                    client.replicaof("127.0.0.1", port)
        return followers == len(self.servers)

    def _describe(self) -> str:
        lines = []
        for sentinel in self.sentinels:
            with sentinel.client() as client:
                lines.append(f"sentinel {sentinel.port}: {client.sentinel_masters()}")
                lines.append(f"  {client.sentinel_slaves(SERVICE)}")
        for server in self.servers:
            with server.client() as client:
                lines.append(f"server {server.port}: {client.role()}")
        return "\n".join(lines)
