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
        wait_until(self._whole, "the Sentinel group is whole", timeout=60)

    def stop(self) -> None:
        for server in (*self.sentinels, *self.servers):
            server.kill()

    def _whole(self) -> bool:
        self._rejoin()
        views = set()
        for sentinel in self.sentinels:
            with sentinel.client() as client:
                (state,) = client.sentinel_masters().values()
                views.add(state["port"])
                if state["num-other-sentinels"] != 2 or state["num-slaves"] != 2:
                    return False
                if state["flags"] != "master":
                    return False
        with self.master.client() as client:
            info = client.info("replication")
        online = [info.get(f"slave{i}", {}).get("state") for i in range(2)]
        return len(views) == 1 and info["role"] == "master" and online == ["online"] * 2

    def _rejoin(self) -> None:
        """What the sentinels do as well, but only every ten seconds."""
        master = self.master
        for server in self.servers:
            with server.client() as client:
                if server is not master and client.role()[0] == b"master":
                    client.replicaof("127.0.0.1", master.port)
