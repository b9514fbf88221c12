"""A Redis Cluster of real servers: three masters with a replica each, on 127.0.0.1."""

from __future__ import annotations

from pathlib import Path

from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot

from tests.servers.process import free_port, wait_until
from tests.servers.valkey import Valkey

MASTERS = 3
NODE_TIMEOUT_MS = 1000
"""Milliseconds; sets how long the cluster takes to replace a dead master."""


class ClusterNode(Valkey):
    def __init__(self, directory: Path, *, announce_port: int | None = None) -> None:
        self.bus_port = free_port()
        options = {
            "cluster-enabled": "yes",
            "cluster-port": self.bus_port,
            "cluster-node-timeout": NODE_TIMEOUT_MS,
            "cluster-replica-validity-factor": 0,
            "cluster-allow-replica-migration": "no",
            "repl-diskless-sync-delay": 0,
        }
        if announce_port is not None:
            options |= {"cluster-announce-port": announce_port}
        arguments = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        super().__init__(directory, *arguments, port=free_port())

    @property
    def id(self) -> str:
        return str(self.ask("CLUSTER", "MYID"))

    @property
    def is_master(self) -> bool:
        return str(self.ask("ROLE")[0]) == "master"

    def ask(self, *command: str | int) -> object:
        """Send a command to this very server."""
        with self.client(decode_responses=True) as client:
            return client.execute_command(*command)

    def state(self) -> dict[str, str]:
        """What this server thinks of the cluster."""
        info = self.ask("CLUSTER", "INFO")
        return info if isinstance(info, dict) else dict(line.split(":") for line in info.split())


class Cluster:
    """The cluster, which can be hurt by a test and is healed for the next."""

    def __init__(self, directory: Path) -> None:
        self.nodes = [ClusterNode(directory / f"node-{i}") for i in range(2 * MASTERS)]

    @property
    def url(self) -> str:
        return "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes[:3])

    def create(self) -> None:
        """Start the servers, introduce them and hand out the slots."""
        for node in self.nodes:
            node.start()
        first, *others = self.nodes
        for node in others:
            node.ask("CLUSTER", "MEET", "127.0.0.1", first.port, first.bus_port)
        # The same starting epoch for two masters is settled by a conflict that takes a while.
        masters, replicas = self.nodes[:MASTERS], self.nodes[MASTERS:]
        bounds = [i * REDIS_CLUSTER_HASH_SLOTS // MASTERS for i in range(MASTERS + 1)]
        for i, node in enumerate(masters):
            node.ask("CLUSTER", "ADDSLOTSRANGE", bounds[i], bounds[i + 1] - 1)
        wait_until(self._acquainted, "all nodes know each other", timeout=60)
        for master, replica in zip(masters, replicas, strict=True):
            replica.ask("CLUSTER", "REPLICATE", master.id)
        self.heal()

    def master_of(self, key: str) -> ClusterNode:
        """The server that serves a key, by the word of one that is up."""
        slot = key_slot(key.encode())
        witness = next(node for node in self.nodes if node.running)
        for first, last, master, *_ in self._slots(witness):
            if first <= slot <= last:
                return next(node for node in self.nodes if node.port == master)
        raise LookupError(f"nobody serves slot {slot}")

    def replica_of(self, master: ClusterNode) -> ClusterNode:
        ports = next(ports for _, _, *ports in self._slots(master) if ports[0] == master.port)
        return next(node for node in self.nodes if node.port == ports[1])

    def heal(self) -> None:
        """Start and resume everything, and wait until the cluster is whole again."""
        for node in self.nodes:
            if node.running:
                node.resume()
            else:
                node.start()
        wait_until(self._whole, "the cluster is whole", timeout=60)

    def stop(self) -> None:
        for node in self.nodes:
            node.kill()

    def flush(self) -> None:
        for node in self.nodes:
            if node.is_master:
                node.ask("FLUSHALL")

    def _acquainted(self) -> bool:
        return all(
            node.state()["cluster_known_nodes"] == str(len(self.nodes)) for node in self.nodes
        )

    def _slots(self, node: ClusterNode) -> list[list[int]]:
        """[first slot, last slot, port of the master, ports of replicas ...]"""
        with node.client(decode_responses=True) as client:
            client.response_callbacks.clear()
            ranges = client.execute_command("CLUSTER", "SLOTS")
        return [[first, last, *(server[1] for server in rest)] for first, last, *rest in ranges]

    def _whole(self) -> bool:
        maps = []
        for node in self.nodes:
            if node.state()["cluster_state"] != "ok":
                return False
            with node.client(decode_responses=True) as client:
                info = client.info("replication")
            if info["role"] == "slave" and info["master_link_status"] != "up":
                return False
            slots = self._slots(node)
            if any(len(ports) != 4 for ports in slots):
                return False
            maps.append(sorted((first, last, master) for first, last, master, _ in slots))
        return all(view == maps[0] for view in maps)
