"""What the tests of the engine share."""

from __future__ import annotations

import pytest

from tests.servers.cluster import Cluster
from tests.servers.sentinel import SentinelGroup


@pytest.fixture(params=["standalone", "sentinel", "cluster"])
def deployment(request: pytest.FixtureRequest) -> str:
    """The URL of an empty Redis, once for each way it can be deployed."""
    if request.param == "standalone":
        url: str = request.getfixturevalue("redis_url")
        return url
    if request.param == "sentinel":
        group: SentinelGroup = request.getfixturevalue("sentinel_group")
        return group.url
    cluster: Cluster = request.getfixturevalue("cluster")
    return cluster.url
